"""Mixture components of a class: objects of like viewpoint and shape share a template (Eq 1–5).

Clustering gives the start, hard EM the rest: E assigns every object to its best component, M re-estimates the
templates.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from sklearn.cluster import SpectralClustering
from torch import Tensor
from torch.nn import functional

from amodal.compnet.templates import PRIOR_MARGIN, Templates, blur
from amodal.features.lattice import Shape

_POOLED = (6, 6)  # the coarse grid on which two objects are compared for clustering
_FLOOR = 1e-3  # total weight given to all kernels together where nothing was seen
_CHUNK = 64
_STILL = 0.005  # EM ends when no more than this share of the objects changes component


@dataclass(frozen=True)
class ClassObjects:
    """All training objects of one class, carried to the class's own lattice.

    `likelihood` p(f_i | λ_k): float16 [objects, kernels, rows, cols]; `foreground`: the present belief that a
    cell is object, [objects, rows, cols]; `inside`: the share of the cell inside the picture, likewise.
    """

    shape: Shape
    likelihood: Tensor
    foreground: Tensor
    inside: Tensor

    def __len__(self) -> int:
        return len(self.foreground)

    def believing(self, foreground: Float[Tensor, "objects rows cols"]) -> ClassObjects:
        """The same objects with another belief of what is foreground."""
        return replace(self, foreground=foreground)


@dataclass(frozen=True)
class MixtureSettings:
    """How templates are estimated."""

    mixtures: int = 8
    """Components per class (M)."""
    smoothing_cells: float = 1.0
    """Gaussian smoothing of α and χ over cells; without it they over-fit. The prior gets half of it."""
    rounds: int = 6
    """Rounds of hard EM at most."""


def cluster(objects: ClassObjects, mixtures: int, seed: int) -> Int64[Tensor, " objects"]:
    """A first assignment by spectral clustering of which kernels are active where on the foreground."""
    if len(objects) <= mixtures:
        return torch.arange(len(objects))
    descriptors = torch.cat([_describe(objects, rows) for rows in _chunks(len(objects))])
    affinity = (descriptors @ descriptors.T).clamp(0, 1).double().numpy()
    clustering = SpectralClustering(mixtures, affinity="precomputed", random_state=seed)
    return torch.from_numpy(clustering.fit_predict(affinity).astype(np.int64))


def fit_mixtures(
    objects: ClassObjects,
    assignment: Int64[Tensor, " objects"],
    settings: MixtureSettings,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Templates, Int64[Tensor, " objects"]]:
    """Hard EM until hardly an object changes its component: the templates and the final assignment."""
    for completed in range(settings.rounds):
        templates = estimate(objects, assignment, settings)
        following = best_mixture(objects, templates)
        if progress is not None:
            progress(completed + 1, settings.rounds)
        moved = int((following != assignment).sum())
        assignment = following
        if moved <= _STILL * len(objects):
            break
    return estimate(objects, assignment, settings), assignment


def estimate(objects: ClassObjects, assignment: Int64[Tensor, " objects"], settings: MixtureSettings) -> Templates:
    """The M step: smoothed averages of kernel responsibilities over the objects of each component."""
    foreground, context, prior = [], [], []
    for mixture in range(settings.mixtures):
        members = torch.nonzero(assignment == mixture)[:, 0]
        if len(members) == 0:  # a component that lost all its objects falls back to the whole class
            members = torch.arange(len(objects))
        object_sum, context_sum = _responsibility_sums(objects, members)
        foreground.append(_on_simplex(blur(object_sum, settings.smoothing_cells)))
        context.append(_on_simplex(blur(context_sum, settings.smoothing_cells)))
        seen = objects.inside[members].sum(0)
        share = (objects.foreground[members] * objects.inside[members]).sum(0) / seen.clamp_min(1e-3)
        prior.append(blur(share, settings.smoothing_cells / 2).clamp(PRIOR_MARGIN, 1 - PRIOR_MARGIN))
    return Templates(objects.shape, torch.stack(foreground), torch.stack(context), torch.stack(prior))


def best_mixture(objects: ClassObjects, templates: Templates) -> Int64[Tensor, " objects"]:
    """The E step: argmax over m of log p(F | θ^m_y) (Eq 1–3), the cells outside the picture left out."""
    best = []
    for rows in _chunks(len(objects)):
        foreground, context = likelihoods(objects.likelihood[rows].float(), templates)
        whole = templates.prior * foreground + (1 - templates.prior) * context
        score = (whole.clamp_min(1e-30).log() * objects.inside[rows][:, None]).sum((2, 3))
        best.append(score.argmax(1))
    return torch.cat(best)


def posterior_log_odds(
    objects: ClassObjects, templates: Templates, assignment: Int64[Tensor, " objects"]
) -> Float[Tensor, "objects rows cols"]:
    """log of p·p(f|A) over (1 − p)·p(f|χ) under each object's own component."""
    result = []
    for rows in _chunks(len(objects)):
        foreground, context = likelihoods(objects.likelihood[rows].float(), templates)
        index = torch.arange(len(foreground))
        chosen = assignment[rows]
        prior = templates.prior[chosen]
        odds = (prior * foreground[index, chosen] + 1e-30).log() - ((1 - prior) * context[index, chosen] + 1e-30).log()
        result.append(odds)
    return torch.cat(result)


def likelihoods(
    kernel_likelihood: Float[Tensor, "objects kernels rows cols"], templates: Templates
) -> tuple[Float[Tensor, "objects mixtures rows cols"], Float[Tensor, "objects mixtures rows cols"]]:
    """p(f_i | A^m_i) and p(f_i | χ^m_i): Σ_k α^m_{i,k} p(f_i | λ_k) (Eq 5)."""
    both = torch.cat([templates.foreground, templates.context]).flatten(2).permute(2, 0, 1)
    # Channels-last likelihoods go through as they lie in memory: one product per cell, no copy.
    cells = kernel_likelihood.permute(2, 3, 1, 0).flatten(0, 1)
    values = torch.bmm(both, cells).permute(2, 1, 0)
    values = values.reshape(*values.shape[:2], *kernel_likelihood.shape[2:])
    mixtures = len(templates.prior)
    return values[:, :mixtures], values[:, mixtures:]


def _describe(objects: ClassObjects, rows: slice) -> Tensor:
    likelihood = objects.likelihood[rows].float()
    responsibility = likelihood / likelihood.sum(1, keepdim=True).clamp_min(1e-12)
    weighted = responsibility * objects.foreground[rows][:, None]
    pooled = functional.adaptive_avg_pool2d(weighted, _POOLED).flatten(1)
    return functional.normalize(pooled.sqrt(), dim=1)


def _responsibility_sums(objects: ClassObjects, members: Tensor) -> tuple[Tensor, Tensor]:
    """Σ over members of kernel responsibilities, on what is object and on what is not."""
    kernels_last = objects.likelihood.permute(0, 2, 3, 1)
    object_sum, whole_sum = torch.zeros(kernels_last.shape[1:]), torch.zeros(kernels_last.shape[1:])
    for part in torch.split(members, _CHUNK):
        likelihood = kernels_last[part].float()
        share = objects.inside[part] / likelihood.sum(-1).clamp_min(1e-12)
        weighted = likelihood.mul_(share[..., None])
        whole_sum += weighted.sum(0)
        object_sum += weighted.mul_(objects.foreground[part][..., None]).sum(0)
    object_sum, context_sum = (cells.permute(2, 0, 1) for cells in (object_sum, whole_sum - object_sum))
    return object_sum, context_sum.clamp_min(0)


def _on_simplex(weights: Float[Tensor, "kernels rows cols"]) -> Float[Tensor, "kernels rows cols"]:
    floored = weights + _FLOOR / len(weights)
    return floored / floored.sum(0)


def _chunks(count: int) -> list[slice]:
    return [slice(start, min(start + _CHUNK, count)) for start in range(0, count, _CHUNK)]
