"""An object that a network finds twice stays once."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from amodal.networks.doubles import without_doubles
from amodal.networks.parts.batch import Found

SIDE = 12


def found(*seen: tuple[int, int, int, int]) -> Found:
    """Objects of which all is seen in boxes of whole pixels; the rest of their frame, the picture, is not."""
    count = len(seen)
    masks = torch.zeros(count, SIDE, SIDE)
    for row, (x0, y0, x1, y1) in enumerate(seen):
        masks[row, y0:y1, x0:x1] = 1
    frames = torch.tensor([[0.0, 0.0, SIDE, SIDE]]).repeat(count, 1)
    return Found(frames, torch.ones(count, dtype=torch.int64), torch.ones(count), frames, masks, masks, None)


def kept(*seen: tuple[int, int, int, int]) -> list[int]:
    return without_doubles(found(*seen), np.arange(len(seen)), SIDE, SIDE).tolist()


def test_what_sees_mostly_what_a_surer_one_sees_is_a_double() -> None:
    assert kept((0, 0, 10, 10), (1, 0, 10, 11)) == [0]


def test_an_object_beside_the_visible_part_of_a_surer_one_stays_though_their_frames_coincide() -> None:
    assert kept((0, 0, 5, 12), (5, 0, 12, 12)) == [0, 1]


def test_a_double_takes_nothing_from_those_after_it() -> None:
    assert kept((0, 0, 6, 6), (0, 0, 6, 8), (0, 6, 6, 8)) == [0, 2]


def test_what_nothing_is_seen_of_does_not_stay() -> None:
    assert kept((0, 0, 0, 0), (0, 0, 4, 4)) == [1]


corner = st.integers(0, SIDE)
boxes = st.tuples(corner, corner, corner, corner).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)


@given(st.lists(boxes, max_size=6))
def test_each_that_stays_sees_at_least_half_for_itself_and_each_that_goes_does_not(seen: list) -> None:
    stays = kept(*seen)
    pixels = [{(x, y) for x in range(x0, x1) for y in range(y0, y1)} for x0, y0, x1, y1 in seen]
    for row, own in enumerate(pixels):
        surer = set().union(*(pixels[other] for other in stays if other < row))
        assert (row in stays) == (bool(own) and 2 * len(own - surer) >= len(own))
