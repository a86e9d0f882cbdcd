"""One photo's truth in, what the statistics need of it out: a few numbers an object, so that masks can be let go."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from amodal import rle
from amodal.data.clusters import clusters, overlaps
from amodal.data.truth import Truth
from amodal.masks import IntBox
from amodal.scene import Instance
from amodal.survey.shapes import shape_of

OCCLUDED = 0.01
"""An object counts as occluded from this hidden share on, where level L1 begins: two masks of one object that went
different ways through polygons and run lengths differ by some pixels of their border."""


@dataclass(frozen=True)
class ObjectNumbers:
    """What is known of one object; None where the truth does not say it.

    Attributes:
        label: its class.
        occlusion: the hidden share.
        matches: how many whole masks overlap its own: KINS's match number.
        amodal, modal: (convexity, simplicity) of its masks; None for an empty one too.
    """

    label: str
    occlusion: float | None
    matches: int | None
    amodal: tuple[float, float] | None
    modal: tuple[float, float] | None

    @property
    def occluded(self) -> bool:
        """Whether `OCCLUDED` of it and more is hidden."""
        return self.occlusion is not None and self.occlusion >= OCCLUDED


@dataclass(frozen=True)
class PhotoNumbers:
    """One photo.

    Attributes:
        name: its file's name.
        pixels: its size.
        covered: pixels in at least one whole mask (visible masks where only those are known).
        objects: its objects.
        clusters: for every cluster of two objects and more: (its objects, how many of them are occluded).
        seen_boxes: tight boxes of visible masks.
        corners: of every outline that its file holds of a whole object.
    """

    name: str
    pixels: int
    covered: int | None
    objects: tuple[ObjectNumbers, ...]
    clusters: tuple[tuple[int, int], ...]
    seen_boxes: tuple[IntBox, ...] = ()
    corners: tuple[int, ...] = ()


def numbers_of(truth: Truth, outlines: Iterable[Any] = ()) -> PhotoNumbers:
    """Measure one photo; `hidden` objects of generated scenes are left out.

    `outlines`: whole masks as the file has them; what is no list of polygons counts for nothing.
    """
    scene, objects = truth.scene, truth.given
    whole, seen = "amodal" in truth.knows, "modal" in truth.knows
    shared = overlaps(objects) if whole else {}
    matches = dict.fromkeys((one.id for one in objects), 0)
    for pair in shared:
        for id in pair:
            matches[id] += 1
    numbers = {one.id: _object(one, matches, whole, seen) for one in objects}
    groups = [group for group in clusters(objects, shared) if len(group) > 1]
    covered = rle.union_of([one.amodal.intervals() for one in objects]) if whole or seen else None
    return PhotoNumbers(
        name=scene.image or "",
        pixels=scene.height * scene.width,
        covered=None if covered is None else int(np.sum(covered[1] - covered[0])),
        objects=tuple(numbers.values()),
        clusters=tuple((len(group), sum(numbers[id].occluded for id in group)) for group in groups),
        seen_boxes=tuple(one.modal.box for one in objects if seen and not one.modal.is_empty),
        corners=tuple(len(outline) // 2 for mask in outlines if isinstance(mask, list) for outline in _polygons(mask)),
    )


def _polygons(mask: list[Any]) -> list[Any]:
    """The outlines of a mask: a list of them, or in COCOA's own layout a single one; fragments are none."""
    listed = [mask] if mask and not isinstance(mask[0], list) else mask
    return [outline for outline in listed if isinstance(outline, list) and len(outline) >= 6]


def _object(one: Instance, matches: Mapping[int, int], whole: bool, seen: bool) -> ObjectNumbers:
    amodal = shape_of(one.amodal) if whole else None
    modal = None if not seen else amodal if whole and one.modal == one.amodal else shape_of(one.modal)
    return ObjectNumbers(
        label=one.label,
        occlusion=one.occlusion if whole and seen else None,
        matches=matches[one.id] if whole else None,
        amodal=None if amodal is None else (amodal.convexity, amodal.simplicity),
        modal=None if modal is None else (modal.convexity, modal.simplicity),
    )
