"""From samples to what a two-stage network is trained on: scaled, mirrored, in batches, with their targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor
from torchvision.models.detection.image_list import ImageList

from amodal.errors import AmodalError
from amodal.masks import CropMask
from amodal.networks.parts.batch import as_images
from amodal.rivals.rcnn import Targets
from amodal.training.sources import Pictures, Sample

_SMALLEST, _BRIGHTNESS = 0.8, 0.2
_MOST_OBJECTS = 12
_LEAST_SIDE_PX = 3.0
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Picture:
    """A scaled picture, channels first, and what is known of it in its own pixels."""

    pixels: UInt8[Tensor, "3 h w"]
    targets: Targets


@dataclass(frozen=True, eq=False)
class PictureBatch:
    """Pictures in one tensor, and their targets."""

    images: ImageList
    targets: tuple[Targets, ...]


def drawn(pictures: Pictures, classes: Sequence[str], longest_px: int, rng: np.random.Generator) -> Picture:
    """A picture to learn from that holds at least one object of a size to be learned from."""
    for _ in range(_TRIES):
        picture = varied(pictures(rng), classes, longest_px, rng)
        if len(picture.targets.boxes):
            return picture
    raise AmodalError(f"{_TRIES} pictures in a row hold no object of at least {_LEAST_SIDE_PX:g} px at this size")


def varied(sample: Sample, classes: Sequence[str], longest_px: int, rng: np.random.Generator) -> Picture:
    """A sample at a random size up to `longest_px`, mirrored or not, a little lighter or darker."""
    photo, scale = scaled(sample.photo, longest_px * rng.uniform(_SMALLEST, 1.0))
    height, width = photo.shape[:2]
    boxes = sample.boxes * np.tile(scale, 2)
    fit = np.flatnonzero((boxes[:, 2:] - boxes[:, :2]).min(axis=1, initial=np.inf) >= _LEAST_SIDE_PX)
    keep = rng.permutation(fit)[:_MOST_OBJECTS]
    boxes = boxes[keep]
    mirrored = bool(rng.random() < 0.5)
    if mirrored:
        photo = photo[:, ::-1]
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
    gain, shift = rng.uniform(1 - _BRIGHTNESS, 1 + _BRIGHTNESS), rng.uniform(-1, 1) * 255 * _BRIGHTNESS / 2
    pixels = cv2.convertScaleAbs(np.ascontiguousarray(photo), alpha=gain, beta=max(shift, 0.0))
    masks = None
    if sample.masks is not None:
        masks = _scaled_masks([sample.masks[row] for row in keep], (height, width), mirrored=mirrored)
    targets = Targets(
        boxes=torch.from_numpy(np.ascontiguousarray(boxes, np.float32)),
        labels=torch.tensor([1 + classes.index(sample.labels[row]) for row in keep], dtype=torch.int64),
        # Objects that were left out are no background.
        complete=sample.complete and len(keep) == len(sample.boxes),
        masks=None if masks is None else torch.from_numpy(masks),
    )
    return Picture(torch.from_numpy(pixels).permute(2, 0, 1), targets)


def as_picture_batch(pictures: Sequence[Picture]) -> PictureBatch:
    """Several pictures as one batch."""
    images = as_images([picture.pixels for picture in pictures])
    return PictureBatch(images, tuple(picture.targets for picture in pictures))


def scaled(
    photo: UInt8[np.ndarray, "h w 3"], longest_px: float
) -> tuple[UInt8[np.ndarray, "h2 w2 3"], Float[np.ndarray, " 2"]]:
    """The photo with its longest side at `longest_px`, and by how much x and y were scaled."""
    height, width = photo.shape[:2]
    factor = longest_px / max(height, width)
    size = max(8, round(width * factor)), max(8, round(height * factor))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    return cv2.resize(photo, size, interpolation=method), np.array([size[0] / width, size[1] / height])


def _scaled_masks(masks: Sequence[CropMask], size: tuple[int, int], *, mirrored: bool) -> Float32[np.ndarray, "n h w"]:
    height, width = size
    frames = np.zeros((len(masks), height, width), np.float32)
    for frame, mask in zip(frames, masks, strict=True):
        small = cv2.resize(mask.to_dense().astype(np.float32), (width, height), interpolation=cv2.INTER_AREA)
        frame[...] = small[:, ::-1] if mirrored else small
    return frames
