"""A completer without a network: whole objects are their visible parts' boxes, cut at nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from amodal.segmenter import Photo
from helpers.stub_segmenter import StubSegmenter


class StubCompleter(StubSegmenter):
    name = "stub-completer"

    def complete_batch(
        self,
        photos: Sequence[Photo],
        visible: Sequence[Sequence[CropMask]],
        labels: Sequence[Sequence[str | None]] | None = None,
        *,
        ids: Sequence[Sequence[int]] | None = None,
    ) -> list[Scene]:
        assert labels is not None
        assert ids is not None
        return [_scene(*one) for one in zip(photos, visible, labels, ids, strict=True)]


def load(model: str, **_settings: object) -> StubCompleter:
    return StubCompleter()


def _scene(photo: Photo, visible: Sequence[CropMask], labels: Sequence[str | None], ids: Sequence[int]) -> Scene:
    height, width = (photo if isinstance(photo, np.ndarray) else read_photo(photo)).shape[:2]
    boxes = [tuple(map(float, mask.box)) for mask in visible]
    wholes = [CropMask.from_box(box, height, width) for box in boxes]
    columns = zip(ids, labels, boxes, visible, wholes, strict=True)
    instances = [Instance(id, label or "object", box, 1.0, seen, whole) for id, label, box, seen, whole in columns]
    return Scene(height, width, tuple(instances), exclusive=False, method="stub-completer", model="none")
