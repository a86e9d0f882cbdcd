"""The segmenter built on the compositional model; methods differ only in how objects are reasoned about together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple, get_args

import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC, CompNet, load_model
from amodal.compnet.refine import REFINEMENTS, Refinement
from amodal.data.checks import check_boxes
from amodal.errors import InputError
from amodal.images import pixels_of
from amodal.masks import CropMask
from amodal.methods.looking import Seen, evidence_of, look, look_again
from amodal.models import shipped
from amodal.reasoning import Evidence, PairGeometry, Reasoning
from amodal.reasoning.evidence import PairLogOdds, Rescore
from amodal.reasoning.labels import posteriors
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Posterior, Scene
from amodal.segmenter import OnePhoto, Photo

Refine = Literal["none", "guided", "grabcut"]

Reasoner = Callable[[Sequence[Evidence], Rescore, PairLogOdds | None], Reasoning]
"""Evidence of every object, a call that re-scores one, a prior on pairs: masks and order."""


@dataclass(frozen=True)
class CompositionalSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; one backbone pass per object, whatever the reasoning.

    `exclusive`: the reasoner gives every pixel at most one owner. `geometry`: the prior on each pair's order, or None.
    `absolute`: the reasoner compares maps of different objects (see `evidence_of`).
    `keep_posteriors`: store every object's posterior maps (for pictures and calibration; costs time and memory).
    """

    name: str
    model: CompNet
    model_name: str
    reasoner: Reasoner
    exclusive: bool = True
    geometry: PairGeometry | None = None
    refinement: Refinement | None = None
    absolute: bool = False
    keep_posteriors: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes the model tells apart."""
        return self.model.labels

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; an object without a label is given the most likely class.

        Raises `InputError` for photos, boxes or labels that cannot be used.
        """
        given = read_input(photos, boxes, labels, boxes_are)
        seen = look(self.model, *given)
        return [
            self._scene(photo, picture, found, names, boxes_are)
            for photo, picture, found, names in zip(photos, given.pictures, seen, given.labels, strict=True)
        ]

    def _scene(
        self,
        photo: Photo,
        picture: UInt8[np.ndarray, "h w 3"],
        seen: Sequence[Seen],
        given: Sequence[str | None],
        boxes_are: BoxKind,
    ) -> Scene:
        height, width = picture.shape[:2]
        evidences = [evidence_of(self.model, item, picture, self.refinement, absolute=self.absolute) for item in seen]
        # What an object was taken for, and the evidence that follows: the reasoner may turn a correction down.
        readings = {(n, item.label, item.mixture): (evidences[n], item) for n, item in enumerate(seen)}

        def rescore(index: int, visible: Bool[np.ndarray, "h w"]) -> Evidence:
            found = look_again(seen[index], visible, (height, width))
            reading = (index, found.label, found.mixture)
            if reading not in readings:
                evidence = evidence_of(self.model, found, picture, self.refinement, absolute=self.absolute)
                readings[reading] = evidence, found
            return readings[reading][0]

        boxes = [item.lattice.box for item in seen]
        prior = self.geometry.between(boxes, height) if self.geometry is not None else None
        reasoning = self.reasoner(evidences, rescore, prior)
        taken_for = {id(evidence): item for evidence, item in readings.values()}
        maps = posteriors(reasoning.evidences, reasoning.order) if self.keep_posteriors else None
        instances = tuple(
            _instance(
                index,
                taken_for[id(reasoning.evidences[index])],
                given[index],
                evidences[index],
                reasoning,
                None if maps is None else maps[index],
                (height, width),
            )
            for index in range(len(seen))
        )
        return Scene(
            height=height,
            width=width,
            instances=instances,
            order=OrderGraph(tuple(OrderEdge(a, b, p) for a, b, p in reasoning.edges)),
            boxes_are=boxes_are,
            image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
            method=self.name,
            model=self.model_name,
            exclusive=self.exclusive,
            warnings=_warnings(given, self.labels),
        )


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


def read_model(model: str | os.PathLike[str]) -> tuple[CompNet, str]:
    """The shipped model by the name "default", else a model file; and the name results are signed with."""
    if os.fspath(model) == "default":
        return load_model(shipped("default")), "default"
    return load_model(Path(model)), Path(model).stem


def refinement_of(name: str) -> Refinement | None:
    """The refinement of that name, None for "none"."""
    if name != "none" and name not in REFINEMENTS:
        known = ", ".join(["none", *REFINEMENTS])
        raise InputError("load", "refine", f"found {name!r}", f"expected one of {known}")
    return REFINEMENTS.get(name)


def _instance(
    index: int,
    seen: Seen,
    given: str | None,
    before: Evidence,
    reasoning: Reasoning,
    maps: Float32[np.ndarray, "3 h w"] | None,
    photo_size: tuple[int, int],
) -> Instance:
    height, width = photo_size
    x0, y0, _, _ = before.window
    claimed = before.gain > 0  # visible is the best of the three
    return Instance(
        id=index,
        label=given if seen.label == AGNOSTIC and given is not None else seen.label,
        box=seen.lattice.box,
        score=seen.score,
        modal=CropMask.from_crop(reasoning.modal[index], x0, y0, height, width),
        amodal=CropMask.from_crop(reasoning.amodal[index], x0, y0, height, width),
        posterior=None if maps is None else Posterior(before.window, maps),
        claimed=CropMask.from_crop(claimed, x0, y0, height, width),
        meta={"mixture": seen.mixture},
    )


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


def _warnings(given: Sequence[str | None], known: Sequence[str]) -> tuple[str, ...]:
    strange = sorted({label for label in given if label is not None and label not in known})
    return tuple(
        f"label {label!r} is not one of the model's ({', '.join(known)}): the class-agnostic model was used"
        for label in strange
    )
