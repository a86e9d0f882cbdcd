from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from amodal.evaluation.report import Report, evaluate
from amodal.scene import Scene
from helpers.generated_scenes import generated


def report(knows: set[str], predictions: list[Scene] | None = None) -> Report:
    truths, found = generated(8, 5, np.random.default_rng(0))
    known = [replace(truth, knows=frozenset(knows)) for truth in truths]
    return evaluate(known, found if predictions is None else predictions, draws=50)


@pytest.mark.parametrize(
    ("knows", "masks", "precision", "order"),
    [
        ({"modal", "amodal", "order", "boxes"}, 5, {"det", "amodal", "inmodal"}, True),
        ({"modal", "boxes"}, 2, {"det", "inmodal"}, False),
        ({"order", "boxes"}, 0, {"det"}, True),
    ],
)
def test_a_report_holds_what_truth_allows(knows: set[str], masks: int, precision: set[str], order: bool) -> None:
    found = report(knows)
    assert (len(found.masks), set(found.precision), bool(found.order)) == (masks, precision, order)
    assert set(found.order) == ({"prediction", "lower edge", "larger"} if order else set())
    assert "photos" in found.text()


@pytest.mark.parametrize("knows", [{"modal", "amodal", "order", "boxes"}, {"modal", "boxes"}, {"order", "boxes"}])
def test_a_report_is_valid_json_even_without_predictions(knows: set[str]) -> None:
    for found in (report(knows), report(knows, [])):
        assert json.loads(json.dumps(found.to_json(), allow_nan=False)) == found.to_json()
        assert found.text()


def test_missing_photos_are_listed() -> None:
    assert len(report({"modal", "boxes"}, []).missing) == 8


def test_progress_is_told() -> None:
    truths, found = generated(3, 3, np.random.default_rng(1))
    told: list[tuple[str, int, int]] = []
    evaluate(truths, found, draws=10, progress=lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2]
