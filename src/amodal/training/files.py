"""What training keeps: the model file of a network and the checkpoint of an unfinished run. Nothing is unpickled."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from amodal.data.write import with_sorted_metadata, write_bytes_atomically
from amodal.errors import InputError
from amodal.models import shipped

FORMAT = "amodal-network"
VERSION = 1


@dataclass(frozen=True)
class NetworkFile:
    """A model file's content: weights by name (float32), and what it says of itself (name, classes, budget, data)."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, Any]


def write_network(path: Path, module: nn.Module, metadata: Mapping[str, Any]) -> None:
    """One safetensors file: weights of two dimensions and more as float16, the rest as float32; JSON in the metadata.

    `metadata` must hold "name". Equal networks give equal files. Raises `InputError` where `path` cannot be written.
    """
    tensors = {name: _stored(tensor) for name, tensor in module.state_dict().items()}
    head = {"kind": "network", **metadata}
    _write(path, tensors, {"format": FORMAT, "version": str(VERSION), "network": json.dumps(head, sort_keys=True)})


def read_network(path: str | os.PathLike[str], name: str) -> NetworkFile:
    """Read the model file of the network `name`, "default" for the shipped one; nothing in it is executed.

    Raises:
        InputError: no such file, truncated, another kind of model, another network or another version.
    """
    path = shipped(name) if os.fspath(path) == "default" else path
    tensors, said = _read(Path(path), f"expected a .safetensors file made by `amodal train {name}`")
    where = os.fspath(path)
    metadata = _described(said, where, name)
    if metadata.get("name") != name:
        raise InputError(where, "name", f"is {metadata.get('name')!r}", f"expected {name!r}, the network asked for")
    floats = {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in tensors.items()}
    return NetworkFile(floats, metadata)


def name_in(path: str | os.PathLike[str]) -> str:
    """Which network a model file holds; its weights are not read.

    Raises:
        InputError: no such file, truncated, another kind of model or another version.
    """
    said = _said(Path(path), "expected a .safetensors file made by `amodal train`")
    return str(_described(said, os.fspath(path), "NETWORK").get("name"))


def fill(module: nn.Module, file: NetworkFile, path: str | os.PathLike[str]) -> None:
    """Load the file's weights into the network it was made for.

    Raises:
        InputError: tensors are missing, too many or of another shape; names the first.
    """
    needed = module.state_dict()
    for key in [*needed, *file.tensors]:
        if key not in file.tensors:
            raise InputError(os.fspath(path), key, "is missing", "expected all weights of the network")
        if key not in needed:
            raise InputError(os.fspath(path), key, "is unknown", "expected the weights of this network alone")
        if needed[key].shape != file.tensors[key].shape:
            found, expected = tuple(file.tensors[key].shape), tuple(needed[key].shape)
            raise InputError(os.fspath(path), key, f"has shape {found}", f"expected {expected}")
    module.load_state_dict(dict(file.tensors))


def write_checkpoint(path: Path, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """An unfinished run: every tensor to the last bit, and the rest as JSON."""
    _write(path, {key: tensor.contiguous() for key, tensor in tensors.items()}, {"state": json.dumps(state)})


def read_checkpoint(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """What `write_checkpoint` wrote; None where there is none, or one that cannot be read (then work begins anew)."""
    if not path.is_file():
        return None
    try:
        tensors, said = _read(path, "")
        return tensors, _json_object(str(path), "state", said.get("state", ""))
    except InputError:
        return None


def _stored(tensor: Tensor) -> Tensor:
    """Scales and statistics keep float32: they span more than float16 can hold."""
    half = tensor.is_floating_point() and tensor.ndim >= 2
    return (tensor.half() if half else tensor).detach().contiguous()


def _write(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str]) -> None:
    own = {key: tensor.detach().clone(memory_format=torch.contiguous_format) for key, tensor in tensors.items()}
    write_bytes_atomically(path, with_sorted_metadata(save(own, metadata=metadata)))


def _read(path: Path, expected: str) -> tuple[dict[str, Tensor], dict[str, str]]:
    with _opened(path, expected) as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - not a dict
        return tensors, file.metadata() or {}


def _said(path: Path, expected: str) -> dict[str, str]:
    with _opened(path, expected) as file:
        said: dict[str, str] = file.metadata() or {}
        return said


@contextmanager
def _opened(path: Path, expected: str) -> Iterator[Any]:
    if not path.is_file():
        raise InputError(str(path), "model", "no such file", expected)
    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except (SafetensorError, OSError, ValueError) as error:
        raise InputError(str(path), "model", f"is not a whole safetensors file ({error})", expected) from error


def _described(said: Mapping[str, str], where: str, name: str) -> dict[str, Any]:
    """What a file says of its network."""
    if said.get("format") != FORMAT:
        expected = f"expected {FORMAT!r}: a file made by `amodal train {name}`"
        raise InputError(where, "format", f"is {said.get('format')!r}", expected)
    if said.get("version") != str(VERSION):
        expected = f"expected {VERSION}; train the network again or use the matching release"
        raise InputError(where, "version", f"is {said.get('version')!r}", expected)
    return _json_object(where, "network", said.get("network", ""))


def _json_object(where: str, field: str, text: str) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(where, field, f"is not JSON ({error})", "expected what this program writes") from error
    if not isinstance(value, dict):
        raise InputError(where, field, "is no JSON object", "expected what this program writes")
    return value
