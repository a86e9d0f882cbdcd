"""The models that come with the package: the compositional one, and the rivals it is compared with."""

from __future__ import annotations

import json
import os
from pathlib import Path


def shipped(name: str) -> Path:
    """The file of a model in the package, by its name ("default", "mask-rcnn", "bbtp", "pcnet-m")."""
    return Path(__file__).parent / f"{name}.safetensors"


def file_of(model: str | os.PathLike[str]) -> Path:
    """The shipped compositional model for "default", else the file itself."""
    return shipped("default") if os.fspath(model) == "default" else Path(model)


def has_extension(model: str | os.PathLike[str], name: str) -> bool:
    """Whether a compositional model's file says that it carries this; False for what is no such file."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file_of(model), framework="np") as file:
            head = json.loads((file.metadata() or {}).get("model", "{}"))
    except (SafetensorError, OSError, ValueError, RecursionError):
        return False
    return isinstance(head, dict) and name in head.get("extensions", {})
