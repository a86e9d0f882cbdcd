"""Photos to scenes, a few at a time: what one cannot use is refused, the others go on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path
from typing import cast

import numpy as np
from jaxtyping import UInt8

from amodal.cli.objects import Objects, ObjectsIn
from amodal.cli.results import Refusal
from amodal.errors import AmodalError
from amodal.images import read_photo
from amodal.methods.finds import as_found
from amodal.methods.together import done_together
from amodal.scene import Scene
from amodal.segmenter import MaskCompleter, Segmenter

PHOTOS_AT_ONCE = 4  # enough crops to fill a batch, few enough for memory and for progress to be seen


@dataclass(frozen=True)
class Done:
    """A photo and what was found in it."""

    photo: UInt8[np.ndarray, "h w 3"]
    scene: Scene


def segment_photos(photos: Sequence[Path], objects_in: ObjectsIn, segmenter: Segmenter) -> Iterator[Done | Refusal]:
    """The scene of each photo, or why there is none, one after the other in the order given."""
    for start in range(0, len(photos), PHOTOS_AT_ONCE):
        loaded: list[_Loaded] = []
        refused: list[Refusal] = []
        for path in photos[start : start + PHOTOS_AT_ONCE]:
            try:
                photo = read_photo(path)
                loaded.append(_Loaded(path, photo, objects_in(path, photo)))
            except AmodalError as error:
                refused.append(Refusal(os.fspath(path), str(error)))
        yield from refused
        for _, alike in groupby(loaded, lambda item: item.objects.boxes_are):
            yield from _segment(list(alike), segmenter)


@dataclass(frozen=True)
class _Loaded:
    path: Path
    photo: UInt8[np.ndarray, "h w 3"]
    objects: Objects


def _segment(loaded: Sequence[_Loaded], segmenter: Segmenter) -> Iterator[Done | Refusal]:
    def scenes(some: Sequence[_Loaded]) -> list[Scene]:
        found = _scenes([one.photo for one in some], [one.objects for one in some], segmenter)
        return [scene.validate() for scene in found]

    for item, scene in zip(loaded, done_together(loaded, scenes, AmodalError), strict=True):
        if isinstance(scene, Scene):
            yield Done(item.photo, as_found(replace(scene, image=item.path.as_posix()), item.objects.scores))
        else:
            yield Refusal(os.fspath(item.path), str(scene))


def _scenes(
    photos: Sequence[UInt8[np.ndarray, "h w 3"]], objects: Sequence[Objects], segmenter: Segmenter
) -> list[Scene]:
    """By completing visible masks where they are known (then the segmenter can), else from boxes."""
    labels = [item.labels for item in objects]
    visible, ids = [item.visible for item in objects], [item.ids for item in objects]
    if all(masks is None for masks in visible):
        return segmenter.segment_batch(photos, [o.boxes for o in objects], labels, boxes_are=objects[0].boxes_are)
    completer = cast(MaskCompleter, segmenter)
    return completer.complete_batch(photos, [masks or () for masks in visible], labels, ids=[own or () for own in ids])
