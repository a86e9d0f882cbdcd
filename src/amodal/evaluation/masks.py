"""Masks against true masks, object by object: IoU of the visible, the whole and the hidden part, and boundary F."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.data.truth import Truth
from amodal.evaluation.boundary import boundary_f
from amodal.evaluation.intervals import Interval, level_intervals
from amodal.evaluation.levels import UNKNOWN, LevelTable, level_sums, level_table
from amodal.evaluation.pairing import align, box_iou, pair, visible_box_of
from amodal.evaluation.strokes import areas, overlaps
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

COLUMNS = {
    "modal": "modal_iou",
    "amodal": "amodal_iou",
    "occluded": "occluded_iou",
    "modal_boundary": "modal_boundary_f",
    "amodal_boundary": "amodal_boundary_f",
    "box": "box_iou",
}
BOUNDARY_PX = 2.0


@dataclass(frozen=True, eq=False)
class MaskScores:
    """One row for each scored object, as columns; values from 0 to 1, nan where truth does not say.

    Attributes:
        images: the photo's number among the truths.
        ids, labels: of the true object.
        levels: L0 to L3 by the true masks; "unknown" where the whole mask is not known.
        found: whether a prediction was paired with it; where not, all values that truth allows are 0.
        modal_iou, amodal_iou: of visible and whole mask.
        occluded_iou: of the hidden parts; nan where truth hides nothing.
        modal_boundary_f, amodal_boundary_f: boundary F; nan throughout where it was not asked for.
        box_iou: of the box of the whole object; nan where the method was not asked for it, but given it.
        image_count: how many photos, those without a scored object included.
        groups: what the truth calls them besides (`Truth.groups`), "" where nothing; () where there are none at all.
    """

    images: Int64[np.ndarray, " objects"]
    ids: Int64[np.ndarray, " objects"]
    labels: tuple[str, ...]
    levels: tuple[str, ...]
    found: Bool[np.ndarray, " objects"]
    modal_iou: Float64[np.ndarray, " objects"]
    amodal_iou: Float64[np.ndarray, " objects"]
    occluded_iou: Float64[np.ndarray, " objects"]
    modal_boundary_f: Float64[np.ndarray, " objects"]
    amodal_boundary_f: Float64[np.ndarray, " objects"]
    box_iou: Float64[np.ndarray, " objects"]
    image_count: int
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def values(self, what: str) -> Float64[np.ndarray, " objects"]:
        """A column by its short name, one of `COLUMNS`."""
        column: Float64[np.ndarray, " objects"] = getattr(self, COLUMNS[what])
        return column

    def by_level(self, what: str) -> LevelTable:
        """Means in percent of a column by its short name, one of `COLUMNS`."""
        return level_table(self.values(what), self.levels, self.labels)

    def by_group(self) -> dict[str, MaskScores]:
        """The rows of each group; photos stay numbered as they are, so that intervals draw the same photos."""
        names = sorted(set(self.groups) - {""})
        return {name: self._of([row for row, own in enumerate(self.groups) if own == name]) for name in names}

    def intervals(self, what: str, draws: int = 1000, seed: int = 0) -> dict[str, Interval]:
        """95 % bootstrap intervals over photos, in percent: of each level, mean_levels and mean_objects."""
        return level_intervals(*level_sums(self.values(what), self.levels, self.images, self.image_count), draws, seed)

    def _of(self, rows: list[int]) -> MaskScores:
        columns: dict[str, Any] = {
            name: getattr(self, name)[rows] for name in ("images", "ids", "found", *COLUMNS.values())
        }
        columns |= {name: tuple(getattr(self, name)[row] for row in rows) for name in ("labels", "levels", "groups")}
        return replace(self, **columns)


def mask_scores(
    truths: Sequence[Truth], predictions: Sequence[Scene], *, boundary_px: float | None = BOUNDARY_PX
) -> MaskScores:
    """Score the masks of all objects that count (see `Truth`); a missing prediction scores 0.

    Args:
        truths: one for each photo.
        predictions: found by their photo's name; a photo without any counts as all missed.
        boundary_px: tolerance of boundary F in pixels; None leaves it out (it is the slow part).

    Raises:
        InputError: predictions for unknown photos or of another size.
    """
    aligned = align(truths, predictions)
    rows = [
        (index, truth, one, pairing[one.id])
        for index, (truth, pairing) in enumerate(zip(truths, map(pair, truths, aligned), strict=True))
        if "modal" in truth.knows
        for one in truth.scored
    ]
    true = [one for _, _, one, _ in rows]
    predicted = [other or _nothing(one) for _, _, one, other in rows]
    knows_whole = np.array(["amodal" in truth.knows for _, truth, _, _ in rows], bool)
    modal_iou, amodal_iou, occluded_iou = _ious(true, predicted, knows_whole)
    has_groups = any(truth.groups for truth in truths)
    modal_f, amodal_f = np.full((2, len(rows)), np.nan)
    if boundary_px is not None:
        whole = np.flatnonzero(knows_whole)
        modal_f = boundary_f([one.modal for one in true], [one.modal for one in predicted], boundary_px)
        pairs = [true[i].amodal for i in whole], [predicted[i].amodal for i in whole]
        amodal_f[whole] = boundary_f(*pairs, boundary_px)
    return MaskScores(
        images=np.array([index for index, _, _, _ in rows], np.int64),
        ids=np.array([one.id for one in true], np.int64),
        labels=tuple(one.label for one in true),
        levels=tuple(level_of(truth, one) for _, truth, one, _ in rows),
        found=np.array([other is not None for _, _, _, other in rows], bool),
        modal_iou=modal_iou,
        amodal_iou=amodal_iou,
        occluded_iou=occluded_iou,
        modal_boundary_f=modal_f,
        amodal_boundary_f=amodal_f,
        box_iou=np.array([_box_iou(truth, one, aligned[index], other) for index, truth, one, other in rows], float),
        image_count=len(truths),
        groups=tuple(truth.groups.get(one.id, "") for _, truth, one, _ in rows) if has_groups else (),
    )


def level_of(truth: Truth, one: Instance) -> str:
    """The level of a true object; known too where the file says that the object is seen whole (`clean`)."""
    known = "amodal" in truth.knows or one.meta.get("clean") is True
    return (one.level or UNKNOWN) if known else UNKNOWN


def _ious(
    true: Sequence[Instance], predicted: Sequence[Instance], knows_whole: Bool[np.ndarray, " n"]
) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """IoU of visible, whole and hidden parts.

    Hidden is whole less visible, and visible lies within whole, so that the hidden parts share
    |A ∩ A'| − |A ∩ M'| − |M ∩ A'| + |M ∩ M'| pixels: no mask has to be built.
    """
    modal, amodal = [one.modal for one in true], [one.amodal for one in true]
    modal_found, amodal_found = [one.modal for one in predicted], [one.amodal for one in predicted]
    sizes = {name: areas(masks) for name, masks in (("m", modal), ("m'", modal_found))}
    sizes |= {"a": _areas_like(amodal, modal, sizes["m"]), "a'": _areas_like(amodal_found, modal_found, sizes["m'"])}
    both_modal = overlaps(modal, modal_found)
    both_amodal = both_modal.copy()
    differs = np.array(
        [a is not m or b is not n for a, m, b, n in zip(amodal, modal, amodal_found, modal_found, strict=True)], bool
    )
    differs &= (sizes["a"] != sizes["m"]) | (sizes["a'"] != sizes["m'"])
    both_amodal[differs] = overlaps(list(compress(amodal, differs)), list(compress(amodal_found, differs)))
    hidden, hidden_found = sizes["a"] - sizes["m"], sizes["a'"] - sizes["m'"]
    both_hidden = np.zeros(len(true), np.int64)
    occluded = knows_whole & (hidden > 0)
    asked = occluded & (hidden_found > 0)
    crossed = overlaps(list(compress(amodal, asked)), list(compress(modal_found, asked)))
    crossed += overlaps(list(compress(modal, asked)), list(compress(amodal_found, asked)))
    both_hidden[asked] = (both_amodal + both_modal)[asked] - crossed
    modal_iou = _ratio(both_modal, sizes["m"] + sizes["m'"] - both_modal)
    amodal_iou = _ratio(both_amodal, sizes["a"] + sizes["a'"] - both_amodal)
    occluded_iou = _ratio(both_hidden, hidden + hidden_found - both_hidden)
    return modal_iou, np.where(knows_whole, amodal_iou, np.nan), np.where(occluded, occluded_iou, np.nan)


def _box_iou(truth: Truth, one: Instance, scene: Scene | None, other: Instance | None) -> float:
    """Of whole boxes, where the method was given visible ones; a method that predicts none is taken by what it got."""
    asked = scene is not None and any(visible_box_of(scene, found) is not None for found in scene.instances)
    if "amodal" not in truth.knows or not asked:
        return math.nan
    if other is None:
        return 0.0
    whole = one.box if truth.scene.boxes_are == "amodal" else one.amodal.box
    found = np.array([other.box], np.float64)
    return float(box_iou(np.array([whole], np.float64), found)[0, 0])


def _areas_like(
    masks: Sequence[CropMask], others: Sequence[CropMask], known: Int64[np.ndarray, " n"]
) -> Int64[np.ndarray, " n"]:
    """Areas of the masks; `known` holds those of `others`, often the very same masks."""
    found = known.copy()
    new = np.array([mask is not other for mask, other in zip(masks, others, strict=True)], bool)
    found[new] = areas(list(compress(masks, new)))
    return found


def _ratio(part: Int64[np.ndarray, " n"], whole: Int64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))


def _nothing(one: Instance) -> Instance:
    """What a missing prediction is worth: masks without a pixel."""
    empty = CropMask.empty(one.modal.height, one.modal.width)
    return Instance(one.id, one.label, one.box, 0.0, empty, empty)
