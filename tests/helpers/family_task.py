"""A small untrained network of the family as a task, on pictures of one size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from amodal.networks.plans import Choices, family_task
from amodal.networks.task import FamilyTask

NAME = "amodal-mask-rcnn"
SMALL = ("shortest_px=64", "longest_px=128", "channels=16", "box_features=32", "proposals=16", "foreground=4")


def task_on(kins: Path, start: Path | None = None, settings: tuple[str, ...] = SMALL) -> FamilyTask:
    """Untrained and unvaried: pictures of one size, so that padding is the same in every batch."""
    made = family_task(NAME, Choices((kins,), settings=settings, start=start))
    return replace(made, pretrained=False, varied=False)
