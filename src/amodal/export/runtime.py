"""Methods `student` and `orm` on an exported model: graphs for the networks, numpy for the rest, no torch at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool
from numpy.typing import ArrayLike

from amodal.compnet.refine import Refinement
from amodal.errors import InputError
from amodal.export.folder import read_export
from amodal.export.looking import Looker, Seen
from amodal.methods.assembly import Assembly, Given, Reasoner, jointly, scene_of_maps, scene_of_readings
from amodal.methods.given import ALL_CUES, Refine, cues_of, read_input, refinement_of
from amodal.methods.pixels import evidence_from
from amodal.reasoning import Evidence, PairOrder
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo


def load_student(
    model: str | os.PathLike[str],
    *,
    refine: Refine = "none",
    order_cues: str = ALL_CUES,
    geometry: bool = True,
    keep_posteriors: bool = False,
    threads: int | None = None,
) -> ExportedStudent:
    """The default method of an exported folder; settings as in `student/segmenter.py`.

    `threads`: of the engine; None for OMP_NUM_THREADS where that is set, else as many as it likes.
    """
    pair_order = PairOrder.of(cues_of(order_cues, geometry), "student")
    return ExportedStudent(_looker(model, "student", threads), pair_order, refinement_of(refine), keep_posteriors)


def load_orm(
    model: str | os.PathLike[str],
    *,
    refine: Refine = "grabcut",
    rounds: int = 2,
    order_cues: str = ALL_CUES,
    geometry: bool = True,
    keep_posteriors: bool = False,
    threads: int | None = None,
) -> ExportedOrm:
    """The compositional model of an exported folder; settings as in `methods/orm.py`, `threads` as above."""
    pair_order = PairOrder.of(cues_of(order_cues, geometry), "compositional")
    looker = _looker(model, "orm", threads)
    return ExportedOrm(looker, pair_order, refinement_of(refine), keep_posteriors, rounds)


@dataclass(frozen=True)
class _Exported(OnePhoto):
    """What the two methods have in common."""

    looker: Looker
    pair_order: PairOrder
    refinement: Refinement | None = None
    keep_posteriors: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes the model tells apart."""
        return self.looker.labels

    def _assembly(self, method: str, reasoner: Reasoner) -> Assembly:
        signed = (method, self.looker.model.name, self.labels, self.looker.agnostic)
        return Assembly(*signed, reasoner, True, self.pair_order, self.keep_posteriors)


@dataclass(frozen=True)
class ExportedStudent(_Exported):
    """Photos and boxes in, scenes out, as `StudentSegmenter`."""

    name: str = "student"

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
        if boxes_are == "visible" and self.looker.completes:
            visible, boxes_are = given.boxes, "amodal"
            given = given._replace(boxes=self.looker.whole_boxes(*given))
        seen = self.looker.look(*given)
        maps = self.looker.student_posteriors(seen)
        assembly = self._assembly(self.name, jointly)
        return [
            scene_of_maps(assembly, Given(photo, picture, names, boxes_are, parts), items, own, self.refinement)
            for photo, picture, items, own, names, parts in zip(
                photos, given.pictures, seen, maps, given.labels, visible, strict=True
            )
        ]


@dataclass(frozen=True)
class ExportedOrm(_Exported):
    """Photos and boxes in, scenes out, as `CompositionalSegmenter` under method orm."""

    rounds: int = 2
    name: str = "orm"

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
        seen = self.looker.look(*given)
        return [
            self._scene(Given(photo, picture, names, boxes_are), found)
            for photo, picture, found, names in zip(photos, given.pictures, seen, given.labels, strict=True)
        ]

    def _scene(self, given: Given, seen: Sequence[Seen]) -> Scene:
        def evidence(one: Seen) -> Evidence:
            return evidence_from(self.looker.cell_posteriors(one), one.lattice, given.picture, self.refinement)

        def again(one: Seen, visible: Bool[np.ndarray, "h w"]) -> Seen:
            return self.looker.look_again(one, visible, given.size)

        assembly = self._assembly(self.name, partial(jointly, rounds=self.rounds))
        return scene_of_readings(assembly, given, seen, evidence, again)


def _looker(model: str | os.PathLike[str], method: str, threads: int | None) -> Looker:
    if threads is not None and threads < 1:
        raise InputError("load", "threads", f"found {threads}", "expected 1 or more")
    exported = read_export(model)
    exported.method(method)
    return Looker(exported, threads)
