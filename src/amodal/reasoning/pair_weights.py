"""Weights of `PairOrder` by whose maps appearance comes from and by cues."""

from __future__ import annotations

# Fitted by `python experiments/order_evidence/fit.py --data DIR --write`; that command writes this file.
WEIGHTS: dict[str, dict[str, dict[str, float]]] = {
    "compositional": {
        "appearance": {"appearance": 0.9},
        "geometry": {"lower_edge": 3.5},
        "class": {},
        "appearance,geometry": {"appearance": 0.6, "lower_edge": 3.3},
        "appearance,class": {"appearance": 0.9},
        "geometry,class": {"lower_edge": 3.5},
        "appearance,geometry,class": {"appearance": 0.6, "lower_edge": 3.3},
    },
    "student": {
        "appearance": {"appearance": 0.6},
        "geometry": {"lower_edge": 3.5},
        "class": {},
        "appearance,geometry": {"appearance": 0.5, "lower_edge": 3.3},
        "appearance,class": {"appearance": 0.6},
        "geometry,class": {"lower_edge": 3.5},
        "appearance,geometry,class": {"appearance": 0.5, "lower_edge": 3.3},
    },
}
