"""The judged pairs, and what two simple rules say about them: 1.0 where the rule is right, else 0.0."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

VEHICLES = {"car", "truck", "bus", "van", "motorcycle", "bicycle"}


def read_pairs(split):
    judged = json.loads(Path(__file__).with_name("judged_pairs.json").read_text())["judged"]
    return [pair for pair in judged if pair["split"] == split]


def front_first(pair):
    return [tuple(pair[key]) for key in (("box_a", "box_b") if pair["front"] == "a" else ("box_b", "box_a"))]


def lower_edge(pairs):
    return np.array([float(front[3] > behind[3]) for front, behind in map(front_first, pairs)])


def larger_box(pairs):
    sizes = [[(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in front_first(pair)] for pair in pairs]
    return np.array([float(front > behind) for front, behind in sizes])


def counts(pairs):
    return {"pairs": len(pairs), "photos": len({pair["image"] for pair in pairs})}


def kind(pair):
    return "-".join(sorted("vehicle" if pair[key] in VEHICLES else "person" for key in ("label_a", "label_b")))
