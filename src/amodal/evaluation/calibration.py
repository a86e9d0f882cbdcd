"""Do probabilities mean what they say? Expected calibration error of pixels' states, order edges and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from amodal.data.truth import Truth
from amodal.evaluation.levels import rounded
from amodal.evaluation.order import OrderScores
from amodal.evaluation.pairing import pair_all
from amodal.scene import Instance, Posterior, Scene

BINS = 15
VISIBLE, CONTEXT, OCCLUDED = range(3)  # as in `Posterior.maps`
LEAST_HIDDEN = 0.05
"""An object counts as occluded when more than this share of it is hidden [S2 §4]."""


@dataclass(frozen=True)
class Calibration:
    """Expected calibration error: mean over bins of |how sure − how often right|, weighted by what is in them.

    Attributes:
        ece: in percent; nan where there is nothing to judge.
        weights: share of each bin of equal width between 0 and 1.
        confidence, accuracy: mean of each bin, 0 to 1; nan in an empty one.
        count: how many objects (of posteriors) or pairs (of edges).
    """

    ece: float
    weights: Float64[np.ndarray, " bins"]
    confidence: Float64[np.ndarray, " bins"]
    accuracy: Float64[np.ndarray, " bins"]
    count: int

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        bins = zip(self.weights, self.confidence, self.accuracy, strict=True)
        rows = [[rounded(float(value), 4) for value in row] for row in bins]
        return {"ece": rounded(self.ece), "count": self.count, "bins (share, confidence, accuracy)": rows}


def posterior_calibration(truths: Sequence[Truth], predictions: Sequence[Scene], bins: int = BINS) -> Calibration:
    """ECE of the most probable of visible, context and occluded, over the pixels of the posteriors' windows.

    Each scored object weighs the same, however many pixels it has. Pixels outside the photo are left out, for
    nobody knows them. Posteriors are not stored in files: predictions must come from memory (`keep_posteriors`).
    """
    tallies, count = np.zeros((bins, 3)), 0
    for truth, pairing in zip(truths, pair_all(truths, predictions), strict=True):
        if not {"modal", "amodal"} <= truth.knows:
            continue
        for one in truth.scored:
            found = pairing[one.id]
            if found is None or found.posterior is None:
                continue
            sure, right = _judged(one, found.posterior)
            if len(sure):
                tallies += _tally(sure, right, bins) / len(sure)
                count += 1
    return calibration_of(tallies, count)


def edge_calibration(scores: OrderScores, bins: int = BINS) -> Calibration:
    """ECE of the probabilities of the edges of all decided pairs."""
    return calibration_of(_tally(scores.probabilities, scores.right, bins), len(scores.right))


def occlusion_calibration(truths: Sequence[Truth], predictions: Sequence[Scene], bins: int = BINS) -> Calibration:
    """ECE of what methods say of objects being occluded (`meta["occluded"]`), of every object that they found."""
    chances, happened = list[float](), list[bool]()
    for truth, pairing in zip(truths, pair_all(truths, predictions), strict=True):
        for one in truth.given if {"modal", "amodal"} <= truth.knows else ():
            found = pairing[one.id]
            chance = None if found is None else found.meta.get("occluded")
            # Other programs may keep what they like under that name.
            if isinstance(chance, int | float) and not isinstance(chance, bool) and 0 <= chance <= 1:
                chances.append(float(chance))
                happened.append(one.occlusion > LEAST_HIDDEN)
    return event_calibration(np.array(chances, np.float64), np.array(happened, np.float64), bins)


def event_calibration(
    chances: Float64[np.ndarray, " n"], happened: Float64[np.ndarray, " n"], bins: int = BINS
) -> Calibration:
    """ECE of probabilities of one event: how likely it was said to be beside how often it happened."""
    return calibration_of(_tally(np.asarray(chances, np.float64), np.asarray(happened, np.float64), bins), len(chances))


def calibration_of(tallies: Float64[np.ndarray, "bins 3"], count: int) -> Calibration:
    """From sums: of each bin the weight, the weighted confidence and the weighted accuracy of what is in it."""
    amount = tallies[:, 0]
    share = amount / max(amount.sum(), 1e-300)
    means = np.divide(tallies[:, 1:], amount[:, None], out=np.full((len(amount), 2), np.nan), where=amount[:, None] > 0)
    ece = 100 * float(np.nansum(share * np.abs(means[:, 0] - means[:, 1]))) if count else float("nan")
    return Calibration(ece, share, means[:, 0], means[:, 1], count)


def _judged(one: Instance, posterior: Posterior) -> tuple[Float64[np.ndarray, " n"], Float64[np.ndarray, " n"]]:
    """Of each pixel of the window: the greatest probability, and whether that state is the true one."""
    x0, y0, x1, y1 = posterior.box
    _, rows, columns = posterior.maps.shape
    left, right = max(0, int(np.ceil(x0 - 0.5))), min(one.modal.width, int(np.ceil(x1 - 0.5)))
    top, bottom = max(0, int(np.ceil(y0 - 0.5))), min(one.modal.height, int(np.ceil(y1 - 0.5)))
    if right <= left or bottom <= top:
        return np.zeros(0), np.zeros(0)
    row = _cells(np.arange(top, bottom), y0, y1, rows)
    column = _cells(np.arange(left, right), x0, x1, columns)
    maps = posterior.maps[:, row[:, None], column[None]]
    window = (left, top, right, bottom)
    true = np.full(maps.shape[1:], CONTEXT)
    true[one.amodal.to_crop(window)] = OCCLUDED
    true[one.modal.to_crop(window)] = VISIBLE
    right_state = (maps.argmax(axis=0) == true).astype(np.float64)
    return maps.max(axis=0).ravel().astype(np.float64), right_state.ravel()


def _cells(pixels: Int64[np.ndarray, " n"], low: float, high: float, amount: int) -> Int64[np.ndarray, " n"]:
    """The cell of the window in which each pixel's centre lies."""
    return np.clip(((pixels + 0.5 - low) / (high - low) * amount).astype(np.int64), 0, amount - 1)


def _tally(
    sure: Float64[np.ndarray, " n"], right: Float64[np.ndarray, " n"], bins: int
) -> Float64[np.ndarray, "bins 3"]:
    """How many, the sum of their probabilities and how many right, in each bin."""
    place = np.clip((sure * bins).astype(np.int64), 0, bins - 1)
    sums = [np.bincount(place, weights=weights, minlength=bins) for weights in (np.ones(len(sure)), sure, right)]
    return np.stack(sums, axis=1)
