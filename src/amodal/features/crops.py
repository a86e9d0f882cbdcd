"""From photos and boxes to features: crops of one shape are batched, each object passes the backbone once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from amodal.features.backbone import Backbone
from amodal.features.lattice import STRIDE, Lattice, Shape

CHUNK = 4
"""Crops per backbone pass on a CPU: larger batches are slower there, they fall out of the cache."""

_OUTSIDE = (127, 127, 127, 0)  # about the backbones' mean, so that beyond the picture looks like zero padding


@dataclass(frozen=True)
class ObjectFeatures:
    """What a method knows of one object after its only backbone pass."""

    lattice: Lattice
    features: Tensor
    """float32 [channels, rows, cols], unit length along channels."""
    inside: Tensor
    """float32 [rows, cols]: the share of each cell that lies inside the picture."""
    finer: tuple[Tensor, ...] = ()
    """[channels, rows × n, cols × n], n = 16 / stride: what earlier stages of the pass gave, where asked for."""


class Pyramid:
    """A photo and its halves, made when needed: a large object is cropped from a level without aliasing.

    With a fourth channel that means nothing: OpenCV resamples four channels in less than half the time of three.
    """

    def __init__(self, photo: UInt8[np.ndarray, "height width 3"]) -> None:
        self._levels = [cv2.cvtColor(photo, cv2.COLOR_RGB2RGBA)]

    def level(self, number: int) -> UInt8[np.ndarray, "height width 4"]:
        """The photo halved `number` times (or as often as it can be)."""
        while len(self._levels) <= number and min(self._levels[-1].shape[:2]) > 1:
            last = self._levels[-1]
            size = (max(1, last.shape[1] // 2), max(1, last.shape[0] // 2))
            self._levels.append(cv2.resize(last, size, interpolation=cv2.INTER_AREA))
        return self._levels[min(number, len(self._levels) - 1)]


def extract_crop(
    pyramid: Pyramid, lattice: Lattice, offset: tuple[float, float] = (0.0, 0.0)
) -> UInt8[np.ndarray, "crop_height crop_width 3"]:
    """The padded box resampled to 16 px per cell; `offset` (x, y) crop pixels move the view left and up."""
    height, width = lattice.shape.crop_size
    cell_width, cell_height = lattice.cell_size
    shrink = min(cell_width, cell_height) / STRIDE  # photo pixels per crop pixel
    level = pyramid.level(max(0, int(np.log2(max(shrink, 1.0)))))
    full = pyramid.level(0)
    factor_x, factor_y = level.shape[1] / full.shape[1], level.shape[0] / full.shape[0]
    left, top, _, _ = lattice.padded_box
    step_x, step_y = cell_width / STRIDE * factor_x, cell_height / STRIDE * factor_y
    # Pixel centres are at +0.5 in our coordinates and at integers in OpenCV's.
    start_x = left * factor_x + (0.5 - offset[0]) * step_x - 0.5
    start_y = top * factor_y + (0.5 - offset[1]) * step_y - 0.5
    matrix = np.array([[step_x, 0, start_x], [0, step_y, start_y]], np.float64)
    crop = cv2.warpAffine(
        level,
        matrix,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=_OUTSIDE,
    )
    return cv2.cvtColor(crop, cv2.COLOR_RGBA2RGB)


def extract_features(
    backbone: Backbone,
    photos: Sequence[UInt8[np.ndarray, "height width 3"]],
    lattices: Sequence[Sequence[Lattice]],
    *,
    mirror: bool = False,
    finer: Sequence[int] = (),
) -> list[list[ObjectFeatures]]:
    """Features of every object of every photo, one backbone pass each; crops of one shape form batches.

    `mirror` flips the crops left to right first (learning uses mirrored objects as further viewpoints); `finer` names
    strides of earlier stages whose features are kept too, where the backbone has them.
    """
    pyramids = [Pyramid(photo) for photo in photos]
    by_shape: dict[Shape, list[tuple[int, int]]] = defaultdict(list)
    for photo_index, photo_lattices in enumerate(lattices):
        for object_index, lattice in enumerate(photo_lattices):
            by_shape[lattice.shape].append((photo_index, object_index))
    found: dict[tuple[int, int], ObjectFeatures] = {}
    for keys in by_shape.values():
        for chunk in (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)):
            crops = [
                _crop_for(backbone, pyramids[photo_index], lattices[photo_index][object_index], mirror)
                for photo_index, object_index in chunk
            ]
            features, stages = run_backbone(backbone, np.stack(crops))
            for number, (photo_index, object_index) in enumerate(chunk):
                lattice = lattices[photo_index][object_index]
                height, width = photos[photo_index].shape[:2]
                inside = torch.from_numpy(lattice.cells_inside(width, height))
                found[photo_index, object_index] = ObjectFeatures(
                    lattice,
                    features[number],
                    inside.flip(-1) if mirror else inside,
                    tuple(stages[stride][number] for stride in finer if stride in stages),
                )
    return [
        [found[photo_index, object_index] for object_index in range(len(photo_lattices))]
        for photo_index, photo_lattices in enumerate(lattices)
    ]


def run_backbone(
    backbone: Backbone, crops: UInt8[np.ndarray, "n h w 3"]
) -> tuple[Float32[Tensor, "n channels rows cols"], dict[int, Tensor]]:
    """One batched pass, and what its earlier stages gave, by stride.

    On a CPU bf16 halves its time and moves features by less than their noise.
    """
    device = next(backbone.parameters()).device
    batch = torch.from_numpy(crops).to(device).permute(0, 3, 1, 2).float()
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        return backbone.with_finer(batch)


def _crop_for(backbone: Backbone, pyramid: Pyramid, lattice: Lattice, mirror: bool) -> np.ndarray:
    offset = backbone.spec.cell_offset
    if not mirror:
        return extract_crop(pyramid, lattice, (offset, offset))
    # In the mirrored crop receptive fields still lie to the right, which is left in the photo.
    return np.ascontiguousarray(extract_crop(pyramid, lattice, (-offset, offset))[:, ::-1])
