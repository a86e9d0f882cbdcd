"""Learning one class, step by step: split → cluster → hard EM → teacher → hard EM → calibration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from amodal.compnet.calibrate import best_threshold, outlier_log_prior
from amodal.compnet.gather import TrainingObject
from amodal.compnet.maps import outlier_log_likelihood
from amodal.compnet.mixtures import (
    ClassObjects,
    MixtureSettings,
    cluster,
    fit_mixtures,
    likelihoods,
    posterior_log_odds,
)
from amodal.compnet.model import ClassModel
from amodal.compnet.refine import REFINEMENTS
from amodal.compnet.split import Split, box_cells, fit_split
from amodal.compnet.teacher import refine_foreground
from amodal.compnet.templates import Templates, resample
from amodal.compnet.vmf import Kernels
from amodal.errors import AmodalError
from amodal.features.crops import ObjectFeatures
from amodal.features.lattice import Shape, shape_for
from amodal.progress import Progress

_OBJECTS_PER_MIXTURE = 12  # a component of fewer objects learns those objects, not a viewpoint
_CALIBRATION_OBJECTS = 300


@dataclass(frozen=True)
class ClassSettings:
    """How one class is learned from its objects."""

    mixture: MixtureSettings = field(default_factory=MixtureSettings)
    teacher: str = "grabcut"
    """Image-guided refinement of the training masks: grabcut, guided or none."""
    lessons: int = 1
    """How often the training masks are refined and the templates estimated anew."""
    temperature: float = 2.0
    """Divides log-likelihood ratios: neighbouring cells see much of the same photo."""


def learn_class(
    objects: Sequence[TrainingObject],
    kernels: Kernels,
    outliers: Float[Tensor, "models kernels"],
    settings: ClassSettings,
    seed: int,
    progress: Progress,
) -> ClassModel:
    """A class from the features of its training boxes; `progress` is told of every step."""
    shape = common_shape(objects)
    split = fit_split([item.plain for item in objects], torch.Generator().manual_seed(seed))
    members = _members(objects, shape, kernels, split)
    mixtures = max(1, min(settings.mixture.mixtures, len(members) // _OBJECTS_PER_MIXTURE))
    mixture = MixtureSettings(mixtures, settings.mixture.smoothing_cells, settings.mixture.rounds)
    progress("clustering", 0, 1)
    assignment = cluster(members, mixtures, seed)
    progress("clustering", 1, 1)

    def rounds(done: int, total: int) -> None:
        progress("hard EM", done, total)

    templates, assignment = fit_mixtures(members, assignment, mixture, rounds)
    for _ in range(settings.lessons if settings.teacher != "none" else 0):
        members = members.believing(_taught(objects, members, templates, assignment, settings, progress))
        templates, assignment = fit_mixtures(members, assignment, mixture, rounds)
    return _calibrated(members, templates, assignment, outliers, settings.temperature)


def common_shape(objects: Sequence[TrainingObject]) -> Shape:
    """The lattice of a class: that of its median aspect."""
    boxes = np.array([item.plain.lattice.box for item in objects])
    aspects = (boxes[:, 2] - boxes[:, 0]) / (boxes[:, 3] - boxes[:, 1])
    return shape_for(float(np.median(aspects)), 1.0)


def _members(objects: Sequence[TrainingObject], shape: Shape, kernels: Kernels, split: Split) -> ClassObjects:
    """Every object and its mirror image on the class's lattice, the split as their first belief."""
    box = box_cells(shape).float()
    likelihood, foreground, inside = [], [], []
    for item in objects:
        for view in (item.plain, item.mirrored):
            features = _on_lattice(view, shape)
            values = kernels.likelihood(features[None])[0]
            # A factor per cell cancels from all comparisons; without it half precision would lose the small values.
            likelihood.append((values / values.sum(0).clamp_min(1e-12)).half())
            foreground.append(torch.sigmoid(split.log_odds(features)) * box)
            inside.append(resample(view.inside, view.lattice.shape, shape))
    stacked = torch.stack(likelihood).contiguous(memory_format=torch.channels_last)
    return ClassObjects(shape, stacked, torch.stack(foreground), torch.stack(inside))


def _on_lattice(view: ObjectFeatures, shape: Shape) -> Tensor:
    return functional.normalize(resample(view.features.float(), view.lattice.shape, shape), dim=0)


def _taught(
    objects: Sequence[TrainingObject],
    members: ClassObjects,
    templates: Templates,
    assignment: Tensor,
    settings: ClassSettings,
    progress: Progress,
) -> Float[Tensor, "members rows cols"]:
    """Refined foreground of every object on the class's lattice; a mirror image takes its object's, mirrored."""
    odds = posterior_log_odds(members, templates, assignment)[0::2]
    shapes = [item.plain.lattice.shape for item in objects]
    posteriors = torch.sigmoid(odds / settings.temperature)
    own = [resample(cells, members.shape, shape) for cells, shape in zip(posteriors, shapes, strict=True)]
    refined = refine_foreground(
        [item.crop for item in objects],
        own,
        REFINEMENTS[settings.teacher],
        lambda done, total: progress("refining training masks", done, total),
    )
    taught = []
    for cells, shape in zip(refined, shapes, strict=True):
        on_class = resample(cells, shape, members.shape)
        taught += [on_class, on_class.flip(-1)]
    return torch.stack(taught) * box_cells(members.shape)


def _calibrated(
    members: ClassObjects, templates: Templates, assignment: Tensor, outliers: Tensor, temperature: float
) -> ClassModel:
    """Threshold and outlier prior on (at most some hundreds of) the training objects themselves."""
    step = max(1, len(members) // _CALIBRATION_OBJECTS)
    rows = torch.arange(0, len(members), step)
    some = ClassObjects(members.shape, members.likelihood[rows], members.foreground[rows], members.inside[rows])
    odds = posterior_log_odds(some, templates, assignment[rows])
    threshold = best_threshold(list(odds), list(some.foreground), temperature)
    ratios = []
    for index, mixture in enumerate(assignment[rows]):
        likelihood = some.likelihood[index : index + 1].float()
        foreground = likelihoods(likelihood, templates)[0][0, mixture].clamp_min(1e-30).log()
        outlier = outlier_log_likelihood(likelihood.flatten(2), outliers)[0].view_as(foreground)
        believed = (some.foreground[index] > 0.5) & (some.inside[index] > 0.5)
        ratios.append((foreground - outlier)[believed])
    found = torch.cat(ratios)
    if len(found) == 0:
        raise AmodalError("nothing in its boxes could be told from what surrounds them")
    return ClassModel(templates, threshold, outlier_log_prior(found))
