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
        "appearance": {"appearance": 0.8182},
        "geometry": {"lower_edge": 2.7851, "log_size": 0.3621},
        "class": {"person_in_front": 0.9006},
        "appearance,geometry": {"appearance": 0.7645, "lower_edge": 2.6431, "log_size": 0.5451},
        "appearance,class": {"appearance": 0.8139, "person_in_front": 0.1933},
        "geometry,class": {"lower_edge": 2.6045, "log_size": 0.6359, "person_in_front": 1.3845},
        "appearance,geometry,class": {
            "appearance": 0.7458,
            "lower_edge": 2.5686,
            "log_size": 0.6376,
            "person_in_front": 0.6535,
        },
    },
}
