"""PCNet-M (Zhan et al. 2020): a U-Net that completes a mask under an eraser, taught by visible masks alone.

It never sees an amodal mask. A visible mask has another object's mask laid over it and is to be restored (case 1), or
has that mask laid behind it and is to be left as it is (case 2), so it learns when to grow and when not to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import timm
import torch
from jaxtyping import Float, Float32, UInt8
from torch import Tensor, nn
from torch.nn import functional

from amodal.errors import InputError
from amodal.features.backbone import DEFAULT_BACKBONE, lite0_state
from amodal.features.crops import Pyramid
from amodal.masks import CropMask
from amodal.rivals.patches import Patch, mask_patch, network_input, patch_around, photo_patch
from amodal.training.loop import TrainConfig
from amodal.training.registry import TrainingData
from amodal.training.sources import Pictures, read_pictures

NAME = "pcnet-m"
DEFAULTS = TrainConfig(steps=500, batch=8, rate=2e-3, pretrained_rate=0.3, half=False)
"""8,000 exercises. On a CPU bfloat16 makes the depthwise convolutions slower, not faster."""
SIZE = 128
"""Side of a patch in network pixels. The paper has 256; four times the work is beyond the common budget."""
PER_PICTURE = 2
"""Exercises on each photo drawn, since decoding costs too."""
GROWS = 0.8
"""Share of case 1."""
INSIDE = 5.0
"""Weight of the loss inside the eraser; 1 outside."""

_WIDTHS = (96, 64, 48, 24)
_LEAST_AREA_PX = 400  # smaller masks have no shape to learn from
_HIDES = (0.03, 0.9)  # share of the object that an eraser may hide
_TRIES = 8
_TWO_ERASERS = 0.25


class PCNetM(nn.Module):
    """U-Net: the common backbone with five input channels, and a light decoder that takes up its features again."""

    def __init__(self, *, pretrained: bool = True) -> None:
        super().__init__()
        network: Any = timm.create_model(DEFAULT_BACKBONE, pretrained=False, features_only=True, in_chans=5)
        if pretrained:
            _fill(network, lite0_state())
        self.backbone: nn.Module = network
        *skips, deepest = network.feature_info.channels()
        self.deepest = nn.Conv2d(deepest, _WIDTHS[0], 1)
        inner = (_WIDTHS[0], *_WIDTHS[:-1])
        self.rises = nn.ModuleList(
            _Rise(before, skip, width) for before, skip, width in zip(inner, reversed(skips), _WIDTHS, strict=True)
        )
        self.head = nn.Sequential(
            nn.Conv2d(_WIDTHS[-1] + 2, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 3, padding=1)
        )

    def train(self, mode: bool = True) -> PCNetM:
        """As any module, but the backbone's batch statistics stay those of ImageNet."""
        super().train(mode)
        for module in self.backbone.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, patches: Float[Tensor, "n 5 size size"]) -> Float[Tensor, "n size size"]:
        """Logits of "belongs to the object"; input as `patches.network_input` makes it, `size` a multiple of 32."""
        patches = patches.contiguous(memory_format=torch.channels_last)
        *skips, deepest = self.backbone(patches)
        features = self.deepest(deepest)
        for rise, skip in zip(self.rises, reversed(skips), strict=True):
            features = rise(features, skip)
        masks = functional.avg_pool2d(patches[:, 3:], 2)
        logits = self.head(torch.cat([features, masks], dim=1))
        whole: Tensor = functional.interpolate(logits.float(), scale_factor=2, mode="bilinear", align_corners=False)
        return whole[:, 0]


class _Rise(nn.Module):
    """One step up the decoder: twice the size, the encoder's features added, a depthwise convolution."""

    def __init__(self, before: int, skip: int, width: int) -> None:
        super().__init__()
        self.from_below, self.from_side = nn.Conv2d(before, width, 1), nn.Conv2d(skip, width, 1)
        self.mix = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, groups=width, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.Conv2d(width, width, 1),
        )

    def forward(self, below: Tensor, side: Tensor) -> Tensor:
        raised = functional.interpolate(self.from_below(below), scale_factor=2, mode="nearest")
        features: Tensor = raised + self.from_side(side)
        mixed: Tensor = features + self.mix(features)
        return mixed


@dataclass(frozen=True, eq=False)
class Exercise:
    """A patch to complete and the whole mask, before anything was laid over it."""

    patch: Float32[np.ndarray, "5 size size"]
    target: Float32[np.ndarray, "size size"]


@dataclass(frozen=True, eq=False)
class PCNetTask:
    """How PCNet-M is trained, for the one training loop: on visible masks alone, of partly hidden objects too."""

    pictures: Pictures
    size: int = SIZE
    pretrained: bool = True
    name: str = NAME

    def __post_init__(self) -> None:
        """Refuse photos without masks, and too few of them to lay one over another."""
        if len(self._shapes) < 2:
            expected = f"expected at least 2 of {_LEAST_AREA_PX} px and more"
            raise InputError(NAME, "photos", f"hold {len(self._shapes)} visible masks", expected)

    def build(self) -> nn.Module:
        """The network with ImageNet weights in its backbone."""
        return PCNetM(pretrained=self.pretrained).to(memory_format=torch.channels_last).train()

    def draw(self, index: int, rng: np.random.Generator) -> tuple[Exercise, ...]:
        """`PER_PICTURE` exercises on the objects of one picture."""
        large: list[CropMask] = []
        while not large:
            picture = self.pictures(rng)
            large = [mask for mask in picture.masks or () if mask.area >= _LEAST_AREA_PX]
        photo = Pyramid(picture.photo)
        order = rng.permutation(len(large))
        chosen = [large[order[number % len(large)]] for number in range(PER_PICTURE)]
        return tuple(self._exercise(photo, whole, rng) for whole in chosen)

    def collate(self, samples: Sequence[tuple[Exercise, ...]]) -> tuple[Tensor, Tensor]:
        """Inputs [n, 5, size, size] and targets [n, size, size] of all exercises of all pictures."""
        exercises = [exercise for sample in samples for exercise in sample]
        patches = torch.from_numpy(np.stack([exercise.patch for exercise in exercises]))
        return patches, torch.from_numpy(np.stack([exercise.target for exercise in exercises]))

    def loss(self, module: nn.Module, batch: tuple[Tensor, Tensor]) -> dict[str, Tensor]:
        """Cross entropy per pixel, weighted inside the eraser."""
        patches, targets = batch
        logits = module(patches)
        weights = 1 + (INSIDE - 1) * patches[:, 4]
        losses = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
        return {"mask": (weights * losses).sum() / weights.sum()}

    def metadata(self) -> dict[str, Any]:
        """What the model file says of the network and its data."""
        data = self.pictures.describe()
        return {
            "classes": sorted(data["objects"]),
            "backbone": DEFAULT_BACKBONE,
            "size": self.size,
            "objects_per_picture": PER_PICTURE,
            "supervision": "visible masks",
            "data": data,
            "licence": "trained on photos under the licences listed, some of them non-commercial",
        }

    @cached_property
    def _shapes(self) -> list[CropMask]:
        """What erasers are made of: the masks of the real photos."""
        masks = [mask for photo in self.pictures.real.photos for mask in photo.masks or ()]
        return [mask for mask in masks if mask.area >= _LEAST_AREA_PX]

    def _another(self, rng: np.random.Generator) -> CropMask:
        return self._shapes[int(rng.integers(len(self._shapes)))]

    def _exercise(self, photo: Pyramid, whole: CropMask, rng: np.random.Generator) -> Exercise:
        """One object with another's mask as eraser."""
        laid = _laid_over(whole, lambda: self._another(rng), rng)
        grows = rng.random() < GROWS
        visible, eraser = (whole - laid, laid) if grows else (whole, laid - whole)
        patch = _shaken(patch_around(visible.box, eraser.box), rng)
        seen, hiding, target = (mask_patch(mask, patch, self.size) for mask in (visible, eraser, whole))
        inputs = network_input(_jittered(photo_patch(photo, patch, self.size), rng), seen, hiding)
        mirrored = slice(None, None, -1 if rng.random() < 0.5 else 1)
        return Exercise(np.ascontiguousarray(inputs[..., mirrored]), np.ascontiguousarray(target[..., mirrored]))


def task(data: TrainingData) -> PCNetTask:
    """The task on real photos with the visible masks of their objects; backgrounds are not looked at.

    In pasted scenes the same objects lie half hidden under others; as targets their remains may teach it to stop short.
    """
    return PCNetTask(
        read_pictures(data.annotations, data.images, None, with_masks=True, split=data.split, classes=data.classes)
    )


def _laid_over(whole: CropMask, another: Callable[[], CropMask], rng: np.random.Generator) -> CropMask:
    """Another object's mask, scaled and laid over this one so that it hides a part of it; now and then two of them."""
    laid = _one_laid_over(whole, another(), rng)
    if rng.random() < _TWO_ERASERS:
        both = laid | _one_laid_over(whole, another(), rng)
        if both.intersection_area(whole) <= _HIDES[1] * whole.area:
            return both
    return laid


def _one_laid_over(whole: CropMask, other: CropMask, rng: np.random.Generator) -> CropMask:
    """The share that it hides is drawn first, or erasers that hide little would be most of them."""
    shape = other.to_crop().astype(np.uint8)[:, :: int(rng.choice((-1, 1)))]
    x0, y0, x1, y1 = whole.box
    wanted, best, best_distance = rng.uniform(*_HIDES), whole, np.inf
    for _ in range(_TRIES):
        scale = np.sqrt((x1 - x0) * (y1 - y0) / shape.size) * np.exp(rng.normal(0, 0.4))
        columns, rows = (int(np.clip(round(scale * side), 4, 2 * max(x1, y1, 64))) for side in shape.shape[::-1])
        placed = cv2.resize(shape, (columns, rows), interpolation=cv2.INTER_NEAREST)
        left, top = int(rng.integers(x0 - columns + 1, x1)), int(rng.integers(y0 - rows + 1, y1))
        laid = CropMask.from_crop(placed, left, top, whole.height, whole.width)
        hidden = laid.intersection_area(whole) / whole.area
        if _HIDES[0] <= hidden <= _HIDES[1] and abs(hidden - wanted) < best_distance:
            best, best_distance = laid, abs(hidden - wanted)
        if best_distance < 0.1:
            break
    if np.isfinite(best_distance):
        return best
    return _half_of_box(whole)  # nothing fitted, as may be with thin objects


def _half_of_box(whole: CropMask) -> CropMask:
    """Left or upper half of the mask's box, whichever side is longer: never all of the mask."""
    x0, y0, x1, y1 = whole.box
    end = ((x0 + x1) / 2, y1) if x1 - x0 > y1 - y0 else (x1, (y0 + y1) / 2)
    return CropMask.from_box((x0, y0, *end), whole.height, whole.width)


def _shaken(patch: Patch, rng: np.random.Generator) -> Patch:
    """The patch a little larger or smaller and moved."""
    side = patch.side * rng.uniform(0.9, 1.2)
    middle_x, middle_y = (edge + patch.side * rng.uniform(0.45, 0.55) for edge in (patch.x0, patch.y0))
    return Patch(middle_x - side / 2, middle_y - side / 2, side)


def _jittered(photo: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator) -> UInt8[np.ndarray, "h w 3"]:
    """Brightness and contrast of each colour a little changed."""
    gain, shift = rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3), rng.uniform(-20, 20)
    return np.clip(photo * gain + shift, 0, 255).astype(np.uint8)


def _fill(network: nn.Module, state: Mapping[str, Tensor]) -> None:
    """ImageNet's weights; the two masks that enter beside the image weigh nothing at first."""
    needed = network.state_dict()
    weights = {key: state[key] for key in needed}
    stem = next(key for key, like in needed.items() if weights[key].shape != like.shape)
    weights[stem] = functional.pad(weights[stem], (0, 0, 0, 0, 0, 2))
    network.load_state_dict(weights)
