"""A segmenter without a model: every object is its whole box, and what reaches lower is in front."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from amodal.errors import InputError
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Scene
from amodal.segmenter import Photo

LAST_LOADED: dict[str, Any] = {}  # how `load` was last called


class StubSegmenter:
    name = "stub"
    labels = ("car", "person")

    def segment(
        self,
        photo: Photo,
        boxes: ArrayLike,
        labels: Sequence[str | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> Scene:
        return self.segment_batch([photo], [boxes], [labels], boxes_are=boxes_are)[0]

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        names = labels if labels is not None else [None] * len(photos)
        return [_scene(*one, boxes_are) for one in zip(photos, boxes, names, strict=True)]


def load(model: str, **settings: Any) -> StubSegmenter:
    LAST_LOADED.clear()
    LAST_LOADED.update(model=model, **settings)
    if model not in ("default", "other"):
        raise InputError(model, "model", "no such file", "expected a model")
    return StubSegmenter()


def _scene(photo: Photo, boxes: ArrayLike, labels: Sequence[str | None] | None, boxes_are: BoxKind) -> Scene:
    pixels = photo if isinstance(photo, np.ndarray) else read_photo(photo)
    height, width = pixels.shape[:2]
    rows = np.asarray(boxes, float).reshape(-1, 4).tolist()
    wholes = [_rectangle(box, height, width) for box in rows]
    front_first = sorted(range(len(rows)), key=lambda index: (-rows[index][3], index))
    seen, covered = {}, CropMask.empty(height, width)
    for index in front_first:
        seen[index] = wholes[index].subtract(covered)
        covered = covered.union(wholes[index])
    instances = [
        Instance(index, (labels[index] if labels else None) or "car", tuple(box), 0.9, seen[index], wholes[index])
        for index, box in enumerate(rows)
    ]
    edges = [
        OrderEdge(front, behind, 0.75)
        for place, front in enumerate(front_first)
        for behind in front_first[place + 1 :]
        if wholes[front].intersection_area(wholes[behind])
    ]
    order = OrderGraph(tuple(edges))
    return Scene(height, width, tuple(instances), order, boxes_are=boxes_are, method="stub", model="none")


def _rectangle(box: Sequence[float], height: int, width: int) -> CropMask:
    x0, y0, x1, y1 = (round(value) for value in box)
    return CropMask.from_crop(np.ones((y1 - y0, x1 - x0), bool), x0, y0, height, width)
