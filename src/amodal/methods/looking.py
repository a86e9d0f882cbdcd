"""Looking at objects once: crops, one backbone pass, class, mixture, and from there evidence as often as wanted."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import torch
from jaxtyping import Bool, Float, Float32, UInt8
from torch import Tensor

from amodal.compnet.maps import CLASS_SHARPNESS, ClassMaps, tempered
from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.refine import Refinement
from amodal.features.crops import ObjectFeatures, extract_features
from amodal.features.lattice import Lattice, Shape, as_xyxy, pixel_window
from amodal.reasoning import Evidence
from amodal.reasoning.evidence import Window

_LEAST_PROBABILITY = 1e-4  # no pixel is ever certain: log-evidence stays within ±9.2
_MOST_REFINED_PX = 256


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


def evidence_from(
    posteriors: Float32[np.ndarray, "3 rows cols"],
    lattice: Lattice,
    photo: UInt8[np.ndarray, "h w 3"],
    refinement: Refinement | None = None,
) -> Evidence:
    """Posteriors of F, O and C, on the cells of a padded lattice or finer, as log-evidence on the photo's pixels."""
    window = pixel_window(lattice.box, photo.shape[1], photo.shape[0])
    if refinement is None:
        pixels = cells_to_pixels(posteriors, lattice, window)
    else:
        pixels = _refined(posteriors, lattice, photo, window, refinement)
    np.maximum(pixels, _LEAST_PROBABILITY, out=pixels)
    visible, occluded, context = np.log(pixels, out=pixels)
    return Evidence(window, visible, occluded, context, lattice.box, lattice.cell_area)


@torch.inference_mode()
def look_again(seen: Seen, visible: Bool[np.ndarray, "h w"], photo_size: tuple[int, int]) -> Seen:
    """Class and mixture chosen anew on visible positions alone (self-correction); features are not computed again.

    `visible` lies on the object's pixel window; `photo_size` is (height, width).
    """
    height, width = photo_size
    weight = seen.inside * torch.from_numpy(_share_of_cells(seen.lattice, visible, width, height)).flatten()
    if float(weight.sum()) < 1:
        return seen
    label, mixture, score = _choose(seen, weight)
    return replace(seen, label=label, mixture=mixture, score=score)


@torch.inference_mode()
def cell_posteriors(model: CompNet, seen: Seen) -> Float32[np.ndarray, "3 rows cols"]:
    """P(seen), P(hidden), P(absent) of each cell of the padded lattice."""
    array: np.ndarray = torch.softmax(_tempered(model, seen), 0).view(3, *seen.lattice.shape.padded).numpy()
    return array


def cells_to_pixels(
    cells: Float32[np.ndarray, "maps rows cols"], lattice: Lattice, window: tuple[int, int, int, int]
) -> Float32[np.ndarray, "maps h w"]:
    """Bilinear upsampling of maps on a lattice, or finer by a whole number, to the pixels of a window."""
    down, across = lattice.sampling(window, cells.shape[1] // lattice.shape.padded[0])
    return _product(down, cells, across)


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


def _refined(
    cells: Float32[np.ndarray, "3 rows cols"],
    lattice: Lattice,
    photo: UInt8[np.ndarray, "h w 3"],
    window: Window,
    refinement: Refinement,
) -> Float32[np.ndarray, "3 h w"]:
    """The line between object and context follows the photo's edges; what the outlier explains stays as it is.

    The refinement sees the surroundings too (it learns their colours), in a picture of limited size.
    """
    around = pixel_window(lattice.padded_box, photo.shape[1], photo.shape[0])
    x0, y0, x1, y1 = around
    picture = photo[y0:y1, x0:x1]
    pixels = cells_to_pixels(cells, lattice, around)
    shrink = min(1.0, _MOST_REFINED_PX / max(picture.shape[:2]))
    size = (max(1, round((x1 - x0) * shrink)), max(1, round((y1 - y0) * shrink)))
    explained = pixels[0] + pixels[2]
    object_share = pixels[0] / np.maximum(explained, 1e-6)
    small = refinement(
        cv2.resize(picture, size, interpolation=cv2.INTER_AREA),
        cv2.resize(object_share, size, interpolation=cv2.INTER_AREA),
    )
    share = np.clip(cv2.resize(small, (x1 - x0, y1 - y0), interpolation=cv2.INTER_LINEAR), 0.02, 0.98)
    refined = np.stack([explained * share, pixels[1], explained * (1 - share)])
    return refined[:, window[1] - y0 : window[3] - y0, window[0] - x0 : window[2] - x0]


def _share_of_cells(
    lattice: Lattice, visible: Bool[np.ndarray, "h w"], width: int, height: int
) -> Float32[np.ndarray, "rows cols"]:
    """Share of each cell that is visible; surroundings beyond the box count as visible."""
    window = pixel_window(lattice.box, width, height)
    down, across = lattice.sampling(window)
    covered = down.sum(0)[:, None] * across.sum(1)[None]
    hidden = _product(down.T, (~visible).astype(np.float32), across.T)
    share: np.ndarray = 1 - hidden / np.maximum(covered, 1e-6)
    return share.astype(np.float32)


def _product(
    left: Float32[np.ndarray, "h rows"],
    maps: Float32[np.ndarray, "... rows cols"],
    right: Float32[np.ndarray, "cols w"],
) -> Float32[np.ndarray, "... h w"]:
    """left @ maps @ right by torch: numpy's BLAS has threads of its own, which get in the way of torch's."""
    product: np.ndarray = (torch.from_numpy(left) @ torch.from_numpy(maps) @ torch.from_numpy(right)).numpy()
    return product
