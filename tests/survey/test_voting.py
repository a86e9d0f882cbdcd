from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, Scene
from amodal.survey.voting import VOTE, agreement, annotations_of, majority, voted

SIDE = 30


def square(x0: int, x1: int, side: int = SIDE) -> CropMask:
    mask = np.zeros((side, side), bool)
    mask[0:10, x0:x1] = True
    return CropMask.from_dense(mask)


def person(*masks: CropMask, ids: tuple[int, ...] = (1, 2, 3), image: str = "a.png") -> list[Truth]:
    instances = tuple(Instance(k, "car", m.box, 1.0, m, m) for k, m in zip(ids, masks, strict=False))
    frame = masks[0].height if masks else SIDE
    scene = Scene(frame, frame, instances, image=image, exclusive=False)
    return [Truth(scene, None, frozenset({"modal", "amodal", "boxes"}))]


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5), st.integers(1, 12), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_a_majority_is_more_than_half_of_the_votes_of_each_pixel(n: int, height: int, width: int, seed: int) -> None:
    votes = np.random.default_rng(seed).random((n, height, width)) < 0.6
    found = majority([CropMask.from_dense(vote) for vote in votes])
    assert np.array_equal(found.to_dense(), 2 * votes.sum(axis=0) > n)


def test_three_annotators_and_their_vote() -> None:
    stage = {
        name: annotations_of(person(mask))
        for name, mask in (("one", square(0, 10)), ("two", square(0, 20)), ("three", square(0, 16)))
    }
    found = agreement(stage)
    assert found.rows == ("one", "two", "three", VOTE)
    assert found.matrix[0][:3] == pytest.approx((1, 0.5, 0.625))
    assert found.matrix[3] == pytest.approx((0.625, 0.8, 1, 1))  # two of three drew 0 to 16
    assert all(found.matrix[r][c] == found.matrix[c][r] for r in range(4) for c in range(4))


def test_two_stages_are_compared_row_by_column() -> None:
    first = {"one": annotations_of(person(square(0, 10)))}
    again = {"one again": annotations_of(person(square(0, 8)))}
    found = agreement(first, again)
    assert (found.rows, found.columns) == (("one again",), ("one",))
    assert found.matrix == ((pytest.approx(0.8),),)


def test_objects_are_averaged_and_missing_ones_counted() -> None:
    first = {"one": annotations_of(person(square(0, 10), square(15, 25)))}
    again = {"again": annotations_of(person(square(0, 10)))}
    found = agreement({**first, **again})
    assert found.counts[0][1] == 1
    assert found.missing == {"one": (), "again": (("a.png", 2),)}


def test_an_object_of_a_minority_is_not_voted_in() -> None:
    both, alone = person(square(0, 10)), person(square(0, 10), square(15, 25))
    stage = {"one": annotations_of(both), "two": annotations_of(both), "three": annotations_of(alone)}
    assert set(voted(stage)) == {("a.png", 1)}


def test_objects_that_annotators_see_differently_are_listed_worst_first() -> None:
    one = annotations_of(person(square(0, 10), square(12, 20)))
    two = annotations_of(person(square(0, 4), square(12, 15)))
    found = agreement({"one": one, "two": two})
    assert [(id, round(iou, 3)) for _, id, iou in found.doubtful] == [(2, 0.375), (1, 0.4)]


def test_objects_of_other_ids_are_paired_by_overlap() -> None:
    reference = annotations_of(person(square(0, 10), square(12, 20)))
    other = annotations_of(person(square(12, 19), square(0, 9), square(25, 30), ids=(1, 2, 3)), reference)
    assert {id: one.amodal.box[0] for (_, id), one in other.items()} == {1: 0, 2: 12, 3: 25}


def test_ids_that_fit_are_kept() -> None:
    reference = annotations_of(person(square(0, 10), square(2, 12)))
    other = annotations_of(person(square(2, 12), square(0, 10), ids=(1, 2)), reference)
    assert other["a.png", 1].amodal.box[0] == 2


def test_photos_of_different_sizes_are_refused() -> None:
    small, large = (annotations_of(person(square(0, 5, side))) for side in (20, 30))
    with pytest.raises(InputError, match=r"is drawn on photos of \d+ × \d+ and \d+ × \d+ px"):
        agreement({"one": small, "two": large})


@pytest.mark.parametrize("ids", [(1, 2), (1, 7)])
def test_a_mask_drawn_elsewhere_is_a_disagreement_and_no_missing_object(ids: tuple[int, int]) -> None:
    one = annotations_of(person(square(0, 10), square(12, 20)))
    two = annotations_of(person(square(0, 10), square(22, 30), ids=ids), one)
    found = agreement({"one": one, "two": two})
    assert found.matrix[0][1] == pytest.approx(0.5)
    assert found.counts[0] == (2, 2, 2)
    assert found.matrix[0][2] == pytest.approx(0.5)  # the vote has no pixel of it
    assert found.missing == {"one": (), "two": ()}
    assert found.doubtful == (("a.png", 2, 0),)


def test_the_only_object_of_a_photo_is_compared_though_it_lies_elsewhere() -> None:
    one = annotations_of(person(square(0, 10)))
    two = annotations_of(person(square(15, 25)), one)
    assert agreement({"one": one}, {"two": two}).matrix == ((0,),)


def test_one_who_drew_something_else_is_not_outvoted_in_the_list() -> None:
    stage = {str(k): annotations_of(person(square(0, 10))) for k in range(5)}
    found = agreement({**stage, "odd": annotations_of(person(square(20, 30)))})
    assert found.doubtful == (("a.png", 1, 0),)


def test_what_the_second_pass_left_out_is_named() -> None:
    first = {"one": annotations_of(person(square(0, 10), square(15, 25)))}
    found = agreement(first, {"again": annotations_of(person(square(0, 10)))})
    assert found.missing["again"] == (("a.png", 2),)
