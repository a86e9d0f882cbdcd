"""Boxes from a torchvision detector, for photos that come without any. What it boxes is the visible part."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from urllib.error import URLError

import numpy as np
import torch
import torchvision
from jaxtyping import Float64, UInt8
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torchvision.models import detection

from amodal.errors import AmodalError, InputError
from amodal.images import read_photo

LEAST_SCORE = 0.5
# Detectors drop doubles within a class only; a car found again as a truck would be an object behind itself.
SAME_OBJECT_IOU = 0.8
MOST_CATEGORIES = 10_000


@dataclass(frozen=True)
class Detections:
    """The objects found in one photo, best first.

    Attributes:
        boxes: [n, 4] XYXY pixels, of the visible parts.
        labels: class names.
        scores: [n], 0 to 1.
    """

    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    scores: Float64[np.ndarray, " n"]


@dataclass(frozen=True)
class Detector:
    """A detection network with the names of its classes; class 0 is the background."""

    network: nn.Module
    categories: tuple[str, ...]

    def __call__(self, photo: UInt8[np.ndarray, "h w 3"], least_score: float = LEAST_SCORE) -> Detections:
        """The objects of one photo whose score is at least `least_score`, each once."""
        pixels = torch.from_numpy(np.ascontiguousarray(photo)).permute(2, 0, 1).float() / 255
        with torch.inference_mode():
            found = self.network([pixels])[0]
        kept = torchvision.ops.nms(found["boxes"], found["scores"], SAME_OBJECT_IOU)
        kept = kept[(found["scores"][kept] >= least_score) & _has_area(found["boxes"][kept])]
        return Detections(
            boxes=found["boxes"][kept].double().reshape(-1, 4).numpy(),
            labels=tuple(self.categories[index] for index in found["labels"][kept].tolist()),
            scores=found["scores"][kept].double().numpy(),
        )


def detect(
    photos: Sequence[str | os.PathLike[str] | UInt8[np.ndarray, "h w 3"]],
    detector: str | Detector,
    least_score: float = LEAST_SCORE,
) -> list[Detections]:
    """Find the objects in photos with a detector, given itself or by a name that `load_detector` knows.

    Raises:
        InputError: a photo cannot be read; otherwise as `load_detector`.
    """
    network = load_detector(detector) if isinstance(detector, str) else detector
    pixels = (photo if isinstance(photo, np.ndarray) else read_photo(photo) for photo in photos)
    return [network(photo, least_score) for photo in pixels]


def load_detector(name: str) -> Detector:
    """A torchvision detector: `NAME` with its public COCO weights, or `NAME@FILE.safetensors` with others.

    A file may name its own classes by a JSON list in its metadata, `categories`, the background first;
    without it they are COCO's.

    Raises:
        InputError: unknown name, or a file that does not hold this network.
        AmodalError: the public weights are not here and cannot be fetched.
    """
    architecture, _, file = name.partition("@")
    known = torchvision.models.list_models(module=detection)
    if architecture not in known:
        if architecture.endswith(".safetensors"):
            expected = f"expected the network it is for as well, as in fasterrcnn_resnet50_fpn_v2@{name}"
            raise InputError("--detector", "", f"found a weights file alone, {name!r}", expected)
        raise InputError("--detector", "", f"found {architecture!r}", f"expected one of {', '.join(known)}")
    network, categories = _from_file(architecture, Path(file)) if file else _from_public(architecture)
    return Detector(network.eval(), categories)


def _from_public(architecture: str) -> tuple[nn.Module, tuple[str, ...]]:
    """Weights by torchvision's own address, hash-checked as they are fetched, and never unpickled."""
    weights = torchvision.models.get_model_weights(architecture)["DEFAULT"]
    cache = Path(torch.hub.get_dir()) / "checkpoints" / Path(weights.url).name
    try:
        with _weights_only():
            network = torchvision.models.get_model(architecture, weights=weights, progress=False)
    except UnpicklingError as error:
        raise InputError(str(cache), "--detector", "holds more than weights", "expected weights alone") from error
    except (URLError, OSError, RuntimeError) as error:  # RuntimeError: the hash does not fit
        raise AmodalError(
            f"--detector {architecture}: its weights cannot be fetched ({error}); where there is a network, "
            f"fetch {weights.url} and put it here as {cache}, or name {architecture}@FILE.safetensors"
        ) from error
    return network, tuple(weights.meta["categories"])


@contextmanager
def _weights_only() -> Iterator[None]:
    """torchvision's builders let torch.load unpickle; this switch of torch's overrules them."""
    switch = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"
    before = os.environ.get(switch)
    os.environ[switch] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[switch]
        else:
            os.environ[switch] = before


def _from_file(architecture: str, path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    tensors, metadata = _read_safetensors(path)
    categories = _categories(architecture, metadata, path)
    network = torchvision.models.get_model(
        architecture, weights=None, weights_backbone=None, num_classes=len(categories)
    )
    try:
        missing, unexpected = network.load_state_dict(tensors, strict=False)
    except RuntimeError as error:  # torch names every tensor whose shape differs; the first says enough
        lines = [line.strip() for line in str(error).splitlines() if "size mismatch" in line]
        expected = f"expected the weights of {architecture} for {len(categories)} classes"
        raise InputError(str(path), "tensors", lines[0] if lines else str(error), expected) from error
    # Frozen normalisation, as the public weights have it, does not count batches.
    missing = [name for name in missing if not name.endswith("num_batches_tracked")]
    if missing or unexpected:
        found = f"lacks {missing[0]}" if missing else f"has an unknown {unexpected[0]}"
        raise InputError(str(path), "tensors", found, f"expected the weights of {architecture}")
    return network, categories


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    if not path.is_file():
        raise InputError(str(path), "--detector", "no such file", "expected weights as safetensors")
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        found = f"cannot be read as safetensors ({error})"
        raise InputError(str(path), "--detector", found, "expected a whole .safetensors file") from error


def _categories(architecture: str, metadata: dict[str, str], path: Path) -> tuple[str, ...]:
    if "categories" not in metadata:
        return tuple(torchvision.models.get_model_weights(architecture)["DEFAULT"].meta["categories"])
    try:
        names = json.loads(metadata["categories"])
    except ValueError:
        names = None
    valid = isinstance(names, list) and 2 <= len(names) <= MOST_CATEGORIES
    if not valid or not all(isinstance(name, str) for name in names):
        expected = "expected a JSON list of names, the background first"
        raise InputError(str(path), "metadata: categories", f"found {metadata['categories'][:60]!r}", expected)
    return tuple(names)


def _has_area(boxes: Tensor) -> Tensor:
    return ((boxes[:, 2:] - boxes[:, :2]) >= 1).all(dim=1)
