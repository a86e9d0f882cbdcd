"""From training photos to features: every object and its mirror image pass the backbone once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from amodal.compnet.teacher import PIXELS_PER_CELL
from amodal.compnet.workshop import Tensors, Workshop
from amodal.features.backbone import Backbone
from amodal.features.crops import ObjectFeatures, Pyramid, extract_crop, extract_features
from amodal.features.lattice import XYXY, Lattice, as_xyxy
from amodal.images import read_photo

_PHOTOS_PER_STAGE = 64
_BACKGROUND_CROPS = 2
_PHOTOS_PER_PASS = 16


@dataclass(frozen=True)
class TrainingObject:
    """One object and its mirror image: features of both, and the crop on which its mask is refined."""

    plain: ObjectFeatures
    mirrored: ObjectFeatures
    crop: np.ndarray
    """uint8 RGB, `PIXELS_PER_CELL` per cell of the padded box."""


def gather_objects(
    backbone: Backbone,
    photos: Sequence[Path],
    rows_of_photo: Sequence[Sequence[int]],
    boxes: np.ndarray,
    workshop: Workshop,
    progress: Callable[[str, int, int], None],
) -> dict[int, TrainingObject]:
    """Features and crops of the objects `rows_of_photo` (rows of `boxes`, XYXY), by row."""
    gathered: dict[int, TrainingObject] = {}
    wanted = [index for index, rows in enumerate(rows_of_photo) if len(rows)]
    for start in range(0, len(wanted), _PHOTOS_PER_STAGE):
        part = wanted[start : start + _PHOTOS_PER_STAGE]
        lattices = [[Lattice.of_box(as_xyxy(boxes[row])) for row in rows_of_photo[index]] for index in part]
        paths = [photos[index] for index in part]

        def compute(paths: list[Path] = paths, lattices: list[list[Lattice]] = lattices) -> Tensors:
            return _features_of(backbone, paths, lattices)

        tensors = workshop.stage(f"features-{start // _PHOTOS_PER_STAGE:04d}", compute)
        keys = [
            (row, lattice)
            for index, ls in zip(part, lattices, strict=True)
            for row, lattice in zip(rows_of_photo[index], ls, strict=True)
        ]
        for number, (row, lattice) in enumerate(keys):
            inside = tensors[f"{number}.inside"]
            gathered[row] = TrainingObject(
                ObjectFeatures(lattice, tensors[f"{number}.plain"], inside),
                ObjectFeatures(lattice, tensors[f"{number}.mirrored"], inside.flip(-1)),
                tensors[f"{number}.crop"].numpy(),
            )
        progress("features", min(start + _PHOTOS_PER_STAGE, len(wanted)), len(wanted))
    return gathered


def gather_backgrounds(
    backbone: Backbone,
    photos: Sequence[Path],
    occupied: Sequence[np.ndarray],
    seed: int,
    workshop: Workshop,
    progress: Callable[[str, int, int], None],
) -> list[Tensor]:
    """Features [channels, rows, cols] of random windows that hold no object: `occupied` boxes are kept clear of."""
    generator = np.random.default_rng(seed)

    def compute() -> Tensors:
        tensors: Tensors = {}
        for start in range(0, len(photos), _PHOTOS_PER_PASS):
            part = [read_photo(path) for path in photos[start : start + _PHOTOS_PER_PASS]]
            windows = [
                _free_windows(photo.shape[1], photo.shape[0], boxes, generator)
                for photo, boxes in zip(part, occupied[start : start + _PHOTOS_PER_PASS], strict=True)
            ]
            lattices = [[Lattice.of_box(window) for window in found] for found in windows]
            for index, items in enumerate(extract_features(backbone, part, lattices)):
                for number, item in enumerate(items):
                    tensors[f"{start + index:06d}.{number}"] = item.features.half()
            progress("backgrounds", start + len(part), len(photos))
        return tensors

    tensors = workshop.stage("backgrounds", compute)
    return [tensors[key].float() for key in sorted(tensors)]


def _features_of(backbone: Backbone, paths: Sequence[Path], lattices: Sequence[Sequence[Lattice]]) -> Tensors:
    photos = [read_photo(path) for path in paths]
    plain = extract_features(backbone, photos, lattices)
    mirrored = extract_features(backbone, photos, lattices, mirror=True)
    tensors: Tensors = {}
    number = 0
    for photo, own, flipped in zip(photos, plain, mirrored, strict=True):
        pyramid = Pyramid(photo)
        for item, mirror in zip(own, flipped, strict=True):
            tensors[f"{number}.plain"] = item.features.half()
            tensors[f"{number}.mirrored"] = mirror.features.half()
            tensors[f"{number}.inside"] = item.inside
            tensors[f"{number}.crop"] = torch.from_numpy(_small_crop(pyramid, item.lattice))
            number += 1
    return tensors


def _small_crop(pyramid: Pyramid, lattice: Lattice) -> np.ndarray:
    rows, cols = lattice.shape.padded
    size = (cols * PIXELS_PER_CELL, rows * PIXELS_PER_CELL)
    return cv2.resize(extract_crop(pyramid, lattice), size, interpolation=cv2.INTER_AREA)


def _free_windows(width: int, height: int, boxes: np.ndarray, generator: np.random.Generator) -> list[XYXY]:
    free_windows: list[XYXY] = []
    for _ in range(10 * _BACKGROUND_CROPS):
        side_x, side_y = generator.uniform(0.3, 0.6, size=2) * (width, height)
        x0, y0 = generator.uniform(0, (width - side_x, height - side_y))
        window = (float(x0), float(y0), float(x0 + side_x), float(y0 + side_y))
        if not any(x0 < b[2] and b[0] < x0 + side_x and y0 < b[3] and b[1] < y0 + side_y for b in boxes):
            free_windows.append(window)
    return free_windows[:_BACKGROUND_CROPS]
