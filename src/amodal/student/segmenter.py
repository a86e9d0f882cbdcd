"""Methods `student` and `student-alone`: the student's maps of every object, with and without joint reasoning."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.refine import Refinement
from amodal.errors import InputError
from amodal.methods.compnet import alone
from amodal.methods.compositional import Reasoner, Refine, read_input, read_model, refinement_of
from amodal.methods.looking import Seen, evidence_from, look
from amodal.methods.scenes import Named, Signed, named_label, scene_of, warnings_of
from amodal.reasoning import Evidence, PairGeometry, Reasoning, joint
from amodal.reasoning.evidence import PairLogOdds, Rescore
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo
from amodal.student.model import Student, student_in


def load(
    model: str | os.PathLike[str] = "default",
    *,
    refine: Refine = "none",
    geometry: bool = True,
    keep_posteriors: bool = False,
) -> StudentSegmenter:
    """The student with joint reasoning; the default method of a model that has a student.

    Args:
        model: "default" or a model file made by `amodal learn --student`.
        refine: image-guided refinement of each object's maps; the student follows edges by itself.
        geometry: let lower edges and sizes of boxes speak about the order, beside appearance.
        keep_posteriors: store every object's posterior maps in the scene.

    Raises:
        InputError: the model has no student.
    """
    compnet, student, name = _read(model)
    prior = PairGeometry() if geometry else None
    return StudentSegmenter(
        "student",
        compnet,
        student,
        name,
        _jointly,
        geometry=prior,
        refinement=refinement_of(refine),
        keep_posteriors=keep_posteriors,
    )


def load_alone(
    model: str | os.PathLike[str] = "default", *, refine: Refine = "none", keep_posteriors: bool = False
) -> StudentSegmenter:
    """What the student says of each object by itself: no order, and two objects may claim a pixel."""
    compnet, student, name = _read(model)
    return StudentSegmenter(
        "student-alone",
        compnet,
        student,
        name,
        alone,
        exclusive=False,
        refinement=refinement_of(refine),
        keep_posteriors=keep_posteriors,
    )


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
        seen = look(self.model, *given, finer=self.student.finer)
        maps = self.student.posteriors(self.model, seen)
        return [
            self._scene(photo, picture, items, own, names, boxes_are)
            for photo, picture, items, own, names in zip(photos, given.pictures, seen, maps, given.labels, strict=True)
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


def _read(model: str | os.PathLike[str]) -> tuple[CompNet, Student, str]:
    compnet, name = read_model(model)
    student = student_in(compnet)
    if student is None:
        expected = "expected a model of `amodal learn --student`; this one serves method orm"
        raise InputError(os.fspath(model), "student", "the model has none", expected)
    return compnet, student, name


def _jointly(evidences: Sequence[Evidence], rescore: Rescore | None, prior: PairLogOdds | None) -> Reasoning:
    return joint.reason(evidences, rescore=rescore, pair_log_odds=prior)
