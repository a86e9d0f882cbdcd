"""What the experiments with networks share: truth of some classes alone, AP of own finds, names of what is kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from amodal import load
from amodal.data.truth import Truth
from amodal.evaluation.ap import average_precision


def of_classes(truth: Truth, classes: Sequence[str]) -> Truth:
    """Objects of other classes are neither right nor wrong; all of these count, since what is seen of them is known."""
    others = [one for one in truth.scene.instances if one.label not in classes]
    return replace(
        truth,
        scene=truth.scene.with_instances([one for one in truth.scene.instances if one.label in classes]),
        unscored=frozenset(),
        ignore=(*truth.ignore, *(one.modal for one in others)),
        unannotated=truth.unannotated & frozenset(classes),
        classes=frozenset(classes),
    )


def precision_of(name: str, model: Path, truths: Sequence[Truth]) -> dict[str, float]:
    """AP of what a network finds by itself, without reasoning, by kind."""
    own = load(model, name, boxes="own", least_score=0.05, reasoning="none")
    found = [own.segment(truth.path, np.zeros((0, 4))) for truth in truths]
    return {kind: round(value.ap, 1) for kind, value in average_precision(truths, found).items()}


def digest(truths: Sequence[Truth], *said: Any, files: Sequence[Path] = ()) -> str:
    """Of all that a result depends on: scored photos with their objects, JSON values, files."""
    photos = [[truth.scene.image, [[one.label, *one.box] for one in truth.scene.instances]] for truth in truths]
    whole = hashlib.sha256(json.dumps([photos, *said], sort_keys=True).encode())
    for path in files:
        with path.open("rb") as file:
            whole.update(hashlib.file_digest(file, "sha256").digest())
    return whole.hexdigest()[:12]


def say(what: str, done: int, of: int) -> None:
    """Progress, now and then."""
    if done == of or done % 100 == 0:
        print(f"{what}: {done} of {of}", flush=True)
