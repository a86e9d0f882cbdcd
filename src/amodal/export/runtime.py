"""Methods `student` and `orm` on an exported model: graphs for the networks, numpy for the rest, no torch at all."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool
from numpy.typing import ArrayLike

from amodal.compnet.refine import Refinement
from amodal.errors import InputError
from amodal.export.folder import read_export
from amodal.export.looking import Looker, Seen
from amodal.features.lattice import XYXY, as_xyxy
from amodal.methods.given import ALL_CUES, Refine, cues_of, read_input, refinement_of
from amodal.methods.pixels import evidence_from, seen_within
from amodal.methods.scenes import Named, Signed, named_label, scene_of, warnings_of
from amodal.reasoning import Evidence, PairOrder, joint
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

    def _signed(self, method: str, given: Sequence[str | None], boxes_are: BoxKind) -> Signed:
        return Signed(method, self.looker.model.name, boxes_are, True, warnings_of(given, self.labels))

    def _names(self, seen: Sequence[Seen], given: Sequence[str | None]) -> list[str]:
        return [named_label(one.label, name, self.looker.agnostic) for one, name in zip(seen, given, strict=True)]


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
        return [
            self._scene(photo, picture, items, own, names, parts, boxes_are)
            for photo, picture, items, own, names, parts in zip(
                photos, given.pictures, seen, maps, given.labels, visible, strict=True
            )
        ]

    def _scene(
        self,
        photo: Photo,
        picture: np.ndarray,
        seen: Sequence[Seen],
        maps: Sequence[np.ndarray],
        given: Sequence[str | None],
        visible: np.ndarray | None,
        boxes_are: BoxKind,
    ) -> Scene:
        evidences = [
            evidence_from(own, one.lattice, picture, self.refinement) for one, own in zip(seen, maps, strict=True)
        ]
        boxes = [one.lattice.box for one in seen]
        metas: list[dict[str, XYXY]] = [{} for _ in seen]
        if visible is not None:
            boxes = [as_xyxy(box) for box in visible]
            evidences = [seen_within(evidence, part) for evidence, part in zip(evidences, boxes, strict=True)]
            metas = [{"visible_box": part} for part in boxes]
        names = self._names(seen, given)
        believed = self.pair_order.between(boxes, names, picture.shape[0])
        reasoning = joint.reason(evidences, pair_log_odds=believed)
        objects = [
            Named(name, one.score, one.lattice.box, meta) for one, name, meta in zip(seen, names, metas, strict=True)
        ]
        signed, size = self._signed(self.name, given, boxes_are), (picture.shape[0], picture.shape[1])
        return scene_of(photo, size, objects, evidences, reasoning, signed, keep_posteriors=self.keep_posteriors)


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
            self._scene(photo, picture, found, names, boxes_are)
            for photo, picture, found, names in zip(photos, given.pictures, seen, given.labels, strict=True)
        ]

    def _scene(
        self,
        photo: Photo,
        picture: np.ndarray,
        seen: Sequence[Seen],
        given: Sequence[str | None],
        boxes_are: BoxKind,
    ) -> Scene:
        size = (picture.shape[0], picture.shape[1])
        evidences = [self._evidence(one, picture) for one in seen]
        # What an object was taken for, and the evidence that follows: the reasoner may turn a correction down.
        readings = {(n, one.label, one.mixture): (evidences[n], one) for n, one in enumerate(seen)}

        def rescore(index: int, visible: Bool[np.ndarray, "h w"]) -> Evidence:
            found = self.looker.look_again(seen[index], visible, size)
            reading = (index, found.label, found.mixture)
            if reading not in readings:
                readings[reading] = self._evidence(found, picture), found
            return readings[reading][0]

        believed = self.pair_order.between([one.lattice.box for one in seen], self._names(seen, given), size[0])
        reasoning = joint.reason(evidences, rescore=rescore, rounds=self.rounds, pair_log_odds=believed)
        taken_for = {id(evidence): one for evidence, one in readings.values()}
        final = [taken_for[id(evidence)] for evidence in reasoning.evidences]
        objects = [
            Named(name, one.score, one.lattice.box, {"mixture": one.mixture})
            for one, name in zip(final, self._names(final, given), strict=True)
        ]
        signed = self._signed(self.name, given, boxes_are)
        return scene_of(photo, size, objects, evidences, reasoning, signed, keep_posteriors=self.keep_posteriors)

    def _evidence(self, seen: Seen, picture: np.ndarray) -> Evidence:
        return evidence_from(self.looker.cell_posteriors(seen), seen.lattice, picture, self.refinement)


def _looker(model: str | os.PathLike[str], method: str, threads: int | None) -> Looker:
    if threads is not None and threads < 1:
        raise InputError("load", "threads", f"found {threads}", "expected 1 or more")
    exported = read_export(model)
    exported.method(method)
    return Looker(exported, threads)
