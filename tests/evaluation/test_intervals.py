from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.evaluation.intervals import bootstrap, ratio
from amodal.evaluation.masks import mask_scores
from amodal.evaluation.order import order_scores
from helpers.generated_scenes import generated


def mean(sums: np.ndarray) -> np.ndarray:
    return ratio(sums[:, :1], sums[:, 1:])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30), st.integers(0, 5))
@settings(max_examples=60, deadline=None)
def test_an_interval_holds_the_mean_and_stays_within_the_values(values: list[float], seed: int) -> None:
    columns = np.column_stack((values, np.ones(len(values))))
    ((low, high),) = bootstrap(columns, mean, 200, seed)
    assert low <= np.mean(values) + 1e-12
    assert high >= np.mean(values) - 1e-12
    assert min(values) - 1e-12 <= low
    assert high <= max(values) + 1e-12


def test_an_interval_of_many_photos_is_that_of_the_normal_approximation() -> None:
    values = np.random.default_rng(0).random(2_000)
    ((low, high),) = bootstrap(np.column_stack((values, np.ones(2_000))), mean, 2_000)
    half = 1.96 * values.std() / np.sqrt(2_000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=0.1 * half)


def test_a_single_photo_is_sure_of_itself_and_no_photo_of_nothing() -> None:
    assert bootstrap(np.array([[3.0, 4.0]]), mean) == [(0.75, 0.75)]
    assert np.isnan(bootstrap(np.zeros((0, 2)), mean)).all()


def test_the_same_seed_gives_the_same_interval() -> None:
    columns = np.random.default_rng(1).random((50, 2))
    assert bootstrap(columns, mean, 300, 7) == bootstrap(columns, mean, 300, 7)
    assert bootstrap(columns, mean, 300, 7) != bootstrap(columns, mean, 300, 8)


def test_the_bootstrap_is_that_of_photos_drawn_one_by_one() -> None:
    columns = np.random.default_rng(2).random((20, 2))
    chance = np.random.default_rng(3)
    means = [sums[0] / sums[1] for sums in (columns[chance.integers(0, 20, 20)].sum(axis=0) for _ in range(20_000))]
    assert bootstrap(columns, mean, 20_000)[0] == pytest.approx(np.percentile(means, (2.5, 97.5)), abs=0.01)


def test_every_mean_of_a_table_lies_in_its_interval() -> None:
    truths, predictions = generated(40, 6, np.random.default_rng(4))
    scores = mask_scores(truths, predictions, boundary_px=None)
    for what in ("modal", "amodal", "occluded"):
        table, intervals = scores.by_level(what), scores.intervals(what, 200)
        means = {**table.levels, "mean_levels": table.mean_levels, "mean_objects": table.mean_objects}
        for name, value in means.items():
            low, high = intervals[name]
            assert np.isnan(value) or low - 1e-9 <= value <= high + 1e-9


def test_order_scores_lie_in_their_intervals() -> None:
    truths, predictions = generated(40, 8, np.random.default_rng(5))
    scores = order_scores(truths, predictions)
    for name, (low, high) in scores.intervals(200).items():
        assert low - 1e-9 <= getattr(scores, name) <= high + 1e-9
