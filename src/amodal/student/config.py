"""How a student is taught: settings alone, light to import."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from amodal.errors import InputError

WIDTHS = (96, 64, 32)
"""Channels of the head at strides 16, 8 and 4."""


@dataclass(frozen=True)
class Inputs:
    """Which hints the student is given; what is left out is zero, in learning and afterwards."""

    maps: bool = True
    """The compositional model's own three maps."""
    others: bool = True
    """Boxes of other objects, and what the compositional model thinks is theirs."""
    label: bool = True
    """The class."""


@dataclass(frozen=True)
class StudentConfig:
    """How a student is taught; the defaults made the shipped one."""

    steps: int = 2000
    """Steps of descent."""
    batch: int = 4
    """Pictures per step, of two or three objects each."""
    rate: float = 2e-3
    """Highest learning rate."""
    teacher: Literal["grabcut", "guided", "none"] = "grabcut"
    """Image-guided refinement of the masks it is taught."""
    inputs: Inputs = field(default_factory=Inputs)
    """What it is told beside the photo."""
    least_tightness: float = 0.9
    """A mask of the teacher is cut out to be pasted only if its own box covers so much of the object's box,"""
    least_sureness: float = 0.5
    """and if its pixels are so sure, mean |2p - 1| over the box."""
    widths: tuple[int, ...] = WIDTHS
    """Channels of its head at strides 16, 8, 4, 2: the last says how fine its maps are."""
    calibration_lessons: int = 32
    """Fresh pictures on which the temperature of its probabilities is found."""
    box_steps: int = 800
    """Steps of descent of the network that finds whole boxes from visible ones; 0 leaves it out."""

    def __post_init__(self) -> None:
        """Refuse what cannot be before anything is read."""
        for name in ("steps", "batch", "calibration_lessons"):
            if getattr(self, name) < 1:
                raise InputError("learn", f"student.{name}", f"is {getattr(self, name)}", "expected at least 1")
        if self.box_steps < 0:
            raise InputError("learn", "student.box-steps", f"is {self.box_steps}", "expected 0 or more")
        if not 1 <= len(self.widths) <= 4 or any(width < 8 or width % 8 for width in self.widths):
            raise InputError("learn", "student.widths", f"is {self.widths}", "expected up to four multiples of 8")
