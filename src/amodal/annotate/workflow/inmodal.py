"""Visible masks from whole ones and the order: an intersection belongs to the object of smaller number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from amodal import rle
from amodal.annotate.workflow.numbering import NO_MASKS, Numbering
from amodal.masks import CropMask


@dataclass(frozen=True)
class Whole:
    """The whole masks of a photo as far as they are known, by object.

    The intervals of each are made once: in a cluster of 200 objects every mask meets many others.
    """

    masks: Mapping[int, CropMask]
    _intervals: dict[int, rle.Intervals] = field(default_factory=dict)

    def visible(self, id: int, numbers: Numbering, mask: CropMask | None = None) -> CropMask:
        """What is seen of an object: its whole mask (or `mask` in its place) less those of nearer objects."""
        whole = self.masks[id] if mask is None else mask
        fronts = [one for one in numbers.nearer(id) if one in self.masks and _boxes_meet(whole, self.masks[one])]
        if not fronts:
            return whole
        hidden = rle.union_of([self._intervals_of(one) for one in fronts])
        seen = rle.combine(whole.intervals(), hidden, rle.DIFFERENCE)
        return CropMask.from_intervals(seen, whole.height, whole.width)

    def _intervals_of(self, id: int) -> rle.Intervals:
        if id not in self._intervals:
            self._intervals[id] = self.masks[id].intervals()
        return self._intervals[id]


def all_visible(
    whole: Mapping[int, CropMask], numbers: Numbering, corrected: Mapping[int, CropMask] = NO_MASKS
) -> dict[int, CropMask]:
    """The same for every object that has a whole mask; what was corrected by hand stays, inside the whole mask."""
    known = Whole(whole)
    return {
        id: corrected[id].intersection(mask) if id in corrected else known.visible(id, numbers)
        for id, mask in whole.items()
    }


def _boxes_meet(one: CropMask, other: CropMask) -> bool:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = one.box, other.box
    return max(ax0, bx0) < min(ax1, bx1) and max(ay0, by0) < min(ay1, by1)
