"""What several masks of one object say together: the pixels that most drew, and how far they agree."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from statistics import fmean

from amodal.masks import CropMask
from amodal.survey.voting import majority


def voted(masks: Sequence[CropMask]) -> CropMask:
    """The pixels that more than half of the masks have."""
    return majority(masks)


def agreement(masks: Sequence[CropMask]) -> float:
    """Mean IoU of every two masks; 1 where there is only one, and for two empty ones, which are equal."""
    if len(masks) < 2:
        return 1.0
    return fmean(_iou(one, other) for one, other in combinations(masks, 2))


def _iou(one: CropMask, other: CropMask) -> float:
    return 1.0 if one.is_empty and other.is_empty else one.iou(other)
