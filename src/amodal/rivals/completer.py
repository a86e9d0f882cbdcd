"""Method `pcnet-m`: visible masks in, whole masks and order out; or photos and boxes, by the help of another method."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike

from amodal.errors import InputError
from amodal.features.chunks import CHUNK
from amodal.features.crops import Pyramid
from amodal.images import pixels_of
from amodal.masks import CropMask
from amodal.rivals.completion import Completed, Question, complete
from amodal.rivals.patches import Patch, in_photo, mask_patch, network_input, patch_around, photo_patch
from amodal.rivals.pcnet import NAME, SIZE, PCNetM
from amodal.scene import XYXY, BoxKind, Instance, OrderEdge, OrderGraph, Scene
from amodal.segmenter import OnePhoto, Photo, Segmenter
from amodal.segmenter import load as load_method
from amodal.training.files import fill, read_network


@dataclass(frozen=True)
class Completer(OnePhoto):
    """Completes visible masks. It knows no classes: labels pass through.

    `visible_from`, `visible_model`, `visible_settings`: the method that finds the visible masks where boxes are given
    in their place (`segment`); not loaded before.
    """

    network: PCNetM
    model_name: str
    size: int = SIZE
    visible_from: str = "orm"
    visible_model: str = "default"
    visible_settings: tuple[tuple[str, Any], ...] = ()
    name: str = NAME

    def complete_batch(
        self,
        photos: Sequence[Photo],
        visible: Sequence[Sequence[CropMask]],
        labels: Sequence[Sequence[str | None]] | None = None,
        *,
        ids: Sequence[Sequence[int]] | None = None,
    ) -> list[Scene]:
        """One scene for each photo; boxes are those of the whole masks found.

        Args:
            photos: paths or RGB pixels.
            visible: what is seen of every object. An empty mask stays empty and hides nothing.
            labels: class names; "object" where there is none.
            ids: of the objects; 0, 1, 2 … where not given.

        Raises:
            InputError: numbers of photos, masks, labels or ids that differ, masks of another size than the photo, ids
                that are not unique; names photo and object.
        """
        pictures = [pixels_of(photo, NAME) for photo in photos]
        names = [_name(photo, number) for number, photo in enumerate(photos)]
        _check_count("visible", visible, names)
        _check_masks(visible, pictures, names)
        kept_labels = _columns("labels", labels, visible, names) or [[None] * len(masks) for masks in visible]
        kept_ids = _columns("ids", ids, visible, names) or [list(range(len(masks))) for masks in visible]
        for name, numbers in zip(names, kept_ids, strict=True):
            if len(set(numbers)) != len(numbers):
                twice = next(number for number in numbers if list(numbers).count(number) > 1)
                raise InputError(name, f"object {twice}", "found twice", "ids must be unique")
        found = complete(visible, lambda questions: self._grow(questions, pictures))
        return [
            self._scene(photo, picture, masks, done, given, numbers)
            for photo, picture, masks, done, given, numbers in zip(
                photos, pictures, visible, found, kept_labels, kept_ids, strict=True
            )
        ]

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes that the method of the visible masks tells apart."""
        return self._inner.labels

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos: visible masks, boxes, labels and scores by `visible_from`, the rest by completion."""
        seen = self._inner.segment_batch(photos, boxes, labels, boxes_are=boxes_are)
        visible = [[instance.modal for instance in scene.instances] for scene in seen]
        ids = [[instance.id for instance in scene.instances] for scene in seen]
        wholes = self.complete_batch(photos, visible, [[i.label for i in scene.instances] for scene in seen], ids=ids)
        return [_with_boxes_of(whole, scene) for whole, scene in zip(wholes, seen, strict=True)]

    @cached_property
    def _inner(self) -> Segmenter:
        return load_method(self.visible_model, self.visible_from, **dict(self.visible_settings))

    def _grow(self, questions: Sequence[Question], pictures: Sequence[np.ndarray]) -> list[CropMask]:
        """A few patches at a time; each question costs one patch, however large the photo."""
        pyramids = {number: Pyramid(pictures[number]) for number in {question.photo for question in questions}}
        found: list[CropMask] = []
        for start in range(0, len(questions), CHUNK):
            chunk = questions[start : start + CHUNK]
            patches = [patch_around(question.visible.box, question.eraser.box) for question in chunk]
            inputs = np.stack(
                [
                    network_input(
                        photo_patch(pyramids[question.photo], patch, self.size),
                        mask_patch(question.visible, patch, self.size),
                        mask_patch(question.eraser, patch, self.size),
                    )
                    for question, patch in zip(chunk, patches, strict=True)
                ]
            )
            with torch.inference_mode():
                logits = self.network(torch.from_numpy(inputs)).numpy()
            found += [_grown(q, patch, one) for q, patch, one in zip(chunk, patches, logits, strict=True)]
        return found

    def _scene(
        self,
        photo: Photo,
        picture: np.ndarray,
        visible: Sequence[CropMask],
        done: Completed,
        labels: Sequence[str | None],
        ids: Sequence[int],
    ) -> Scene:
        instances = tuple(
            Instance(id, label or "object", _box(whole), 1.0, seen, whole)
            for id, label, seen, whole in zip(ids, labels, visible, done.amodal, strict=True)
        )
        return Scene(
            height=picture.shape[0],
            width=picture.shape[1],
            instances=instances,
            order=OrderGraph(tuple(OrderEdge(ids[e.front], ids[e.behind], e.probability) for e in done.order.edges)),
            image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
            method=self.name,
            model=self.model_name,
            exclusive=_nothing_shared(visible),
            warnings=tuple(
                f"the order went round and was cut between objects {ids[edge.front]} and {ids[edge.behind]}"
                for edge in done.left_out
            ),
        )


def load(
    model: str | os.PathLike[str],
    *,
    visible_from: str = "orm",
    visible_model: str = "default",
    keep_posteriors: bool = False,
    **visible_settings: Any,
) -> Completer:
    """The method with a model file made by `amodal train pcnet-m`.

    Args:
        model: the file.
        visible_from: the method that finds visible masks where boxes are given.
        visible_model: the model of that method.
        keep_posteriors: without effect; a completed mask has no maps.
        visible_settings: settings of the method of the visible masks.

    Raises:
        InputError: no such file, or not one of this network; a method that cannot give the visible masks.
    """
    if visible_from == NAME:
        raise InputError("load", "visible_from", f"found {NAME!r}", "expected a method that finds visible masks itself")
    file = read_network(model, NAME)
    network = PCNetM(pretrained=False)
    fill(network, file, model)
    network.eval().to(memory_format=torch.channels_last)
    size = file.metadata.get("size")
    if not isinstance(size, int) or size < 32 or size % 32:
        raise InputError(os.fspath(model), "size", f"is {size!r}", "expected a multiple of 32")
    settings = tuple(sorted(visible_settings.items()))
    return Completer(network, Path(model).stem, size, visible_from, visible_model, settings)


def _grown(question: Question, patch: Patch, logits: np.ndarray) -> CropMask:
    """The pixels of the eraser that the network gives to the object."""
    x0, y0, x1, y1 = question.eraser.box
    left, top = max(x0, int(np.floor(patch.x0))), max(y0, int(np.floor(patch.y0)))
    right, bottom = min(x1, int(np.ceil(patch.x0 + patch.side))), min(y1, int(np.ceil(patch.y0 + patch.side)))
    height, width = question.visible.height, question.visible.width
    if left >= right or top >= bottom:
        return CropMask.empty(height, width)
    window = (left, top, right, bottom)
    chance = 1 / (1 + np.exp(-logits.astype(np.float32)))
    belongs = (in_photo(chance, patch, window) > 0.5) & question.eraser.to_crop(window)
    return CropMask.from_crop(belongs, left, top, height, width)


def _with_boxes_of(whole: Scene, seen: Scene) -> Scene:
    """Box and score of every object as the other method has them; the warnings of both."""
    of_id = {instance.id: instance for instance in seen.instances}
    instances = [replace(i, box=of_id[i.id].box, score=of_id[i.id].score) for i in whole.instances]
    both = replace(whole, boxes_are=seen.boxes_are, warnings=(*seen.warnings, *whole.warnings))
    return both.with_instances(instances)


def _box(mask: CropMask) -> XYXY:
    """The mask's own box; of nothing, the photo's first pixel, since a box must have an extent."""
    x0, y0, x1, y1 = (0, 0, 1, 1) if mask.is_empty else mask.box
    return float(x0), float(y0), float(x1), float(y1)


def _nothing_shared(masks: Sequence[CropMask]) -> bool:
    """Whether no pixel has two owners."""
    intervals = [mask.intervals() for mask in masks if not mask.is_empty]
    if not intervals:
        return True
    starts, ends = (np.concatenate(side) for side in zip(*intervals, strict=True))
    order = np.argsort(starts, kind="stable")
    return not bool((starts[order][1:] < ends[order][:-1]).any())


def _name(photo: Photo, number: int) -> str:
    return f"photo {number}" if isinstance(photo, np.ndarray) else os.fspath(photo)


def _check_count(field: str, given: Sequence[Any], names: Sequence[str]) -> None:
    if len(given) != len(names):
        raise InputError(NAME, field, f"are for {len(given)} photos", f"expected {len(names)}")


def _check_masks(visible: Sequence[Sequence[CropMask]], pictures: Sequence[np.ndarray], names: Sequence[str]) -> None:
    for masks, picture, name in zip(visible, pictures, names, strict=True):
        for number, mask in enumerate(masks):
            if (mask.height, mask.width) != picture.shape[:2]:
                found = f"is {mask.height} × {mask.width} px (height × width)"
                expected = f"expected {picture.shape[0]} × {picture.shape[1]} as the photo"
                raise InputError(name, f"visible mask {number}", found, expected)


def _columns(
    field: str, given: Sequence[Sequence[Any]] | None, visible: Sequence[Sequence[CropMask]], names: Sequence[str]
) -> list[Sequence[Any]] | None:
    """One value for every mask of every photo, or None where nothing was given."""
    if given is None:
        return None
    _check_count(field, given, names)
    for own, masks, name in zip(given, visible, names, strict=True):
        if len(own) != len(masks):
            raise InputError(name, field, f"are {len(own)} for {len(masks)} masks", "expected one for each")
    return list(given)
