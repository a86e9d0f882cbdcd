"""The page fills polygons and numbers objects by the server's rules: its unit tests read what the server says."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from amodal.annotate.workflow.numbering import numbering
from amodal.masks import CropMask

MODEL = Path(__file__).resolve().parents[2] / "web" / "src" / "model"
SAID_OF_PAIRS = ("equal numbers", "do not overlap")


def filled() -> list[dict[str, Any]]:
    """Random outlines, some beyond the photo, some crossing themselves, and their masks."""
    chance = np.random.default_rng(7)
    cases = []
    for number in range(60):
        height, width = (int(side) for side in chance.integers(1, 40, 2))
        corners = chance.uniform(-0.3, 1.3, (int(chance.integers(3, 9)), 2)) * (width, height)
        corners = np.round(corners * 2) / 2 if number % 3 == 0 else np.round(corners, 2)
        polygon = corners.ravel().tolist()
        mask = CropMask.from_polygons([polygon], height, width)
        cases.append({"polygon": polygon, "rle": mask.to_coco_rle()})
    return cases


def ordered() -> list[dict[str, Any]]:
    """Random boxes, and an order of some of them without a circle: of all that meet, of some, of some that do not."""
    chance = np.random.default_rng(16)
    cases = []
    for _ in range(60):
        count = int(chance.integers(1, 9))
        corners = chance.integers(0, 30, (count, 2))
        boxes = np.hstack([corners, corners + chance.integers(1, 16, (count, 2))]).tolist()
        far = chance.permutation(count).tolist()
        pairs = [(far[one], far[other]) for one in range(count) for other in range(one + 1, count)]
        edges = [pair for pair in pairs if chance.random() < 0.4]
        found = numbering({id: tuple(box) for id, box in enumerate(boxes)}, edges)
        told = {what: [one.ids for one in found.contradictions if one.what == what] for what in SAID_OF_PAIRS}
        cases.append(
            {
                "boxes": boxes,
                "edges": edges,
                "clusters": found.clusters,
                "numbers": [found.places[id].number for id in range(count)],
                "nearer": [found.nearer(id) for id in range(count)],
                "open": told["equal numbers"],
                "apart": told["do not overlap"],
            }
        )
    return cases


@pytest.mark.parametrize("cases", [filled, ordered])
def test_what_the_page_is_tested_with_is_what_the_server_says(cases: Callable[[], list[dict[str, Any]]]) -> None:
    said = json.loads((MODEL / f"{cases.__name__}.json").read_text("utf-8"))
    assert said == json.loads(json.dumps(cases()))
