"""Calibrating a trained network's word on occlusion with scenes that it has not learned from."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64, Int64

from amodal.data.truth import Truth
from amodal.errors import AmodalError, InputError
from amodal.evaluation.calibration import LEAST_HIDDEN, event_calibration
from amodal.images import read_photo
from amodal.networks.files import write_member
from amodal.networks.occluded import BY_BRANCH, Occlusion, fit
from amodal.networks.segmenter import FamilySegmenter, method

_LEAST_OBJECTS = 20


@dataclass(frozen=True)
class OcclusionReport:
    """What calibration found.

    Attributes:
        occlusion: fitted on all objects; goes into the model file.
        objects, occluded: how many were looked at, and of how many more than 5 % is hidden.
        ece_before: expected calibration error of the network's own word, in percent.
        ece_after: of the calibrated one, each half of the photos judged by a fit on the other half.
        accuracy: share of objects judged right at one half, in percent, fitted likewise on the other half.
        accuracy_of_none: of calling all objects the commoner of the two.
    """

    occlusion: Occlusion
    objects: int
    occluded: int
    ece_before: float
    ece_after: float
    accuracy: float
    accuracy_of_none: float

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        numbers = ("ece_before", "ece_after", "accuracy", "accuracy_of_none")
        return {
            **self.occlusion.to_json(),
            "objects": self.objects,
            "occluded": self.occluded,
            **{name: round(getattr(self, name), 3) for name in numbers},
        }


def calibrate(
    model: str | os.PathLike[str],
    truths: Sequence[Truth],
    out: str | os.PathLike[str],
    progress: Callable[[str, int, int], None] = lambda *_: None,
) -> OcclusionReport:
    """Fit scale and offset of a network's occlusion probability, and write the network with them to `out`.

    The network is given the true boxes and classes. Photos whose truth has no whole masks are passed over.

    Raises:
        InputError: no model file of the family, or a photo that cannot be read.
        AmodalError: fewer than 20 objects, or objects all occluded or none.
    """
    segmenter = method(None)(model, reasoning="none")
    signals, hidden, photos, plain = _looked_at(segmenter, truths, progress)
    if len(hidden) < _LEAST_OBJECTS or hidden.all() or not hidden.any():
        found = f"{len(hidden)} objects with whole masks, {int(hidden.sum())} of them occluded"
        raise AmodalError(f"calibration: {found}; expected at least {_LEAST_OBJECTS}, some occluded and some not")
    report = _report(signals, hidden, photos, plain)
    write_member(Path(out), segmenter.loaded, {"occlusion": report.to_json()})
    return report


def _looked_at(
    segmenter: FamilySegmenter, truths: Sequence[Truth], progress: Callable[[str, int, int], None]
) -> tuple[Float64[np.ndarray, " n"], Bool[np.ndarray, " n"], Int64[np.ndarray, " n"], Occlusion]:
    """Of every object its signal, whether it is occluded and the number of its photo; and how signals are read."""
    signals, hidden, photos, plain = [np.zeros(0)], list[bool](), list[int](), BY_BRANCH
    for number, truth in enumerate(truths):
        known = [one for one in truth.given if not one.amodal.is_empty] if {"modal", "amodal"} <= truth.knows else []
        if known:
            if truth.path is None:
                raise InputError(truth.scene.image or "scene", "photo", "has none", "expected photos beside the truth")
            boxes = np.array([one.box for one in known], np.float64)
            found = segmenter.look(read_photo(truth.path), boxes, [one.label for one in known])
            plain = found.plain
            signals.append(found.signal)
            hidden += [one.occlusion > LEAST_HIDDEN for one in known]
            photos += [number] * len(known)
        progress("photos", number + 1, len(truths))
    return np.concatenate(signals), np.array(hidden, bool), np.array(photos, np.int64), plain


def _report(
    signals: Float64[np.ndarray, " n"],
    hidden: Bool[np.ndarray, " n"],
    photos: Int64[np.ndarray, " n"],
    plain: Occlusion,
) -> OcclusionReport:
    chances = np.zeros(len(signals))
    for half in (0, 1):
        judged = photos % 2 == half
        others = ~judged
        fitted = fit(signals[others], hidden[others], plain) if others.any() else plain
        chances[judged] = fitted.probability(signals[judged])
    happened = hidden.astype(np.float64)
    return OcclusionReport(
        occlusion=fit(signals, hidden, plain),
        objects=len(hidden),
        occluded=int(hidden.sum()),
        ece_before=event_calibration(plain.probability(signals), happened).ece,
        ece_after=event_calibration(chances, happened).ece,
        accuracy=100 * float(((chances > 0.5) == hidden).mean()),
        accuracy_of_none=100 * max(float(happened.mean()), 1 - float(happened.mean())),
    )
