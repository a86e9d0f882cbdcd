"""A network of the family as a detector, for photos that come without boxes. What it boxes is the whole object."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from amodal.errors import InputError
from amodal.methods.detect import Detections, load_detector
from amodal.models import shipped
from amodal.networks.registry import FAMILY
from amodal.networks.segmenter import SHIPPED, FamilySegmenter, load_any
from amodal.scene import BoxKind
from amodal.training.files import name_in

# Photo and least score; the objects found, best first.
Finder = Callable[[UInt8[np.ndarray, "h w 3"], float], Detections]


@dataclass(frozen=True)
class FamilyDetector:
    """Finds the objects of a photo; each once, whatever its class."""

    network: FamilySegmenter
    boxes_are: BoxKind = "amodal"

    def __call__(self, photo: UInt8[np.ndarray, "h w 3"], least_score: float) -> Detections:
        """The objects of one photo whose score is at least `least_score`, best first."""
        found = replace(self.network, least_score=least_score).find(photo)
        return Detections(found.boxes, found.labels, found.scores)

    @property
    def said(self) -> str:
        """What it is, for people."""
        return f"{self.network.name} ({', '.join(self.network.labels)})"


def is_shipped() -> bool:
    """Whether the package has a detector of its own."""
    return shipped(SHIPPED).is_file()


def finder_named(name: str) -> tuple[Finder, BoxKind]:
    """The detector of that name, of the family or torchvision's; and what its boxes hold.

    Raises:
        InputError, AmodalError: there is none, or it cannot be loaded.
    """
    own = family_detector(name)
    return (load_detector(name), "visible") if own is None else (own, own.boxes_are)


def family_detector(name: str) -> FamilyDetector | None:
    """The shipped detector for "default", that of a model file of the family; None for what is neither.

    Raises:
        InputError: a file of the family that is not whole, or no detector in this package.
    """
    if name == "default":
        if not is_shipped():
            expected = "expected --boxes, or the name of a torchvision detector"
            raise InputError("--detector", "", "this package ships none", expected)
        return FamilyDetector(load_any("default", least_score=0.0))
    if not name.endswith(".safetensors") or "@" in name or not _is_of_family(name):
        return None
    return FamilyDetector(load_any(name, least_score=0.0))


def _is_of_family(path: str) -> bool:
    try:
        return name_in(path) in FAMILY
    except InputError:
        return False
