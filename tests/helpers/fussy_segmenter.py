"""A segmenter without a model that writes down what it is asked, and fails where it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from helpers.stub_segmenter import StubSegmenter

Calls = list[tuple[str, Any]]


class Fussy(StubSegmenter):
    """The stub, which writes down what it is asked and fails where it is told to."""

    def __init__(self, calls: Calls, fails_on: Callable[[int], bool] = lambda _: False) -> None:
        self.calls = calls
        self.fails_on = fails_on

    def segment_batch(self, photos: Any, boxes: Any, labels: Any = None, *, boxes_are: Any = "amodal") -> list[Scene]:
        self.calls.append(("boxes", ([len(rows) for rows in boxes], [list(own or ()) for own in labels])))
        if any(self.fails_on(len(rows)) for rows in boxes):
            raise RuntimeError("this photo is too much")
        return super().segment_batch(photos, boxes, labels, boxes_are=boxes_are)

    def complete_batch(self, photos: Any, visible: Sequence[Sequence[CropMask]], labels: Any) -> list[Scene]:
        """Whole = visible, in a box of its own."""
        self.calls.append(("visible", [[mask.area for mask in masks] for masks in visible]))
        return [
            Scene(
                photo.shape[0],
                photo.shape[1],
                tuple(
                    Instance(number, name, tuple(map(float, mask.box)), 1.0, mask, mask)
                    for number, (mask, name) in enumerate(zip(masks, names, strict=True))
                ),
            )
            for photo, masks, names in zip(photos, visible, labels, strict=True)
        ]
