"""The segmenter built on the compositional model; methods differ only in how objects are reasoned about together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC, CompNet, load_model
from amodal.compnet.refine import Refinement
from amodal.methods.assembly import Assembly, Given, Reasoner, scene_of_readings
from amodal.methods.given import read_input
from amodal.methods.looking import Seen, evidence_of, look, look_again
from amodal.models import file_of
from amodal.reasoning import Evidence, PairGeometry, PairOrder
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo


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
            self._scene(Given(photo, picture, names, boxes_are), found)
            for photo, picture, found, names in zip(photos, given.pictures, seen, given.labels, strict=True)
        ]

    def _scene(self, given: Given, seen: Sequence[Seen]) -> Scene:
        def evidence(one: Seen) -> Evidence:
            return evidence_of(self.model, one, given.picture, self.refinement, absolute=self.absolute)

        def again(one: Seen, visible: Bool[np.ndarray, "h w"]) -> Seen:
            return look_again(one, visible, given.size)

        return scene_of_readings(self._assembly, given, seen, evidence, again)

    @property
    def _assembly(self) -> Assembly:
        more = (self.exclusive, self.pair_order, self.keep_posteriors)
        return Assembly(self.name, self.model_name, self.labels, AGNOSTIC, self.reasoner, *more)


def read_model(model: str | os.PathLike[str]) -> tuple[CompNet, str]:
    """The shipped model by the name "default", else a model file; and the name results are signed with."""
    path = file_of(model)
    return load_model(path), path.stem  # the shipped one is called default
