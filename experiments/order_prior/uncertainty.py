"""How far figures from few photos can be trusted: intervals by drawing whole photos anew, and Wilson's."""

from __future__ import annotations

import numpy as np

SEED, RESAMPLES = 0, 4000


def resampled_photos(photo_of_each):
    """How often each item appears in each of many draws of whole photos."""
    _, photo = np.unique(photo_of_each, return_inverse=True)
    count = photo.max() + 1
    return np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), RESAMPLES)[:, photo]


def average(values, draws):
    return {"value": round(float(values.mean()), 4), "by_photo_95": interval(draws @ values / draws.sum(1))}


def interval(values):
    return [round(float(v), 4) for v in np.quantile(values, (0.025, 0.975))]


def wilson(hits, z=1.959964):
    n, share = len(hits), hits.mean()
    middle, half = share + z * z / (2 * n), z * (share * (1 - share) / n + z * z / (4 * n * n)) ** 0.5
    return [round(float(v / (1 + z * z / n)), 4) for v in (middle - half, middle + half)]


def calibration_error(log_odds, draws):
    """Between how sure the prior is of its verdict and how often that is right, in five bins of sureness.

    Few pairs make an error even of a perfect prior; `of_a_perfect_prior` is that one's mean.
    """
    sure = 1 / (1 + np.exp(-np.abs(log_odds)))
    bins = np.eye(5)[np.minimum((sure - 0.5) * 10, 4).astype(int)]
    ideal = np.random.default_rng(SEED).random((RESAMPLES, len(sure))) < sure
    gap = (sure - (log_odds > 0))[:, None] * bins
    by_draw = np.abs(draws @ gap).sum(1) / draws.sum(1)
    perfect = np.abs((sure - ideal) @ bins).sum(1).mean() / len(sure)
    value = np.abs(gap.sum(0)).sum() / len(sure)
    return {
        "value": round(float(value), 4),
        "by_photo_95": interval(by_draw),
        "of_a_perfect_prior": round(float(perfect), 4),
    }
