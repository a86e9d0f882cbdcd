from __future__ import annotations

import numpy as np
import pytest

from amodal.reasoning import Evidence


def maps(height: int, width: int, value: float = 0.0) -> list[np.ndarray]:
    return [np.full((height, width), value, np.float32) for _ in range(3)]


def test_a_map_of_another_shape_than_the_window_is_refused_by_name():
    f, o, c = maps(3, 4)
    with pytest.raises(ValueError, match=r"occluded: shape \(2, 4\), expected \(3, 4\)"):
        Evidence((0, 0, 4, 3), f, o[:2], c, (0, 0, 4, 3))


def test_a_map_with_nan_is_refused():
    f, o, c = maps(3, 4)
    c[1, 1] = np.nan
    with pytest.raises(ValueError, match="context: NaN"):
        Evidence((0, 0, 4, 3), f, o, c, (0, 0, 4, 3))


def test_a_reversed_window_is_refused():
    with pytest.raises(ValueError, match="window"):
        Evidence((4, 0, 0, 3), *maps(3, 4), (0, 0, 4, 3))


def test_a_cell_without_area_is_refused():
    with pytest.raises(ValueError, match="cell_area"):
        Evidence((0, 0, 4, 3), *maps(3, 4), (0, 0, 4, 3), cell_area=0)


def test_an_empty_window_shrinks_to_its_corner():
    evidence = Evidence((7, 2, 7, 9), *maps(7, 0), (7, 2, 20, 9))
    assert (evidence.window, evidence.shape) == ((7, 2, 7, 2), (0, 0))
