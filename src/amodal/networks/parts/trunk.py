"""The trunk: a pretrained backbone by timm name, and a feature pyramid on its stages."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FeaturePyramidNetwork
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from amodal.errors import AmodalError, InputError
from amodal.features.backbone import DEFAULT_BACKBONE, lite0_state

STRIDES = (4, 8, 16, 32)
LEVELS = ("0", "1", "2", "3", "pool")
"""Names of a pyramid's levels, strides 4 to 64."""

Features = OrderedDict[str, Tensor]


class Backbone(nn.Module):
    """Pictures in [0, 255] in, features at strides 4, 8, 16 and 32 out; what is frozen has no gradient.

    Raises `InputError` for a name that timm does not know or whose stages have other strides, `AmodalError` where its
    pretrained weights cannot be had.
    """

    def __init__(self, name: str, frozen_stages: int, *, pretrained: bool) -> None:
        super().__init__()
        self.network = _network(name, pretrained=pretrained)
        self.channels: list[int] = self.network.feature_info.channels()
        config = self.network.pretrained_cfg
        mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
        self.register_buffer("scale", (1 / (255 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor
        freeze(self.network, frozen_stages)
        self.to(memory_format=torch.channels_last)

    def forward(self, pictures: Float[Tensor, "n 3 h w"]) -> list[Tensor]:
        """One map for every stride; sides of the pictures must be multiples of 32."""
        normal = torch.addcmul(self.shift, pictures, self.scale).contiguous(memory_format=torch.channels_last)
        stages: list[Tensor] = self.network(normal)
        return stages

    def train(self, mode: bool = True) -> Backbone:
        """Statistics of normalisation stay as published, so the backbone never leaves evaluation mode."""
        del mode
        return super().train(False)


class Pyramid(nn.Module):
    """Feature pyramid (Lin et al. 2017): all levels of the same width, `LEVELS` with the coarsest pooled once more."""

    def __init__(self, stages: Sequence[int], channels: int, *, norm: bool) -> None:
        super().__init__()
        layer = group_norm if norm else None
        self.network = FeaturePyramidNetwork(list(stages), channels, LastLevelMaxPool(), norm_layer=layer)

    def forward(self, stages: Sequence[Tensor]) -> Features:
        """float32 maps by level."""
        levels = self.network(OrderedDict((str(number), stage) for number, stage in enumerate(stages)))
        return OrderedDict((name, level.float()) for name, level in levels.items())


def padded_sizes(images: ImageList) -> list[tuple[int, int]]:
    """The padded size for every picture: pooling works strides out from sizes, and only these divide evenly."""
    height, width = images.tensors.shape[-2:]
    return [(int(height), int(width))] * len(images.image_sizes)


def freeze(network: nn.Module, stages: int) -> None:
    """No gradient for stem, first stages, all normalisation and depthwise weights.

    On a CPU the gradient of depthwise weights takes longer than all the rest of a step; they are 4 % of the weights.
    """
    network.eval()
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(_stage(name) >= stages)
    for name, module in network.named_modules():
        depthwise = isinstance(module, nn.Conv2d) and module.groups > 1
        if isinstance(module, nn.BatchNorm2d) or depthwise:
            module.requires_grad_(False)
        if depthwise and _stage(name) >= stages and module.stride != (1, 1):
            # torch's bfloat16 gradient of strided depthwise convolutions is ten times slower than in float32.
            module.forward = partial(_in_full, module.forward)


def group_norm(channels: int) -> nn.GroupNorm:
    """Of a pyramid; without it a backbone's large features saturate fresh heads."""
    return nn.GroupNorm(8, channels)


def _stage(name: str) -> int:
    """Number of the stage that a parameter belongs to; -1 for the stem."""
    first, *rest = name.split(".")
    if first == "blocks":  # EfficientNets
        return int(rest[0]) if rest else -1
    return int(first.removeprefix("layer")) - 1 if first.startswith("layer") else -1  # ResNets


def _network(name: str, *, pretrained: bool) -> Any:
    if name not in timm.list_models():
        raise InputError("settings", "backbone", f"found {name!r}", "expected a name that timm lists")
    own = pretrained and name == DEFAULT_BACKBONE
    try:
        whole: Any = timm.create_model(name, features_only=True, pretrained=pretrained and not own)
    except (RuntimeError, OSError, ValueError) as error:
        raise AmodalError(f"backbone {name!r}: its pretrained weights cannot be fetched ({error})") from error
    reductions = whole.feature_info.reduction()
    if not set(STRIDES) <= set(reductions):
        raise InputError("settings", "backbone", f"{name!r} has strides {reductions}", f"expected {list(STRIDES)}")
    wanted = tuple(reductions.index(stride) for stride in STRIDES)
    network: Any = timm.create_model(name, features_only=True, out_indices=wanted)
    if own:
        state = lite0_state()
        network.load_state_dict({key: state[key] for key in network.state_dict()})
    elif pretrained:
        state = whole.state_dict()
        network.load_state_dict({key: state[key] for key in network.state_dict()})
    return network


def _in_full(forward: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    with torch.autocast(values.device.type, enabled=False):
        return forward(values.float())
