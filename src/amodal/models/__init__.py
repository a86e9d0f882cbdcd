"""The models that come with the package: the compositional one, and the rivals it is compared with."""

from __future__ import annotations

from pathlib import Path


def shipped(name: str) -> Path:
    """The file of a model in the package, by its name ("default", "mask-rcnn", "bbtp", "pcnet-m")."""
    return Path(__file__).parent / f"{name}.safetensors"
