"""Visible masks from whole ones and the order: an intersection belongs to the object of smaller number."""

from __future__ import annotations

from collections.abc import Mapping

from amodal.annotate.workflow.numbering import NO_MASKS, Numbering
from amodal.masks import CropMask


def visible(id: int, whole: Mapping[int, CropMask], numbers: Numbering) -> CropMask:
    """What is seen of an object: its whole mask less those of nearer objects, as far as they are known."""
    seen = whole[id]
    for front in numbers.nearer(id):
        if front in whole:
            seen = seen.subtract(whole[front])
    return seen


def all_visible(
    whole: Mapping[int, CropMask], numbers: Numbering, corrected: Mapping[int, CropMask] = NO_MASKS
) -> dict[int, CropMask]:
    """The same for every object that has a whole mask; what was corrected by hand stays, inside the whole mask."""
    return {
        id: corrected[id].intersection(mask) if id in corrected else visible(id, whole, numbers)
        for id, mask in whole.items()
    }
