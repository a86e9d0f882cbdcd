"""Where a photo's objects come from: a file of boxes or of visible masks, a detector, or the method itself."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, UInt8

from amodal.data.boxes import check_photo_size, pair_boxes
from amodal.data.visible import VisiblePhoto, pair_visible_masks
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import BoxKind

if TYPE_CHECKING:
    from amodal.methods.detect import Detections


@dataclass(frozen=True)
class Objects:
    """The objects to segment in one photo: XYXY boxes in pixels, and their labels, None where unknown.

    Where their visible masks are known, `boxes` are those of the masks and `ids` those that the objects shall keep.
    `scores`: how sure the detector that found them is of each; None where no detector did.
    """

    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str | None, ...]
    boxes_are: BoxKind
    visible: tuple[CropMask, ...] | None = None
    ids: tuple[int, ...] | None = None
    scores: Float64[np.ndarray, " n"] | None = None


# Photo and least score; the objects found, best first.
Finder = Callable[[UInt8[np.ndarray, "h w 3"], float], "Detections"]

# Raises InputError for a photo whose objects cannot be used.
ObjectsIn = Callable[[Path, UInt8[np.ndarray, "h w 3"]], Objects]


def from_file(boxes: Path, photos: Sequence[Path], boxes_are: BoxKind | None) -> ObjectsIn:
    """Objects by the boxes that a JSON file has for each of `photos`; `boxes_are` overrules the file.

    Raises:
        InputError: the file as a whole cannot be used.
    """
    paired = pair_boxes(boxes, photos, boxes_are=boxes_are)
    known = {photo.path: photo for photo in paired.photos}
    bare = set(paired.without_boxes)
    # Errors come in the order of the photos that have an entry, but not a good one.
    bad = [path for path in photos if path not in known and path not in bare]
    errors = dict(zip(bad, paired.refused, strict=True))

    def objects_in(path: Path, photo: UInt8[np.ndarray, "h w 3"]) -> Objects:
        if path in errors:
            raise errors[path]
        if path in bare:
            raise InputError(os.fspath(boxes), "", f"has no entry for {path}", "expected boxes for every photo")
        height, width = photo.shape[:2]
        boxed = check_photo_size(known[path], width, height)
        return Objects(boxed.boxes, boxed.labels, boxed.boxes_are)

    return objects_in


def from_visible_masks(masks: Path, photos: Sequence[Path]) -> ObjectsIn:
    """Objects by the visible masks that a JSON file has for each of `photos`.

    Raises:
        InputError: the file as a whole cannot be used.
    """
    paired = pair_visible_masks(masks, photos)

    def objects_in(path: Path, photo: UInt8[np.ndarray, "h w 3"]) -> Objects:
        found = paired[path]
        if isinstance(found, InputError):
            raise found
        return _objects_of(found, path, photo)

    return objects_in


def from_detector(detector: Finder, least_score: float, boxes_are: BoxKind) -> ObjectsIn:
    """Objects as a detector finds them."""

    def objects_in(path: Path, photo: UInt8[np.ndarray, "h w 3"]) -> Objects:
        found = detector(photo, least_score)
        return Objects(found.boxes, found.labels, boxes_are, scores=found.scores)

    return objects_in


def found_by_the_method(boxes_are: BoxKind) -> ObjectsIn:
    """No boxes, for a method that finds its objects itself."""
    nothing = Objects(np.zeros((0, 4)), (), boxes_are)
    return lambda _path, _photo: nothing


def _objects_of(found: VisiblePhoto, path: Path, photo: UInt8[np.ndarray, "h w 3"]) -> Objects:
    height, width = photo.shape[:2]
    if (found.width, found.height) != (width, height):
        expected = f"expected {found.width} × {found.height} px as its visible masks"
        raise InputError(os.fspath(path), "size", f"is {width} × {height} px", expected)
    boxes = np.array([mask.box for mask in found.masks], np.float64).reshape(-1, 4)
    return Objects(boxes, found.labels, "visible", found.masks, found.ids)
