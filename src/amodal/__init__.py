"""Amodal instance segmentation that reasons about occlusion: photos and boxes in, scenes out.

Takes photos with boxes (`load(...).segment(photo, boxes)`); gives a `Scene`: for every object its class,
visible mask, whole mask and occluder mask, and who stands in front of whom. Importing this package loads
neither torch nor OpenCV: the names below are fetched when first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from amodal.errors import AmodalError, InputError
    from amodal.masks import CropMask
    from amodal.scene import Instance, OrderEdge, OrderGraph, Posterior, Scene
    from amodal.segmenter import Segmenter, load

    __version__: str

__all__ = [
    "AmodalError",
    "CropMask",
    "InputError",
    "Instance",
    "OrderEdge",
    "OrderGraph",
    "Posterior",
    "Scene",
    "Segmenter",
    "__version__",
    "load",
]

_HOMES = {
    "AmodalError": "amodal.errors",
    "CropMask": "amodal.masks",
    "InputError": "amodal.errors",
    "Instance": "amodal.scene",
    "OrderEdge": "amodal.scene",
    "OrderGraph": "amodal.scene",
    "Posterior": "amodal.scene",
    "Scene": "amodal.scene",
    "Segmenter": "amodal.segmenter",
    "load": "amodal.segmenter",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        value: Any = _installed_version()
    elif name in _HOMES:
        value = getattr(import_module(_HOMES[name]), name)
    else:
        raise AttributeError(f"module 'amodal' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def _installed_version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("amodal")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "0+unknown"
