"""The models that come with the package: the compositional one, and the rivals it is compared with."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

EXPORT_HEAD = "export.json"
"""What makes a folder an exported model."""


def shipped(name: str) -> Path:
    """The file of a model in the package, by its name ("default", "mask-rcnn", "bbtp", "pcnet-m")."""
    return Path(__file__).parent / f"{name}.safetensors"


def file_of(model: str | os.PathLike[str]) -> Path:
    """The shipped compositional model for "default", else the file itself."""
    return shipped("default") if os.fspath(model) == "default" else Path(model)


def telling_file(model: str | os.PathLike[str]) -> Path:
    """The file whose content changes whenever the model does: its own, or the head of an exported folder."""
    return Path(model) / EXPORT_HEAD if is_exported(model) else file_of(model)


def has_extension(model: str | os.PathLike[str], name: str) -> bool:
    """Whether a compositional model's file says that it carries this; False for what is no such file."""
    return name in _head(model).get("extensions", {})


def backbone_of(model: str | os.PathLike[str]) -> str | None:
    """The backbone that a compositional model's file names; None for what is no such file."""
    name = _head(model).get("backbone")
    return name if isinstance(name, str) else None


def _head(model: str | os.PathLike[str]) -> dict[str, Any]:
    """What a compositional model's file says of itself; nothing for what is no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file_of(model), framework="np") as file:
            head = json.loads((file.metadata() or {}).get("model", "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        return {}
    return head if isinstance(head, dict) else {}


def is_exported(model: str | os.PathLike[str]) -> bool:
    """Whether this is a folder of `amodal export`."""
    return (Path(model) / EXPORT_HEAD).is_file()


def exported_methods(folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """The methods that such a folder says it serves, the best one first; what is garbled its loading will refuse."""
    try:
        methods = json.loads((Path(folder) / EXPORT_HEAD).read_bytes())["methods"]
        return tuple(str(name) for name in methods) or ("student",)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return ("student",)
