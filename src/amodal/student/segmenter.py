"""Method `student`: the student's maps of every object, and joint reasoning about all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.refine import Refinement
from amodal.methods.compositional import Reasoner, read_input
from amodal.methods.looking import Seen, evidence_from, look
from amodal.methods.scenes import Named, Signed, named_label, scene_of, warnings_of
from amodal.reasoning import PairGeometry
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo
from amodal.student.model import Student


@dataclass(frozen=True)
class StudentSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; one backbone pass per object."""

    name: str
    model: CompNet
    student: Student
    model_name: str
    reasoner: Reasoner
    exclusive: bool = True
    geometry: PairGeometry | None = None
    refinement: Refinement | None = None
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
        seen = look(self.model, *given, finer=True)
        maps = self.student.posteriors(self.model, seen)
        return [
            self._scene(photo, picture, items, own, names, boxes_are)
            for photo, picture, items, own, names in zip(
                photos, given.pictures, seen, maps, given.labels, strict=True
            )
        ]

    def _scene(
        self,
        photo: Photo,
        picture: np.ndarray,
        seen: Sequence[Seen],
        maps: Sequence[np.ndarray],
        given: Sequence[str | None],
        boxes_are: BoxKind,
    ) -> Scene:
        evidences = [
            evidence_from(own, item.lattice, picture, self.refinement) for item, own in zip(seen, maps, strict=True)
        ]
        boxes = [item.lattice.box for item in seen]
        prior = self.geometry.between(boxes, picture.shape[0]) if self.geometry is not None else None
        reasoning = self.reasoner(evidences, None, prior)
        objects = [
            Named(named_label(item.label, name, AGNOSTIC), item.score, item.lattice.box)
            for item, name in zip(seen, given, strict=True)
        ]
        signed = Signed(self.name, self.model_name, boxes_are, self.exclusive, warnings_of(given, self.labels))
        size = picture.shape[:2]
        return scene_of(photo, size, objects, evidences, reasoning, signed, keep_posteriors=self.keep_posteriors)
