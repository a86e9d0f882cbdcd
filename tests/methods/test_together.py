"""A batch of which one item cannot be done."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from amodal.methods.together import done_together


class Halving:
    """Halves even numbers, all at once; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[int]] = []

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.asked.append(list(numbers))
        if odd := [number for number in numbers if number % 2]:
            raise ValueError(f"{odd[0]} is odd")
        return [number // 2 for number in numbers]


def test_items_are_worked_on_together() -> None:
    work = Halving()
    assert (done_together([2, 4, 6], work), work.asked) == ([1, 2, 3], [[2, 4, 6]])


def test_one_that_cannot_be_done_stands_as_its_error_between_the_others() -> None:
    first, error, last = done_together([2, 3, 6], Halving())
    assert (first, str(error), last) == (1, "3 is odd", 3)


def test_an_error_that_is_not_to_be_borne_is_raised() -> None:
    with pytest.raises(ValueError, match="3 is odd"):
        done_together([2, 3], Halving(), KeyError)


def test_one_item_is_tried_once() -> None:
    work = Halving()
    done_together([3], work)
    assert work.asked == [[3]]


def test_nothing_gives_nothing() -> None:
    assert done_together([], Halving()) == []
