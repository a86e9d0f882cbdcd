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
from amodal.methods.assembly import Assembly, Given, Reasoner, jointly, scene_of_maps
from amodal.methods.compnet import alone
from amodal.methods.compositional import read_model
from amodal.methods.given import ALL_CUES, Refine, cues_of, read_input, refinement_of
from amodal.methods.looking import look
from amodal.reasoning import PairOrder
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo
from amodal.student.box_completer import BoxCompleter, completer_in
from amodal.student.model import Student, student_in


def load(
    model: str | os.PathLike[str] = "default",
    *,
    refine: Refine = "none",
    order_cues: str = ALL_CUES,
    geometry: bool = True,
    keep_posteriors: bool = False,
) -> StudentSegmenter:
    """The student with joint reasoning; the default method of a model that has a student.

    Args:
        model: "default" or a model file made by `amodal learn --student`.
        refine: image-guided refinement of each object's maps; the student follows edges by itself.
        order_cues: what speaks of who is in front, of appearance, geometry and class, separated by commas.
        geometry: False leaves geometry out, whatever `order_cues` names.
        keep_posteriors: store every object's posterior maps in the scene.

    Raises:
        InputError: the model has no student.
    """
    pair_order = PairOrder.of(cues_of(order_cues, geometry), "student")
    compnet, student, completer, name = _read(model)
    return StudentSegmenter(
        "student",
        compnet,
        student,
        name,
        jointly,
        pair_order=pair_order,
        refinement=refinement_of(refine),
        keep_posteriors=keep_posteriors,
        completer=completer,
    )


def load_alone(
    model: str | os.PathLike[str] = "default", *, refine: Refine = "none", keep_posteriors: bool = False
) -> StudentSegmenter:
    """What the student says of each object by itself: no order, and two objects may claim a pixel."""
    compnet, student, completer, name = _read(model)
    return StudentSegmenter(
        "student-alone",
        compnet,
        student,
        name,
        alone,
        exclusive=False,
        refinement=refinement_of(refine),
        keep_posteriors=keep_posteriors,
        completer=completer,
    )


@dataclass(frozen=True)
class StudentSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; one backbone pass per object.

    Visible boxes are completed first, where there is a `completer`, at the cost of another pass: the scene's boxes then
    are the predicted whole ones, each object remembers the given one (`Instance.visible_box`) and is seen nowhere else.
    """

    name: str
    model: CompNet
    student: Student
    model_name: str
    reasoner: Reasoner
    exclusive: bool = True
    pair_order: PairOrder | None = None
    refinement: Refinement | None = None
    keep_posteriors: bool = False
    completer: BoxCompleter | None = None

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
        visible: Sequence[np.ndarray | None] = [None] * len(photos)
        if boxes_are == "visible" and self.completer is not None:
            visible, boxes_are = given.boxes, "amodal"
            given = given._replace(boxes=self.completer.whole_boxes(self.model, *given))
        seen = look(self.model, *given, finer=self.student.finer)
        maps = self.student.posteriors(self.model, seen)
        return [
            scene_of_maps(self._assembly, Given(photo, picture, names, boxes_are, parts), items, own, self.refinement)
            for photo, picture, items, own, names, parts in zip(
                photos, given.pictures, seen, maps, given.labels, visible, strict=True
            )
        ]

    @property
    def _assembly(self) -> Assembly:
        more = (self.exclusive, self.pair_order, self.keep_posteriors)
        return Assembly(self.name, self.model_name, self.labels, AGNOSTIC, self.reasoner, *more)


def _read(model: str | os.PathLike[str]) -> tuple[CompNet, Student, BoxCompleter | None, str]:
    compnet, name = read_model(model)
    student = student_in(compnet)
    if student is None:
        expected = "expected a model of `amodal learn --student`; this one serves method orm"
        raise InputError(os.fspath(model), "student", "the model has none", expected)
    return compnet, student, completer_in(compnet), name
