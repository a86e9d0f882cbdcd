"""What a method is given, checked and decoded; and the settings that several methods share. No torch is needed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import ArrayLike

from amodal.compnet.refine import REFINEMENTS, Refinement
from amodal.data.checks import check_boxes
from amodal.errors import InputError
from amodal.images import pixels_of
from amodal.reasoning.pair_order import CUES, Cue
from amodal.scene import BoxKind
from amodal.segmenter import Photo

Refine = Literal["none", "guided", "grabcut"]

ALL_CUES = ",".join(CUES)


class SegmenterInput(NamedTuple):
    """What a method was given, checked: decoded photos, boxes [n, 4] of each, a label or None for each box."""

    pictures: list[UInt8[np.ndarray, "h w 3"]]
    boxes: list[Float[np.ndarray, "n 4"]]
    labels: list[Sequence[str | None]]


def read_input(
    photos: Sequence[Photo],
    boxes: Sequence[ArrayLike],
    labels: Sequence[Sequence[str | None] | None] | None,
    boxes_are: BoxKind,
) -> SegmenterInput:
    """Decode and check what `segment_batch` was given; raises `InputError` for what cannot be used."""
    if len(boxes) != len(photos):
        raise InputError("segment", "boxes", f"are for {len(boxes)} photos", f"expected {len(photos)}")
    if boxes_are not in get_args(BoxKind):
        raise InputError("segment", "boxes_are", f"found {boxes_are!r}", "expected 'amodal' or 'visible'")
    pictures = [pixels_of(photo, "segment") for photo in photos]
    arrays = [_boxes(rows, picture) for rows, picture in zip(boxes, pictures, strict=True)]
    return SegmenterInput(pictures, arrays, _labels(labels, arrays))


def refinement_of(name: str) -> Refinement | None:
    """The refinement of that name, None for "none"."""
    if name != "none" and name not in REFINEMENTS:
        known = ", ".join(["none", *REFINEMENTS])
        raise InputError("load", "refine", f"found {name!r}", f"expected one of {known}")
    return REFINEMENTS.get(name)


def cues_of(order_cues: str, geometry: bool = True) -> tuple[Cue, ...]:
    """The cues that a setting names, "none" for none of them; raises `InputError` for others.

    They are separated by commas, or by + in a comparison's methods, where a comma ends a setting.
    """
    named = [name.strip() for name in order_cues.replace("+", ",").split(",")] if order_cues != "none" else []
    for name in named:
        if name not in CUES:
            raise InputError("load", "order_cues", f"found {name!r}", f"expected some of {', '.join(CUES)}, or none")
    return tuple(cue for cue in CUES if cue in named and (geometry or cue != "geometry"))


def _boxes(rows: ArrayLike, picture: np.ndarray) -> Float[np.ndarray, "n 4"]:
    return check_boxes(rows, picture.shape[1], picture.shape[0], "segment")


def _labels(
    labels: Sequence[Sequence[str | None] | None] | None, boxes: Sequence[np.ndarray]
) -> list[Sequence[str | None]]:
    given: Sequence[Sequence[str | None] | None] = [None] * len(boxes) if labels is None else labels
    if len(given) != len(boxes):
        raise InputError("segment", "labels", f"are for {len(given)} photos", f"expected {len(boxes)}")
    names: list[Sequence[str | None]] = []
    for own, rows in zip(given, boxes, strict=True):
        if own is not None and len(own) != len(rows):
            raise InputError("segment", "labels", f"are {len(own)} for {len(rows)} boxes", "expected one per box")
        names.append([None] * len(rows) if own is None else own)
    return names
