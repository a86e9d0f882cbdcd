from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.compnet.training_set import SelectionSettings, likely_unoccluded, select_objects
from amodal.data.coco import CocoBoxes, CocoImage

SIDE = 1000
Box = tuple[float, float, float, float]


def boxes_of(
    *,
    labels: list[str | None],
    boxes: list[Box] | None = None,
    clean: list[bool] | None = None,
    clean64: list[bool] | None = None,
    crowd: list[bool] | None = None,
    splits: list[str] | None = None,
    size: int = SIDE,
) -> CocoBoxes:
    """One object per photo, unless told otherwise by `boxes` and one photo for all."""
    count = len(labels)
    alone = boxes is None
    places = [(100.0, 100.0, 200.0, 300.0)] * count if boxes is None else boxes
    names = ["train"] * count if splits is None else splits
    images = tuple(
        CocoImage(n, f"{n}.jpg", Path(f"{n}.jpg"), size, size, "", "", names[n]) for n in range(count if alone else 1)
    )
    return CocoBoxes(
        images=images,
        categories=tuple(sorted({label for label in labels if label is not None})),
        ids=np.arange(count),
        image_index=np.arange(count) if alone else np.zeros(count, np.int64),
        boxes=np.array(places, np.float64).reshape(-1, 4),
        labels=tuple(labels),
        is_crowd=np.array(crowd or [False] * count, bool),
        clean=None if clean is None else np.array(clean, bool),
        clean64=None if clean64 is None else np.array(clean64, bool),
        boxes_are="amodal",
    )


SETTINGS = SelectionSettings(min_boxes=5, min_height_px=64, enough_objects=10, max_objects=20)


def test_enough_visible_objects_are_used_alone() -> None:
    data = boxes_of(labels=["car"] * 30, clean=[n < 12 for n in range(30)])
    selection = select_objects(data, "train", SETTINGS, 0)
    assert sorted(selection.rows["car"]) == list(range(12))
    assert selection.visible == {"car": 12}


def test_visible_objects_stand_first_and_others_fill_up() -> None:
    data = boxes_of(labels=["car"] * 30, clean=[n >= 26 for n in range(30)])
    selection = select_objects(data, "train", SETTINGS, 0)
    rows = list(selection.rows["car"])
    assert len(rows) == 10
    assert sorted(rows[:4]) == [26, 27, 28, 29]
    assert selection.visible == {"car": 4}
    assert len(set(rows)) == 10


def test_class_of_occluded_objects_alone_is_learned_from_them() -> None:
    selection = select_objects(boxes_of(labels=["car"] * 7, clean=[False] * 7), "train", SETTINGS, 0)
    assert len(selection.rows["car"]) == 7
    assert selection.visible == {"car": 0}


def test_no_more_than_the_most_are_used() -> None:
    selection = select_objects(boxes_of(labels=["car"] * 50, clean=[True] * 50), "train", SETTINGS, 0)
    assert len(set(selection.rows["car"])) == 20


def test_filling_up_goes_no_further_than_the_most() -> None:
    data = boxes_of(labels=["car"] * 50, clean=[n < 3 for n in range(50)])
    selection = select_objects(data, "train", replace(SETTINGS, enough_objects=30, max_objects=8), 0)
    assert len(selection.rows["car"]) == 8
    assert sorted(selection.rows["car"][:3]) == [0, 1, 2]


def test_the_flag_for_high_objects_is_preferred() -> None:
    data = boxes_of(labels=["car"] * 24, clean=[True] * 24, clean64=[n < 11 for n in range(24)])
    assert sorted(select_objects(data, "train", SETTINGS, 0).rows["car"]) == list(range(11))


def test_small_class_is_skipped_with_its_count() -> None:
    data = boxes_of(labels=["car"] * 6 + ["tram"] * 4 + ["bus"] * 0)
    selection = select_objects(data, "train", SETTINGS, 0)
    assert list(selection.rows) == ["car"]
    assert selection.skipped == {"tram": 4}


def test_category_without_any_box_is_skipped_with_zero() -> None:
    data = replace(boxes_of(labels=["car"] * 6), categories=("bus", "car"))
    assert select_objects(data, "train", SETTINGS, 0).skipped == {"bus": 0}


def test_low_boxes_are_neither_used_nor_counted() -> None:
    low, high = (0.0, 0.0, 50.0, 63.0), (0.0, 0.0, 50.0, 64.0)
    few = boxes_of(labels=["car"] * 8, boxes=[high] * 4 + [low] * 4)
    assert select_objects(few, "train", SETTINGS, 0).skipped == {"car": 4}
    enough = boxes_of(labels=["car"] * 8, boxes=[high] * 5 + [low] * 3)
    assert sorted(select_objects(enough, "train", SETTINGS, 0).rows["car"]) == [0, 1, 2, 3, 4]


def test_crowds_and_objects_without_a_label_are_left_out() -> None:
    labels: list[str | None] = ["car"] * 10
    labels[3] = None
    data = boxes_of(labels=labels, crowd=[n == 7 for n in range(10)])
    assert sorted(select_objects(data, "train", SETTINGS, 0).rows["car"]) == [0, 1, 2, 4, 5, 6, 8, 9]


def test_other_splits_are_left_out_unless_all_are_asked_for() -> None:
    data = boxes_of(labels=["car"] * 12, splits=["train"] * 6 + ["val"] * 6)
    assert sorted(select_objects(data, "val", SETTINGS, 0).rows["car"]) == list(range(6, 12))
    assert sorted(select_objects(data, None, SETTINGS, 0).rows["car"]) == list(range(12))


def test_flags_can_be_left_aside() -> None:
    """The flags call the one visible that boxes alone would not."""
    behind, front = (100.0, 100.0, 300.0, 300.0), (250.0, 120.0, 400.0, 400.0)
    data = boxes_of(labels=["car"] * 10, boxes=[behind] * 5 + [front] * 5, clean=[True] * 5 + [False] * 5)
    alone = select_objects(data, "train", SelectionSettings(5, 64, 1, 20), 0, clean_flags=False)
    assert sorted(alone.rows["car"]) == [5, 6, 7, 8, 9]
    flagged = select_objects(data, "train", SelectionSettings(5, 64, 1, 20), 0)
    assert sorted(flagged.rows["car"]) == [0, 1, 2, 3, 4]


def test_without_flags_boxes_alone_decide() -> None:
    behind, front = (100.0, 100.0, 300.0, 300.0), (250.0, 120.0, 400.0, 400.0)
    data = boxes_of(labels=["car"] * 10, boxes=[behind] * 5 + [front] * 5)
    assert select_objects(data, "train", SETTINGS, 0).visible == {"car": 5}


def test_the_seed_alone_decides_which_objects_are_drawn() -> None:
    data = boxes_of(labels=["car"] * 200, clean=[True] * 200)
    drawn = [select_objects(data, "train", SETTINGS, seed).rows["car"].tolist() for seed in (0, 0, 1)]
    assert drawn[0] == drawn[1]
    assert drawn[0] != drawn[2]


sides = st.integers(0, 60)
some_boxes = st.lists(
    st.tuples(sides, sides, st.integers(1, 40), st.integers(1, 40)).map(
        lambda b: (float(b[0]), float(b[1]), float(b[0] + b[2]), float(b[1] + b[3]))
    ),
    min_size=1,
    max_size=8,
)


@given(some_boxes)
def test_guess_from_boxes_agrees_with_brute_force(boxes: list[Box]) -> None:
    """Not at the frame, and no box that shares a pixel with it ends lower."""
    found = likely_unoccluded(boxes_of(labels=["car"] * len(boxes), boxes=boxes, size=70))
    for n, (x0, y0, x1, y1) in enumerate(boxes):
        at_frame = min(x0, y0, 70 - x1, 70 - y1) < 2
        pixels = {(x, y) for x in range(int(x0), int(x1)) for y in range(int(y0), int(y1))}
        hidden = any(
            other[3] > y1
            and any(
                (x, y) in pixels for x in range(int(other[0]), int(other[2])) for y in range(int(other[1]), int(y1))
            )
            for m, other in enumerate(boxes)
            if m != n
        )
        assert found[n] == (not at_frame and not hidden)


@pytest.mark.parametrize("size", [0, SIDE])
def test_right_and_lower_border_count_only_where_the_size_is_known(size: int) -> None:
    data = boxes_of(labels=["car"], boxes=[(500.0, 500.0, 1000.0, 1000.0)], size=size)
    assert bool(likely_unoccluded(data)[0]) == (size == 0)
