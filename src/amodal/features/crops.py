"""From photos and boxes to features: crops of one shape are batched, each object passes the backbone once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from torch import Tensor

from amodal.features.backbone import Backbone
from amodal.features.cutting import Pyramid, crop_seen_right, extract_crop
from amodal.features.lattice import Lattice, Shape

__all__ = ["ObjectFeatures", "Pyramid", "extract_crop", "extract_features", "run_backbone"]


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
    offset = backbone.spec.cell_offset
    by_shape: dict[Shape, list[tuple[int, int]]] = defaultdict(list)
    for photo_index, photo_lattices in enumerate(lattices):
        for object_index, lattice in enumerate(photo_lattices):
            by_shape[lattice.shape].append((photo_index, object_index))
    found: dict[tuple[int, int], ObjectFeatures] = {}
    for keys in by_shape.values():
        for chunk in (keys[start : start + backbone.chunk] for start in range(0, len(keys), backbone.chunk)):
            crops = [
                crop_seen_right(pyramids[photo_index], lattices[photo_index][object_index], offset, mirror=mirror)
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
