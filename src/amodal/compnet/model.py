"""A learned compositional model: what it holds, how it is stored, and how it looks at objects."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from amodal.compnet.maps import ClassMaps, PackedTemplates, class_maps, outlier_log_likelihood
from amodal.compnet.templates import Templates
from amodal.compnet.vmf import Kernels
from amodal.data.write import with_sorted_metadata, write_bytes_atomically
from amodal.errors import AmodalError, InputError
from amodal.features.backbone import Backbone, load_backbone
from amodal.features.lattice import Shape

FORMAT = "amodal-compnet"
VERSION = 1
AGNOSTIC = "(any object)"
"""The class-agnostic model: learned from objects of every class, used for labels the model does not know."""


@dataclass(frozen=True)
class ClassModel:
    """One class: its templates and its two calibrated numbers (see `calibrate`)."""

    templates: Templates
    threshold: float
    outlier_log_prior: float


@dataclass(frozen=True)
class Extension:
    """What another room has learned on top of a compositional model and keeps in its file.

    `settings`: JSON values; `tensors`: weights by name.
    """

    settings: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


@dataclass(frozen=True)
class CompNet:
    """A compositional model of several classes over one backbone.

    `classes` maps labels to models and holds `AGNOSTIC`; `outliers` β: [models, kernels]; `card`: what it was learned
    from and how, as JSON values; `backbone_state`: fine-tuned weights, empty where the backbone is as published;
    `extensions`: by name, what was learned on top.
    """

    backbone_name: str
    kernels: Kernels
    classes: Mapping[str, ClassModel]
    outliers: Tensor
    temperature: float
    card: Mapping[str, Any] = field(default_factory=dict)
    backbone_state: Mapping[str, Tensor] = field(default_factory=dict)
    extensions: Mapping[str, Extension] = field(default_factory=dict)
    _packed: dict[tuple[str, Shape], PackedTemplates] = field(default_factory=dict, repr=False, compare=False)

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it tells apart."""
        return tuple(label for label in self.classes if label != AGNOSTIC)

    @cached_property
    def backbone(self) -> Backbone:
        """The backbone, loaded when first needed."""
        backbone = load_backbone(self.backbone_name, pretrained=not self.backbone_state)
        if self.backbone_state:
            try:
                backbone.network.load_state_dict(dict(self.backbone_state))
            except RuntimeError as error:
                raise AmodalError(f"the model's weights do not fit its backbone {self.backbone_name}") from error
        if backbone.channels != self.kernels.directions.shape[1]:
            raise AmodalError(
                f"the model's kernels have {self.kernels.directions.shape[1]} channels, "
                f"its backbone {self.backbone_name} has {backbone.channels}"
            )
        return backbone

    def likelihood(self, features: Float[Tensor, "n channels rows cols"]) -> Float[Tensor, "n kernels cells"]:
        """Kernel likelihoods of a batch of objects of one shape; all later steps and rounds reuse them."""
        return self.kernels.likelihood(features).flatten(2)

    def outlier(self, likelihood: Float[Tensor, "n kernels cells"]) -> Float[Tensor, "n cells"]:
        """log p(f_i | β) of the best outlier model."""
        return outlier_log_likelihood(likelihood, self.outliers)

    def maps(self, label: str, shape: Shape, likelihood: Tensor, outlier: Tensor) -> ClassMaps:
        """The three maps of objects of one shape under every mixture of one class."""
        return class_maps(likelihood, outlier, self._templates(label, shape), self.classes[label].outlier_log_prior)

    def _templates(self, label: str, shape: Shape) -> PackedTemplates:
        key = (label, shape)
        if key not in self._packed:
            self._packed[key] = PackedTemplates.of(self.classes[label].templates.on(shape))
        return self._packed[key]


def save_model(model: CompNet, path: Path) -> None:
    """One safetensors file: half-precision tensors, everything else as JSON in its metadata.

    Raises `InputError` where `path` cannot be written.
    """
    tensors = {"kernels": model.kernels.directions.half(), "outliers": model.outliers.float()}
    classes: dict[str, Any] = {}
    for label, entry in model.classes.items():
        templates = entry.templates
        tensors[f"class.{label}.foreground"] = templates.foreground.half()
        tensors[f"class.{label}.context"] = templates.context.half()
        tensors[f"class.{label}.prior"] = templates.prior.half()
        classes[label] = {
            "shape": [templates.shape.rows, templates.shape.cols],
            "threshold": entry.threshold,
            "outlier_log_prior": entry.outlier_log_prior,
        }
    for name, tensor in model.backbone_state.items():
        tensors[f"backbone.{name}"] = tensor
    for name, extension in model.extensions.items():
        for key, tensor in extension.tensors.items():
            half = tensor.is_floating_point() and tensor.ndim >= 2
            tensors[f"extension.{name}.{key}"] = tensor.half() if half else tensor
    head = {
        "backbone": model.backbone_name,
        "concentration": model.kernels.concentration,
        "temperature": model.temperature,
        "classes": classes,
        "card": dict(model.card),
        "extensions": {name: dict(extension.settings) for name, extension in model.extensions.items()},
    }
    metadata = {"format": FORMAT, "version": str(VERSION), "model": json.dumps(head, sort_keys=True)}
    contiguous = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()}
    write_bytes_atomically(path, with_sorted_metadata(save(contiguous, metadata=metadata)))


def load_model(path: Path) -> CompNet:
    """Read a model file. Raises `InputError` naming the file and what is wrong with it; nothing in it is executed."""
    if not path.is_file():
        raise InputError(str(path), "model", "no such file", "expected a .safetensors file made by `amodal learn`")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            _check_format(path, metadata)
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(
            str(path),
            "model",
            f"is not a whole safetensors file ({error})",
            "expected one; get or learn it again",
        ) from error
    try:
        head = json.loads(metadata["model"])
        return _assemble(head, tensors)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(
            str(path), "model", f"lacks or garbles {error}", "expected the contents `amodal learn` writes"
        ) from error


def _check_format(path: Path, metadata: Mapping[str, str]) -> None:
    found = metadata.get("format")
    if found != FORMAT:
        raise InputError(str(path), "format", f"is {found!r}", f"expected {FORMAT!r}: {_whose(metadata)}")
    if metadata.get("version") != str(VERSION):
        raise InputError(
            str(path),
            "version",
            f"is {metadata.get('version')!r}",
            f"expected {VERSION}; learn the model again or use the matching release",
        )


def _whose(metadata: Mapping[str, str]) -> str:
    """What a file is that holds no compositional model: networks say their name, which is that of their method."""
    try:
        name = json.loads(metadata["network"])["name"]
    except (KeyError, TypeError, ValueError, RecursionError):
        return "not a model of this program"
    return f"it is the model of method {name}, ask for --method {name}"


def _assemble(head: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> CompNet:
    kernels = _tensor(tensors, "kernels", (None, None))
    outliers = _tensor(tensors, "outliers", (None, len(kernels)))
    classes = {label: _class_of(label, entry, tensors, len(kernels)) for label, entry in head["classes"].items()}
    if AGNOSTIC not in classes or len(classes) < 2:
        raise ValueError(
            f"its classes: found {', '.join(classes) or 'none'}, expected {AGNOSTIC} and at least one more"
        )
    return CompNet(
        backbone_name=str(head["backbone"]),
        kernels=Kernels(kernels, _positive(head, "concentration")),
        classes=classes,
        outliers=outliers,
        temperature=_positive(head, "temperature"),
        card=dict(head["card"]),
        backbone_state=_below("backbone.", tensors),
        # Files of before there were extensions have none.
        extensions={
            name: Extension(dict(settings), _floats(_below(f"extension.{name}.", tensors)))
            for name, settings in head.get("extensions", {}).items()
        },
    )


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _floats(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise ValueError(f"{name}: holds NaN or infinity")
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in tensors.items()}


def _class_of(label: str, entry: Mapping[str, Any], tensors: Mapping[str, Tensor], kernels: int) -> ClassModel:
    shape = Shape(*(int(side) for side in entry["shape"]))
    prior = _tensor(tensors, f"class.{label}.prior", (None, *shape.padded))
    size = (len(prior), kernels, *shape.padded)
    foreground, context = (_tensor(tensors, f"class.{label}.{part}", size) for part in ("foreground", "context"))
    numbers = float(entry["threshold"]), float(entry["outlier_log_prior"])
    if not all(math.isfinite(number) for number in numbers):
        raise ValueError(f"class {label}: found {numbers}, expected finite numbers")
    return ClassModel(Templates(shape, foreground, context, prior), *numbers)


def _tensor(tensors: Mapping[str, Tensor], name: str, size: tuple[int | None, ...]) -> Tensor:
    """The tensor of that name in single precision; None stands for any length but 0."""
    tensor = tensors[name].float()
    fits = tensor.dim() == len(size) and all(
        found == expected if expected is not None else found > 0
        for found, expected in zip(tensor.shape, size, strict=True)
    )
    if not fits:
        raise ValueError(f"{name}: has shape {tuple(tensor.shape)}, expected {size}")
    if not bool(torch.isfinite(tensor).all()):
        raise ValueError(f"{name}: holds NaN or infinity")
    return tensor


def _positive(head: Mapping[str, Any], name: str) -> float:
    number = float(head[name])
    if not 0 < number < math.inf:
        raise ValueError(f"{name}: is {number}, expected a positive number")
    return number
