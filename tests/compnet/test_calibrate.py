"""What the two calibrated numbers do, not what they are: their constants are tuned on data."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from amodal.compnet.calibrate import FALSE_OUTLIERS, best_threshold, outlier_log_prior

ROWS, COLS, TEMPERATURE = 14, 18, 2.0


def hill(row: float, col: float) -> Tensor:
    """Log-odds that fall off around a place."""
    y, x = torch.meshgrid(torch.arange(ROWS) - row, torch.arange(COLS) - col, indexing="ij")
    return 4 - 0.25 * (x**2 + y**2)


HILLS = [hill(6.0, 8.0), hill(7.0, 9.5), hill(5.5, 7.0)]


def believed_above(level: float) -> list[Tensor]:
    return [(odds > level).float() for odds in HILLS]


def test_threshold_follows_the_level_at_which_objects_begin() -> None:
    found = [best_threshold(HILLS, believed_above(level), TEMPERATURE) for level in (-1.0, 0.0, 1.0, 2.0)]
    assert found == sorted(found)
    for low, high in itertools.pairwise(found):
        assert high - low == pytest.approx(1.0, abs=0.5)


def test_threshold_is_near_the_level_at_which_objects_begin() -> None:
    assert best_threshold(HILLS, believed_above(0.5), TEMPERATURE) == pytest.approx(0.5, abs=0.75)


def test_a_shift_of_all_log_odds_shifts_the_threshold() -> None:
    truth = believed_above(0.0)
    shifted = [odds + 1.0 for odds in HILLS]
    expected = best_threshold(HILLS, truth, TEMPERATURE) + 1.0
    assert best_threshold(shifted, truth, TEMPERATURE) == pytest.approx(expected, abs=0.26)


def test_threshold_does_not_depend_on_the_order_of_objects() -> None:
    truth = believed_above(0.3)
    assert best_threshold(HILLS, truth, TEMPERATURE) == best_threshold(HILLS[::-1], truth[::-1], TEMPERATURE)


def test_objects_of_different_lattices_are_calibrated_together() -> None:
    odds = [HILLS[0], HILLS[1][:9, :12]]
    assert torch.isfinite(torch.tensor(best_threshold(odds, [(o > 0).float() for o in odds], TEMPERATURE)))


def test_few_visible_cells_look_like_outliers() -> None:
    ratios = torch.randn(20_000, generator=torch.Generator().manual_seed(0)) * 3 + 2
    found = float((ratios < outlier_log_prior(ratios)).float().mean())
    assert found == pytest.approx(FALSE_OUTLIERS, abs=0.0005)


def test_outlier_prior_moves_with_the_ratios() -> None:
    ratios = torch.randn(500, generator=torch.Generator().manual_seed(1))
    assert outlier_log_prior(ratios + 3) == pytest.approx(outlier_log_prior(ratios) + 3, abs=1e-5)
