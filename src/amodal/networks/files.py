"""A network of the family from its model file, whichever it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, cast

from torch import nn

from amodal.errors import InputError
from amodal.networks.occluded import Occlusion
from amodal.networks.parts.batch import AmodalNetwork
from amodal.networks.registry import FAMILY, Member, member
from amodal.training.files import fill, name_in, read_network, write_network


@dataclass(frozen=True, eq=False)
class Loaded:
    """A network ready to be asked, and what its file says.

    Attributes:
        name: which network of the family.
        classes: that it tells apart, in the order of its labels from 1.
        settings: those it was made with.
        occlusion: how its word on occlusion is calibrated; None where it never was.
        metadata: all of the file's.
    """

    name: str
    network: AmodalNetwork
    classes: tuple[str, ...]
    settings: Any
    occlusion: Occlusion | None
    metadata: Mapping[str, Any]


def read_member(path: str | os.PathLike[str], name: str | None = None) -> Loaded:
    """The network of a model file made by `amodal train`.

    `name`: the network that it has to be; None for any of the family.

    Raises:
        InputError: no such file, truncated, another network, settings or weights that do not fit.
    """
    if name is None:
        name = name_in(path)
        if name not in FAMILY:
            expected = f"expected one of the amodal networks: {', '.join(FAMILY)}"
            raise InputError(os.fspath(path), "name", f"is {name!r}", expected)
    file = read_network(path, name)
    where = os.fspath(path)
    kind: Member = member(name)
    classes = _classes(file.metadata.get("classes"), where)
    settings = settings_of(kind, file.metadata.get("settings"), where)
    network = kind.network(1 + len(classes), settings, pretrained=False)
    fill(network, file, path)
    said = file.metadata.get("occlusion")
    occlusion = None if said is None else Occlusion.from_json(said, where)
    return Loaded(name, cast(AmodalNetwork, network.eval()), classes, settings, occlusion, file.metadata)


def write_member(path: Path, loaded: Loaded, more: Mapping[str, Any]) -> None:
    """The same network again, its file saying more; in one step, so that a file is never half written."""
    write_network(path, cast(nn.Module, loaded.network), {**loaded.metadata, **more})


def _classes(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(label, str) for label in value):
        raise InputError(where, "classes", f"is {value!r}", "expected a list of names")
    return tuple(value)


def settings_of(kind: Member, value: Any, where: str) -> Any:
    """Settings as JSON keeps them: lists become tuples again, what is not said stays at its default."""
    if not isinstance(value, dict):
        raise InputError(where, "settings", f"is {value!r}", "expected an object")
    strange = sorted(value.keys() - {field.name for field in fields(cast(Any, kind.settings))})
    if strange:
        expected = f"expected settings of {kind.name}; train it again or use the matching release"
        raise InputError(where, f"settings: {strange[0]}", "is unknown", expected)
    try:
        return kind.settings(**{name: _tupled(item) for name, item in value.items()})
    except (TypeError, ValueError) as error:
        raise InputError(where, "settings", f"cannot be used ({error})", "expected usable ones") from error


def _tupled(value: Any) -> Any:
    return tuple(_tupled(item) for item in value) if isinstance(value, list) else value
