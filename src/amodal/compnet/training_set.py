"""Which objects a class is learned from: chosen by boxes and labels, never by masks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int64

from amodal.data.coco import CocoBoxes

_BORDER_PX = 2.0  # a box this close to the frame may be cut off by it


@dataclass(frozen=True)
class SelectionSettings:
    """What makes a class learnable, and which of its objects are used."""

    min_boxes: int = 25
    """A class with fewer boxes of sufficient height is skipped, and reported with its count."""
    min_height_px: float = 64.0
    """Lower boxes say too little about an object to learn from."""
    enough_objects: int = 60
    """Fully visible objects are used alone when there are so many; below that, others fill up."""
    max_objects: int = 1200
    """At most so many objects per class, drawn at random."""


@dataclass(frozen=True)
class Selection:
    """Rows of a `CocoBoxes` per learned class, and the counts of the classes that were skipped.

    `visible`: how many of a class's rows are thought to be fully visible; they stand first.
    """

    rows: Mapping[str, Int64[np.ndarray, " n"]]
    visible: Mapping[str, int]
    skipped: Mapping[str, int]


def select_objects(
    boxes: CocoBoxes, split: str | None, settings: SelectionSettings, seed: int, *, clean_flags: bool = True
) -> Selection:
    """Fully visible objects first; where a class has too few of them, occluded ones too (outliers explain those).

    Fully visible is what the file's flag `clean64` (else `clean`) says; without one, or with `clean_flags` off, what
    boxes alone suggest: inside the frame, and no overlapping box reaches lower.
    """
    usable = np.array([label is not None for label in boxes.labels], dtype=bool) & ~boxes.is_crowd
    if split is not None:
        usable &= np.array([found == split for found in boxes.splits], dtype=bool)
    usable &= boxes.boxes[:, 3] - boxes.boxes[:, 1] >= settings.min_height_px
    flag = boxes.clean64 if boxes.clean64 is not None else boxes.clean
    visible = flag if clean_flags and flag is not None else likely_unoccluded(boxes)
    labels = np.array([label or "" for label in boxes.labels])
    generator = np.random.default_rng(seed)
    rows: dict[str, np.ndarray] = {}
    sure: dict[str, int] = {}
    skipped: dict[str, int] = {}
    for category in boxes.categories:
        of_class = np.flatnonzero(usable & (labels == category))
        if len(of_class) < settings.min_boxes:
            skipped[category] = len(of_class)
            continue
        first = generator.permutation(of_class[visible[of_class]])[: settings.max_objects]
        others = generator.permutation(of_class[~visible[of_class]])
        wanted = min(settings.enough_objects, settings.max_objects)
        filled = np.concatenate([first, others[: max(0, wanted - len(first))]])
        rows[category], sure[category] = filled, len(first)
    return Selection(rows, sure, skipped)


def rows_by_photo(boxes: CocoBoxes, rows: Iterable[int]) -> list[list[int]]:
    """For every photo of the file, which of the rows are its own, in the sequence given."""
    found: list[list[int]] = [[] for _ in boxes.images]
    for row in rows:
        found[boxes.image_index[row]].append(row)
    return found


def likely_unoccluded(boxes: CocoBoxes) -> Bool[np.ndarray, " n"]:
    """A guess from boxes alone: off the frame's border, and no overlapping box of the photo ends lower."""
    result = np.ones(len(boxes), dtype=bool)
    for index in np.unique(boxes.image_index):
        rows = np.flatnonzero(boxes.image_index == index)
        image = boxes.images[index]
        own = boxes.boxes[rows]
        left, top, right, bottom = own.T
        overlap = (left[:, None] < right) & (left < right[:, None]) & (top[:, None] < bottom) & (top < bottom[:, None])
        np.fill_diagonal(overlap, False)
        hidden = (overlap & (bottom > bottom[:, None])).any(1)
        cut = (left < _BORDER_PX) | (top < _BORDER_PX)
        if image.width and image.height:
            cut |= (right > image.width - _BORDER_PX) | (bottom > image.height - _BORDER_PX)
        result[rows] = ~(hidden | cut)
    return result
