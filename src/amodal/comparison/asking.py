"""What a method is asked about a photo, in words it knows, and its answer in the words of the truth."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float64

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Scene

# Data sets call the same things by other names; the method is asked by the name it knows.
SAME_THING = {"pedestrian": "person", "person-sitting": "person", "van": "car"}
ANYTHING = "object"  # the one class of data sets that tell none apart


@dataclass(frozen=True)
class Asked:
    """Boxes [n, 4] XYXY, what they hold, and a label (or None) for each, of the objects with these ids."""

    ids: tuple[int, ...]
    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str | None, ...]
    boxes_are: BoxKind = "amodal"


def ask_of(
    truth: Truth, known: Collection[str], labels: Literal["given", "none"], *, visible_boxes: bool = False
) -> Asked:
    """The true boxes of a photo's objects, hidden ones left out, with their labels or without.

    `visible_boxes`: those of what is seen, where truth has boxes of whole objects; nobody is asked about what is not
    seen at all.

    Raises:
        InputError: truth knows neither visible boxes nor visible masks.
    """
    given, boxes_are = truth.given, truth.scene.boxes_are
    boxes = [one.box for one in given]
    if visible_boxes and boxes_are == "amodal":
        if "modal" not in truth.knows:
            found = "says nothing of what is visible"
            raise InputError(truth.scene.image or "a photo", "truth", found, "expected visible masks for boxes=visible")
        given, boxes_are = tuple(one for one in given if not one.modal.is_empty), "visible"
        boxes = [_four(np.array(one.modal.box)) for one in given]
    return Asked(
        ids=tuple(one.id for one in given),
        boxes=np.array(boxes, np.float64).reshape(-1, 4),
        labels=tuple(_known_as(one.label, known) if labels == "given" else None for one in given),
        boxes_are=boxes_are,
    )


def scene_as_asked(scene: Scene, truth: Truth, asked: Asked, *, trust_order: bool = False) -> Scene:
    """The method's answer with the truth's ids and names.

    An answer about the boxes that were asked about (all of them, in that order) gets the objects' own ids;
    what a method detected by itself keeps its numbers. A whole box that it predicted from a visible one stays its own.
    `trust_order`: answers are about the objects asked about whatever their boxes, for methods that were given masks in
    place of boxes.
    """
    answers, boxes_are = scene.instances, truth.scene.boxes_are
    if len(answers) == len(asked.ids) and (trust_order or _same_boxes(answers, asked)):
        ids = {answer.id: id for answer, id in zip(answers, asked.ids, strict=True)}
        words = {one.id: one.label for one in truth.given}
        instances = tuple(
            replace(
                answer,
                id=id,
                box=_four(box) if answer.visible_box is None else answer.box,
                label=words[id] if label is not None else _named(answer.label, truth),
            )
            for answer, id, box, label in zip(answers, asked.ids, asked.boxes, asked.labels, strict=True)
        )
        edges = [OrderEdge(ids[edge.front], ids[edge.behind], edge.probability) for edge in scene.order.edges]
        scene = replace(scene, order=OrderGraph(tuple(edges)))
        predicted = any(answer.visible_box is not None for answer in answers)
        boxes_are = scene.boxes_are if predicted else asked.boxes_are
    else:
        instances = tuple(replace(one, label=_named(one.label, truth)) for one in answers)
    return replace(scene, instances=instances, image=truth.scene.image, boxes_are=boxes_are)


def _known_as(label: str, known: Collection[str]) -> str:
    synonym = SAME_THING.get(label, label)
    return synonym if label not in known and synonym in known else label


def _named(label: str, truth: Truth) -> str:
    """A method's word in the truth's own; one it has no word for stays as it is."""
    words = truth.classes | {one.label for one in truth.scene.instances}
    if words == {ANYTHING}:
        return ANYTHING
    if label in words:
        return label
    return next((word for word in sorted(words) if SAME_THING.get(word) == label), label)


def _same_boxes(answers: Sequence[Instance], asked: Asked) -> bool:
    boxes = np.array([answer.visible_box or answer.box for answer in answers], np.float64).reshape(-1, 4)
    return bool(np.allclose(boxes, asked.boxes, rtol=0, atol=0.01))


def _four(box: np.ndarray) -> tuple[float, float, float, float]:
    x0, y0, x1, y1 = (float(value) for value in box)
    return x0, y0, x1, y1
