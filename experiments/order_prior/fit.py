"""Fits the geometric prior on the order of a pair to the judged train pairs; measures it there and on val.

Prints the table and writes result.json beside this file. The strength of the penalty and the cap are chosen by
cross-validation on train with photos kept whole; val pairs are only measured.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import asdict, replace
from datetime import date
from math import inf, log
from pathlib import Path

import numpy as np
from judged import counts, front_first, kind, larger_box, lower_edge, read_pairs
from sklearn.model_selection import GroupKFold
from uncertainty import average, calibration_error, interval, resampled_photos, wilson

from amodal.reasoning.geometry import PairGeometry

HERE = Path(__file__).resolve().parent
SEED, FOLDS, REFITS = 0, 10, 400
PENALTIES = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0, 1e4)  # inverse strength, as in scikit-learn
# Unclear pairs were left out of the judging, so it cannot tell how often the prior errs on them: at most .97.
CAPS = (0.90, 0.93, 0.95, 0.97)
PLACEHOLDER = PairGeometry(weight_lower_edge=8.0, weight_log_size=0.5, max_log_odds=inf)


def main() -> None:
    train, val = read_pairs("train"), read_pairs("val")
    penalty, cap, grid = choose(train)
    free = fit(train, penalty)
    always = np.full(len(val), lower_edge(train).mean())
    result = {
        "command": "python experiments/order_prior/fit.py",
        "date": date.today().isoformat(),
        "seed": SEED,
        "machine": {"cpu": cpu_model(), "cores": os.cpu_count()},
        "n": {"train": counts(train), "val": counts(val)},
        "weights_by_photo_95": weight_intervals(train, penalty),
        "prior": asdict(replace(free, max_log_odds=log(cap / (1 - cap)))),
        "chosen": {"inverse_penalty": penalty, "cap": cap, "log_loss_in_cross_validation": grid},
        "train_cross_validation": by_kind(train, *cross_validate(train)),
        "val": by_kind(val, clip(odds(free, val), cap), odds(free, val), always),
    }
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", json.dumps(result, indent=1))
    (HERE / "result.json").write_text(text + "\n")
    print(text)


def fit(pairs, penalty) -> PairGeometry:
    boxes, heights = [front_first(pair) for pair in pairs], [pair["height"] for pair in pairs]
    return replace(PairGeometry.fit(boxes, heights, inverse_penalty=penalty), max_log_odds=inf)


def choose(pairs):
    """The best cap and penalty on held-out photos, or a stronger penalty within one standard error of that."""
    parts = list(folds(pairs))
    photos = np.array([pair["image"] for _, held_out in parts for pair in held_out])
    free = {c: np.concatenate([odds(fit(learn, c), test) for learn, test in parts]) for c in PENALTIES}
    losses = {(c, cap): loss(clip(free[c], cap)) for c in PENALTIES for cap in (*CAPS, 1.0)}
    best, cap = min(((c, cap) for c in PENALTIES for cap in CAPS), key=lambda key: losses[key].mean())
    for penalty in PENALTIES:
        excess = losses[penalty, cap] - losses[best, cap]
        sums = np.array([excess[photos == photo].sum() for photo in np.unique(photos)])
        if sums.sum() <= sums.std(ddof=1) * len(sums) ** 0.5:
            break
    grid = {
        f"inverse_penalty {c:g}": {f"cap {p:g}": round(losses[c, p].mean(), 4) for p in (*CAPS, 1.0)} for c in PENALTIES
    }
    return penalty, cap, grid


def weight_intervals(pairs, penalty):
    draws = resampled_photos([pair["image"] for pair in pairs])[:REFITS]
    fits = [
        fit([pair for pair, times in zip(pairs, draw, strict=True) for _ in range(times)], penalty) for draw in draws
    ]
    return {
        name: interval([getattr(prior, name) for prior in fits]) for name in ("weight_lower_edge", "weight_log_size")
    }


def cross_validate(pairs):
    """Held-out log-odds with and without cap, both settings chosen anew in every fold; the rule's hit rate."""
    capped, free, always = np.zeros((3, len(pairs)))
    place = {id(pair): row for row, pair in enumerate(pairs)}
    for learn, test in folds(pairs):
        rows = [place[id(pair)] for pair in test]
        penalty, cap, _ = choose(learn)
        free[rows] = odds(fit(learn, penalty), test)
        capped[rows] = clip(free[rows], cap)
        always[rows] = lower_edge(learn).mean()
    return capped, free, always


def folds(pairs):
    split = GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(pairs, groups=[p["image"] for p in pairs])
    yield from (([pairs[k] for k in learn], [pairs[k] for k in test]) for learn, test in split)


def by_kind(pairs, capped, free, always):
    kinds = np.array([kind(pair) for pair in pairs])
    table = {}
    for name in ("all", *np.unique(kinds)):
        rows = np.flatnonzero((kinds == name) | (name == "all"))
        some, own, own_free = [pairs[row] for row in rows], capped[rows], free[rows]
        draws = resampled_photos([pair["image"] for pair in some])
        lower, larger, right = lower_edge(some), larger_box(some), (own > 0) + 0.5 * (own == 0)
        said = np.where(lower > 0, always[rows], 1 - always[rows])  # the rule, equally sure of every pair
        accuracies = {"rule_lower_edge": lower, "rule_larger_box": larger, "prior": right}
        losses = {
            "prior": loss(own),
            "prior_without_cap": loss(own_free),
            "placeholder_weights": loss(odds(PLACEHOLDER, some)),
            "rule_lower_edge": -np.log(said),
        }
        table[name] = counts(some) | {
            "accuracy": {who: average(v, draws) | {"wilson_95": wilson(v)} for who, v in accuracies.items()},
            "accuracy_prior_minus_rule_lower_edge": average(right - lower, draws),
            "log_loss": {who: average(v, draws) for who, v in losses.items()},
            "calibration_error_prior": calibration_error(own, draws),
            "calibration_error_prior_without_cap": calibration_error(own_free, draws),
        }
    return table


def odds(prior, pairs):
    return np.array([prior.log_odds(*front_first(pair), pair["height"]) for pair in pairs])


def clip(log_odds, cap):
    return log_odds if cap == 1 else np.clip(log_odds, -log(cap / (1 - cap)), log(cap / (1 - cap)))


def loss(log_odds):
    return np.logaddexp(0, -log_odds)


def cpu_model():
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(line.split(":")[1].strip() for line in lines if line.startswith("model name"))


if __name__ == "__main__":
    main()
