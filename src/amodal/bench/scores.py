"""Metrics on 200 photos with 2,400 objects, made up."""

from __future__ import annotations

from amodal.bench.made_scenes import make_scenes
from amodal.bench.timing import Measurement, taken_in_turns
from amodal.data.truth import Truth
from amodal.evaluation.ap import average_precision
from amodal.evaluation.masks import mask_scores
from amodal.evaluation.order import order_scores

PHOTOS, OBJECTS = 200, 2_400
_NAME = "scores"


def measure(_model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds."""
    true, predictions = make_scenes(PHOTOS, OBJECTS)
    truths = [Truth(scene, None, frozenset({"modal", "amodal", "order", "boxes"})) for scene in true]
    calls = {
        "AP of boxes, whole and visible masks": lambda: average_precision(truths, predictions),
        "mean IoU by level": lambda: mask_scores(truths, predictions, boundary_px=None).by_level("modal"),
        "mean IoU by level and boundary F": lambda: mask_scores(truths, predictions),
        "order": lambda: order_scores(truths, predictions, 0.05),
    }
    taken = taken_in_turns(calls, seconds)
    return [
        Measurement.of(_NAME, what, [OBJECTS / one for one in values], "objects/s", "more", digits=0)
        for what, values in taken.items()
    ]
