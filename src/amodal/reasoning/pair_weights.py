"""Weights of `PairOrder` by whose maps appearance comes from and by cues."""

from __future__ import annotations

# Fitted by `python experiments/order_evidence/fit.py --data DIR --write`; that command writes this file.
WEIGHTS: dict[str, dict[str, dict[str, float]]] = {
    "compositional": {
        "appearance": {"appearance": 1.972},
        "geometry": {"lower_edge": 3.1188, "log_size": 0.3215},
        "class": {"person_in_front": 0.9203},
        "appearance,geometry": {"appearance": 1.2144, "lower_edge": 2.7107, "log_size": 0.5684},
        "appearance,class": {"appearance": 1.9995, "person_in_front": -0.2176},
        "geometry,class": {"lower_edge": 2.9319, "log_size": 0.6217, "person_in_front": 1.4992},
        "appearance,geometry,class": {
            "appearance": 1.1564,
            "lower_edge": 2.6769,
            "log_size": 0.6283,
            "person_in_front": 0.4303,
        },
    },
    "student": {
        "appearance": {"appearance": 0.6761},
        "geometry": {"lower_edge": 1.8139, "log_size": 0.4907},
        "class": {"person_in_front": 0.8052},
        "appearance,geometry": {"appearance": 0.7788, "lower_edge": 1.8631, "log_size": 0.8086},
        "appearance,class": {"appearance": 0.6672, "person_in_front": 0.3567},
        "geometry,class": {"lower_edge": 1.6777, "log_size": 0.6794, "person_in_front": 1.0725},
        "appearance,geometry,class": {
            "appearance": 0.7796,
            "lower_edge": 1.7734,
            "log_size": 0.9429,
            "person_in_front": 0.9799,
        },
    },
}
