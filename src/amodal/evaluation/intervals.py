"""How sure is a score? Bootstrap over photos: 95 % of the scores of photos drawn again lie within."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from jaxtyping import Float64

from amodal.scene import LEVELS

Interval = tuple[float, float]
_DRAWS_AT_ONCE = 100


def bootstrap(
    columns: Float64[np.ndarray, "images columns"],
    statistic: Callable[[Float64[np.ndarray, "draws columns"]], Float64[np.ndarray, "draws scores"]],
    draws: int = 1000,
    seed: int = 0,
) -> list[Interval]:
    """95 % percentile intervals of scores that are functions of sums over photos.

    Photos are drawn with replacement, as often as there are; objects of one photo stay together. Every interval
    holds the score of the photos as they are; a score that no draw has is (nan, nan).

    Args:
        columns: what each photo adds to each sum.
        statistic: sums of many draws to their scores, nan where a draw has none.
        draws: how many.
        seed: of the drawing.
    """
    photos = len(columns)
    if not photos:
        return [(float("nan"), float("nan"))] * statistic(np.zeros((1, columns.shape[1]))).shape[1]
    chance = np.random.default_rng(seed)
    sums = []
    for start in range(0, draws, _DRAWS_AT_ONCE):
        amount = min(_DRAWS_AT_ONCE, draws - start)
        drawn = chance.integers(0, photos, (amount, photos)) + photos * np.arange(amount)[:, None]
        times = np.bincount(drawn.ravel(), minlength=amount * photos).reshape(amount, photos)
        sums.append(times.astype(np.float64) @ columns)
    scores = statistic(np.concatenate(sums))
    (itself,) = statistic(columns.sum(axis=0, keepdims=True))
    return [_interval(column, float(own)) for column, own in zip(scores.T, itself, strict=True)]


def level_intervals(
    sums: Float64[np.ndarray, "images 5"], counts: Float64[np.ndarray, "images 5"], draws: int = 1000, seed: int = 0
) -> dict[str, Interval]:
    """Intervals in percent of a `LevelTable`: of each level, mean_levels and mean_objects."""
    found = bootstrap(np.concatenate((sums, counts), axis=1), _level_means, draws, seed)
    return dict(zip((*LEVELS, "mean_levels", "mean_objects"), found, strict=True))


def _level_means(totals: Float64[np.ndarray, "draws 10"]) -> Float64[np.ndarray, "draws 6"]:
    sums, counts = totals[:, :5], totals[:, 5:]
    means = ratio(sums, counts)[:, : len(LEVELS)]
    present = ~np.isnan(means)
    mean_levels = ratio(np.where(present, means, 0).sum(axis=1), present.sum(axis=1))
    mean_objects = ratio(sums.sum(axis=1), counts.sum(axis=1))
    return 100 * np.column_stack((means, mean_levels, mean_objects))


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, nan where whole is 0."""
    return np.asarray(np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=np.asarray(whole) > 0))


def _interval(scores: Float64[np.ndarray, " draws"], own: float) -> Interval:
    scores = scores[~np.isnan(scores)]
    if not len(scores) or np.isnan(own):
        return float("nan"), float("nan")
    low, high = np.percentile(scores, (2.5, 97.5))
    return min(float(low), own), max(float(high), own)
