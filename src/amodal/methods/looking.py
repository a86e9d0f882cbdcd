"""Looking at objects once: crops, one backbone pass, class, mixture, and from there evidence as often as wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor

from amodal.compnet.maps import CLASS_SHARPNESS, ClassMaps, tempered
from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.refine import Refinement
from amodal.features.crops import ObjectFeatures, extract_features
from amodal.features.lattice import Lattice, Shape, as_xyxy
from amodal.methods.pixels import cells_to_pixels, evidence_from, share_of_cells
from amodal.reasoning import Evidence


@dataclass(frozen=True)
class Seen:
    """One object after its only backbone pass.

    `candidates` are the classes it may have, `maps` its maps under every mixture of each: every later round reuses
    them. `inside` [cells]: the share of each cell inside the picture. `label`, `mixture` and `score`: what it is
    taken for at present. `features`: what the pass gave.
    """

    lattice: Lattice
    features: ObjectFeatures
    inside: Tensor
    candidates: tuple[str, ...]
    maps: tuple[ClassMaps, ...]
    label: str
    mixture: int
    score: float


def look(
    model: CompNet,
    photos: Sequence[UInt8[np.ndarray, "h w 3"]],
    boxes: Sequence[Float[np.ndarray, "n 4"]],
    labels: Sequence[Sequence[str | None]],
    *,
    finer: Sequence[int] = (),
) -> list[list[Seen]]:
    """All objects of all photos; a label of None stands for any of the model's classes.

    `finer`: strides of earlier stages of the backbone whose features are kept too.
    """
    lattices = [[Lattice.of_box(as_xyxy(row)) for row in rows] for rows in boxes]
    features = extract_features(model.backbone, photos, lattices, finer=finer)
    seen: list[list[Seen | None]] = [[None] * len(items) for items in features]
    groups: dict[tuple[Shape, tuple[str, ...]], list[tuple[int, int]]] = defaultdict(list)
    for p, items in enumerate(features):
        for n, item in enumerate(items):
            groups[item.lattice.shape, candidates_for(model, labels[p][n])].append((p, n))
    for (_, candidates), keys in groups.items():
        looked = _look_at_group(model, [features[p][n] for p, n in keys], candidates)
        for (p, n), found in zip(keys, looked, strict=True):
            seen[p][n] = found
    return [[found for found in items if found is not None] for items in seen]


def candidates_for(model: CompNet, label: str | None) -> tuple[str, ...]:
    """The classes an object of that label may have."""
    if label is None:
        return model.labels
    return (label,) if label in model.labels else (AGNOSTIC,)


@torch.inference_mode()
def evidence_of(
    model: CompNet,
    seen: Seen,
    photo: UInt8[np.ndarray, "h w 3"],
    refinement: Refinement | None = None,
    *,
    absolute: bool = False,
) -> Evidence:
    """The object's three maps in the photo's frame, as log posteriors.

    Posteriors, not labels, are carried from cells to pixels. Joint reasoning compares an object's maps with each other
    alone, and a constant per pixel that is common to the three changes nothing there. `absolute` gives that constant
    back, for reasoning that lays one object's map beside another's (Eq 16): then all are relative to the outlier.
    """
    evidence = evidence_from(cell_posteriors(model, seen), seen.lattice, photo, refinement)
    if not absolute:
        return evidence
    more = cells_to_pixels(_cell_evidence(model, seen), seen.lattice, evidence.window)[0]
    return replace(
        evidence,
        foreground=evidence.foreground + more,
        occluded=evidence.occluded + more,
        context=evidence.context + more,
    )


@torch.inference_mode()
def look_again(seen: Seen, visible: Bool[np.ndarray, "h w"], photo_size: tuple[int, int]) -> Seen:
    """Class and mixture chosen anew on visible positions alone (self-correction); features are not computed again.

    `visible` lies on the object's pixel window; `photo_size` is (height, width).
    """
    height, width = photo_size
    weight = seen.inside * torch.from_numpy(share_of_cells(seen.lattice, visible, width, height)).flatten()
    if float(weight.sum()) < 1:
        return seen
    label, mixture, score = _choose(seen, weight)
    return replace(seen, label=label, mixture=mixture, score=score)


@torch.inference_mode()
def cell_posteriors(model: CompNet, seen: Seen) -> Float32[np.ndarray, "3 rows cols"]:
    """P(seen), P(hidden), P(absent) of each cell of the padded lattice."""
    array: np.ndarray = torch.softmax(_tempered(model, seen), 0).view(3, *seen.lattice.shape.padded).numpy()
    return array


@torch.inference_mode()
def _look_at_group(model: CompNet, items: Sequence[ObjectFeatures], candidates: tuple[str, ...]) -> list[Seen]:
    shape = items[0].lattice.shape
    # Stacked with channels last, as each lies in memory.
    features = torch.stack([item.features.movedim(0, -1) for item in items]).movedim(-1, 1)
    likelihood = model.likelihood(features)
    outlier = model.outlier(likelihood)
    inside = torch.stack([item.inside for item in items]).flatten(1)
    maps = [model.maps(label, shape, likelihood, outlier) for label in candidates]
    best, mixtures = zip(*(found.score(inside).max(1) for found in maps), strict=True)
    table = torch.stack(best, 1)
    winner = table.argmax(1).tolist()
    confidence = torch.softmax(CLASS_SHARPNESS * table, 1).amax(1).tolist()
    return [
        Seen(
            lattice=item.lattice,
            features=item,
            inside=inside[n],
            candidates=candidates,
            maps=tuple(found.of_object(n) for found in maps),
            label=candidates[winner[n]],
            mixture=int(mixtures[winner[n]][n]),
            score=confidence[n],
        )
        for n, item in enumerate(items)
    ]


def _choose(seen: Seen, weight: Tensor) -> tuple[str, int, float]:
    scores = [maps.score(weight[None])[0] for maps in seen.maps]
    best = torch.stack([score.max() for score in scores])
    winner = int(best.argmax())
    confidence = float(torch.softmax(CLASS_SHARPNESS * best, 0)[winner])
    return seen.candidates[winner], int(scores[winner].argmax()), confidence


def _cell_evidence(model: CompNet, seen: Seen) -> Float32[np.ndarray, "1 rows cols"]:
    """What the posteriors were divided by, as a log: how well the object's maps explain each cell, whichever wins."""
    array: np.ndarray = torch.logsumexp(_tempered(model, seen), 0).view(1, *seen.lattice.shape.padded).numpy()
    return array


def _tempered(model: CompNet, seen: Seen) -> Float[Tensor, "3 cells"]:
    maps, mixture = seen.maps[seen.candidates.index(seen.label)], seen.mixture
    threshold = model.classes[seen.label].threshold
    return tempered(
        maps.foreground[0, mixture], maps.occluded[mixture], maps.context[0, mixture], threshold, model.temperature
    )
