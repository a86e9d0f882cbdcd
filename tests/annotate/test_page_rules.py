"""The page fills polygons and writes run lengths by the server's rules: its unit tests read what the server says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from amodal.masks import CropMask

SAID = Path(__file__).resolve().parents[2] / "web" / "src" / "model" / "filled.json"


def said_by_server() -> list[dict[str, Any]]:
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


def test_what_the_page_is_tested_with_is_what_the_server_says() -> None:
    assert json.loads(SAID.read_text("utf-8")) == json.loads(json.dumps(said_by_server()))
