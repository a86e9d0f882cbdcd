"""Where the street data's outlines come from, as its README tells: which cars are drawn by hand, which completed."""

from __future__ import annotations

HAND_DRAWN = ("Side-view cars", "Cars and trucks", "DAVIS 2016", "Peruvian streets")
COMPLETED = "Car Parts"
"""Outlines of this source were completed by GrabCut, which flatters GrabCut and what learns from it."""


def group_of(label: str | None, source: str) -> str:
    """ "car, Car Parts" or "car, hand-drawn" or "car, other" of a car, else the label itself."""
    if label != "car":
        return str(label)
    if source.startswith(COMPLETED):
        return f"car, {COMPLETED}"
    return "car, hand-drawn" if source.startswith(HAND_DRAWN) else "car, other"
