"""The segmenter built on the compositional model; methods differ only in how objects are reasoned about together."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, UInt8
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC, CompNet, load_model
from amodal.compnet.refine import Refinement
from amodal.methods.given import read_input
from amodal.methods.looking import Seen, evidence_of, look, look_again
from amodal.methods.scenes import Named, Signed, named_label, scene_of, warnings_of
from amodal.models import file_of
from amodal.reasoning import Evidence, PairGeometry, PairOrder, Reasoning
from amodal.reasoning.evidence import PairLogOdds, Rescore
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo

Reasoner = Callable[[Sequence[Evidence], Rescore | None, PairLogOdds | None], Reasoning]
"""Evidence of every object, a call that re-scores one, what is known of pairs: masks and order."""


@dataclass(frozen=True)
class CompositionalSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; one backbone pass per object, whatever the reasoning.

    `exclusive`: the reasoner gives every pixel at most one owner. `pair_order`: what speaks of each
    pair's order, or None.
    `absolute`: the reasoner compares maps of different objects (see `evidence_of`).
    `keep_posteriors`: store every object's posterior maps (for pictures and calibration; costs time and memory).
    """

    name: str
    model: CompNet
    model_name: str
    reasoner: Reasoner
    exclusive: bool = True
    pair_order: PairOrder | PairGeometry | None = None
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
        names = [named_label(item.label, name, AGNOSTIC) for item, name in zip(seen, given, strict=True)]
        believed = self.pair_order.between(boxes, names, height) if self.pair_order is not None else None
        reasoning = self.reasoner(evidences, rescore, believed)
        taken_for = {id(evidence): item for evidence, item in readings.values()}
        final = [taken_for[id(evidence)] for evidence in reasoning.evidences]
        objects = [
            Named(named_label(item.label, name, AGNOSTIC), item.score, item.lattice.box, {"mixture": item.mixture})
            for item, name in zip(final, given, strict=True)
        ]
        warnings = warnings_of(given, self.labels)
        signed = Signed(self.name, self.model_name, boxes_are, self.exclusive, warnings)
        size = (height, width)
        return scene_of(photo, size, objects, evidences, reasoning, signed, keep_posteriors=self.keep_posteriors)


def read_model(model: str | os.PathLike[str]) -> tuple[CompNet, str]:
    """The shipped model by the name "default", else a model file; and the name results are signed with."""
    path = file_of(model)
    return load_model(path), path.stem  # the shipped one is called default
