"""The `Segmenter` face of the two-stage networks: RoIs from given boxes or their own, masks back in the photo."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from numpy.typing import ArrayLike

from amodal.errors import InputError
from amodal.features.lattice import as_xyxy
from amodal.masks import CropMask
from amodal.methods.given import read_input
from amodal.methods.grids import on_pixels
from amodal.networks.parts.batch import as_images
from amodal.rivals.pictures import scaled
from amodal.rivals.rcnn import Rcnn, RcnnSize
from amodal.scene import XYXY, BoxKind, Instance, Scene
from amodal.segmenter import OnePhoto, Photo
from amodal.training.files import fill, read_network

BoxSource = Literal["given", "own"]

Polish = Callable[[UInt8[np.ndarray, "h w 3"], XYXY, Float32[np.ndarray, "rows cols"]], np.ndarray]
"""Photo, RoI in its pixels, probabilities over the RoI: better probabilities over the RoI, at any resolution."""


@dataclass(frozen=True)
class NetworkSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; modal and amodal mask are both what the network predicts, and there is no order.

    `boxes`: whether given boxes are the RoIs, or the network's own of at least `least_score`. `enlarged`: by how much a
    RoI is larger than its box. `polish`: what is done to a mask's probabilities before they are cut at one half.
    """

    name: str
    network: Rcnn
    classes: tuple[str, ...]
    model_name: str
    boxes: BoxSource = "given"
    least_score: float = 0.5
    enlarged: float = 1.0
    polish: Polish | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes the network tells apart."""
        return self.classes

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; an object without a label is given the most likely class.

        Raises `InputError` for photos, boxes or labels that cannot be used.
        """
        given = read_input(photos, boxes, labels, boxes_are)
        return [
            self._scene(photo, picture, rows, names, boxes_are)
            for photo, picture, rows, names in zip(photos, given.pictures, given.boxes, given.labels, strict=True)
        ]

    def _scene(
        self,
        photo: Photo,
        picture: UInt8[np.ndarray, "h w 3"],
        boxes: Float[np.ndarray, "n 4"],
        labels: Sequence[str | None],
        boxes_are: BoxKind,
    ) -> Scene:
        found = self._look(picture, boxes, labels)
        return Scene(
            height=picture.shape[0],
            width=picture.shape[1],
            instances=tuple(self._instance(number, item, picture) for number, item in enumerate(found)),
            boxes_are=boxes_are,
            image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
            method=self.name,
            model=self.model_name,
            exclusive=False,
            warnings=self._warnings(labels),
        )

    def _look(
        self, picture: UInt8[np.ndarray, "h w 3"], boxes: Float[np.ndarray, "n 4"], labels: Sequence[str | None]
    ) -> list[_Found]:
        """One pass over the photo; float32, each photo by itself, so that nothing depends on what else is asked."""
        small, scale = scaled(picture, self.network.size.longest_px)
        images = as_images([torch.from_numpy(small).permute(2, 0, 1)])
        factor = np.tile(scale, 2)
        with torch.inference_mode():
            features = self.network.features(images.tensors)
            if self.boxes == "own":
                found, scores, numbers = (part[0].numpy() for part in self.network.detect(features, images))
                kept = np.flatnonzero((scores >= self.least_score) & ((found[:, 2:] - found[:, :2]).min(axis=1) >= 1))
                boxes, scores, numbers = found[kept].astype(np.float64) / factor, scores[kept], numbers[kept]
                names = [self.classes[number - 1] for number in numbers]
            elif len(boxes):
                rois = torch.from_numpy((boxes * factor).astype(np.float32))
                chances = self.network.box_outputs(features, [rois], images)[0].softmax(dim=1).numpy()
                numbers = self._numbers(chances, labels)
                scores = chances[np.arange(len(boxes)), numbers]
                names = [
                    label if label is not None else self.classes[number - 1]
                    for label, number in zip(labels, numbers, strict=True)
                ]
            if not len(boxes):
                return []
            outer = enlarged(boxes, self.enlarged)
            logits = self.network.mask_logits(features, [torch.from_numpy((outer * factor).astype(np.float32))], images)
            masks = logits[torch.arange(len(boxes)), torch.from_numpy(np.asarray(numbers))].sigmoid().numpy()
        return [
            _Found(as_xyxy(box), as_xyxy(roi), name, float(score), mask)
            for box, roi, name, score, mask in zip(boxes, outer, names, scores, masks, strict=True)
        ]

    def _numbers(self, chances: Float32[np.ndarray, "n classes"], labels: Sequence[str | None]) -> np.ndarray:
        """The given label's class; where there is none, or a strange one, the most likely of all but background."""
        likely = 1 + chances[:, 1:].argmax(axis=1)
        known = {label: number for number, label in enumerate(self.classes, start=1)}
        return np.array([known.get(label or "", own) for label, own in zip(labels, likely, strict=True)], np.int64)

    def _instance(self, number: int, found: _Found, picture: UInt8[np.ndarray, "h w 3"]) -> Instance:
        height, width = picture.shape[:2]
        probabilities = found.mask if self.polish is None else self.polish(picture, found.roi, found.mask)
        mask = pasted(probabilities, found.roi, found.box, height, width)
        return Instance(number, found.label, found.box, found.score, modal=mask, amodal=mask)

    def _warnings(self, labels: Sequence[str | None]) -> tuple[str, ...]:
        strange = sorted({label for label in labels if label is not None and label not in self.classes})
        known = ", ".join(self.classes)
        return tuple(
            f"label {label!r} is not one of the network's ({known}): the mask of the likeliest of them was used"
            for label in strange
            if self.boxes == "given"
        )


def load_rcnn(
    model: str | os.PathLike[str],
    name: str,
    boxes: BoxSource,
    least_score: float,
    enlarge: float = 1.0,
    polish: Polish | None = None,
) -> NetworkSegmenter:
    """The two-stage network `name` from its model file, "default" for the shipped one.

    Raises `InputError` for settings that cannot be, and a file that is not whole or not of this network.
    """
    if boxes not in get_args(BoxSource):
        raise InputError("load", "boxes", f"found {boxes!r}", "expected 'given' or 'own'")
    if not 0 <= least_score <= 1:
        raise InputError("load", "least_score", f"found {least_score}", "expected 0 to 1")
    file = read_network(model, name)
    classes, size = _described(file.metadata, os.fspath(model))
    network = Rcnn(1 + len(classes), size, pretrained=False)
    fill(network, file, model)
    return NetworkSegmenter(
        name, network.eval(), classes, Path(model).stem, boxes, least_score, enlarged=enlarge, polish=polish
    )


def enlarged(boxes: Float[np.ndarray, "n 4"], factor: float) -> Float[np.ndarray, "n 4"]:
    """Boxes of the same centres with both sides `factor` times as long."""
    middle, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * factor
    return np.concatenate([middle - half, middle + half], axis=1)


def pasted(probabilities: Float[np.ndarray, "rows cols"], roi: XYXY, box: XYXY, height: int, width: int) -> CropMask:
    """The pixels of the box whose probability, interpolated between the RoI's cells, is above one half."""
    x0, y0 = max(0, int(np.floor(box[0]))), max(0, int(np.floor(box[1])))
    x1, y1 = min(width, int(np.ceil(box[2]))), min(height, int(np.ceil(box[3])))
    if x1 <= x0 or y1 <= y0:
        return CropMask.empty(height, width)
    return CropMask.from_crop(on_pixels(probabilities, roi, (x0, y0, x1, y1)) > 0.5, x0, y0, height, width)


@dataclass(frozen=True, eq=False)
class _Found:
    box: XYXY
    roi: XYXY
    label: str
    score: float
    mask: Float32[np.ndarray, "side side"]


def _described(metadata: Any, where: str) -> tuple[tuple[str, ...], RcnnSize]:
    try:
        classes = tuple(str(label) for label in metadata["classes"])
        size = RcnnSize(**{key: int(value) for key, value in metadata["size"].items()})
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(
            where, "network", f"lacks or garbles {error}", "expected what `amodal train` writes"
        ) from error
    if not classes or not all(1 <= value <= 4096 for value in (size.longest_px, size.channels, size.box_features)):
        raise InputError(where, "network", f"describes {len(classes)} classes and {size}", "expected a usable network")
    return classes, size
