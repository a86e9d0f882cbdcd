from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

import amodal
from amodal.scene import Scene

DEMO = Path(str(files("amodal") / "demo"))
JUDGED = json.loads((Path(__file__).parents[1] / "truth" / "demo_order.json").read_text())


@pytest.fixture(scope="module")
def scenes() -> dict[str, Scene]:
    """The demo photos that have judged pairs, as the default method sees them."""
    segmenter = amodal.load()
    wanted = {pair["file"] for pair in JUDGED}
    return {
        entry["file"]: segmenter.segment(
            DEMO / "photos" / entry["file"],
            np.array([box["box"] for box in entry["boxes"]], float),
            [box["class"] for box in entry["boxes"]],
        )
        for entry in json.loads((DEMO / "boxes.json").read_text())
        if entry["file"] in wanted
    }


def test_there_are_eleven_judged_pairs():
    assert len(JUDGED) == 11


@pytest.mark.parametrize("pair", JUDGED, ids=lambda pair: f"{Path(pair['file']).stem}-{pair['front']}-{pair['behind']}")
def test_the_demo_photos_come_out_in_the_order_that_people_see(scenes, pair):
    order = scenes[pair["file"]].order
    assert order.in_front_of(pair["front"], pair["behind"])
    assert order.probability(pair["front"], pair["behind"]) > 0.5
