"""Photos to scenes, a few at a time: what one cannot use is refused, the others go on."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from amodal.cli.objects import Objects, ObjectsIn
from amodal.cli.results import Refusal
from amodal.errors import AmodalError
from amodal.images import read_photo
from amodal.scene import Scene
from amodal.segmenter import Segmenter

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
    if not loaded:
        return
    try:
        scenes = segmenter.segment_batch(
            [item.photo for item in loaded],
            [item.objects.boxes for item in loaded],
            [item.objects.labels for item in loaded],
            boxes_are=loaded[0].objects.boxes_are,
        )
        scenes = [scene.validate() for scene in scenes]
    except AmodalError as error:
        if len(loaded) == 1:
            yield Refusal(os.fspath(loaded[0].path), str(error))
            return
        for item in loaded:  # one of them is to blame, the others need not suffer
            yield from _segment([item], segmenter)
        return
    for item, scene in zip(loaded, scenes, strict=True):
        yield Done(item.photo, replace(scene, image=item.path.as_posix()))
