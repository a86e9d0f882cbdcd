from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.boundary import boundary_f
from amodal.evaluation.levels import level_table
from amodal.evaluation.masks import COLUMNS, mask_scores
from amodal.evaluation.pairing import pair
from amodal.evaluation.strokes import areas, overlaps
from amodal.masks import CropMask
from amodal.scene import LEVELS, Scene
from helpers.drawn_scenes import HEIGHT, WIDTH, square, two_squares
from helpers.generated_scenes import generated
from helpers.random_masks import Batch, batches

ALL = frozenset({"modal", "amodal", "order", "boxes"})


def own(scene: Scene) -> Truth:
    return Truth(scene, None, ALL)


def dense_iou(first: np.ndarray, second: np.ndarray) -> float:
    union = (first | second).sum()
    return float((first & second).sum() / union) if union else 0.0


@given(batches())
@settings(max_examples=40, deadline=None)
def test_common_pixels_of_many_pairs_are_those_of_dense_masks(batch: Batch) -> None:
    first = [CropMask.from_dense(a) for a, _ in batch.pairs]
    second = [CropMask.from_dense(b) for _, b in batch.pairs]
    assert overlaps(first, second).tolist() == [int((a & b).sum()) for a, b in batch.pairs]
    assert areas(first).tolist() == [int(a.sum()) for a, _ in batch.pairs]


def test_pairs_of_different_frames_are_counted_each_in_its_own() -> None:
    chance = np.random.default_rng(0)
    sizes = chance.integers(1, 40, (1300, 2))  # more than one chunk
    dense = [(chance.random(size) < 0.5, chance.random(size) < 0.5) for size in sizes]
    first, second = ([CropMask.from_dense(pair[side]) for pair in dense] for side in (0, 1))
    assert overlaps(first, second).tolist() == [int((a & b).sum()) for a, b in dense]


def test_masks_of_different_frames_are_refused() -> None:
    with pytest.raises(InputError, match=r"found 2 x 3, expected 3 x 2"):
        overlaps([CropMask.empty(3, 2)], [CropMask.empty(2, 3)])


@pytest.mark.parametrize("seed", range(5))
def test_every_iou_is_that_of_dense_masks(seed: int) -> None:
    truths, predictions = generated(12, 6, np.random.default_rng(seed))
    scores = mask_scores(truths, predictions, boundary_px=None)
    row = 0
    for truth, scene in zip(truths, predictions, strict=True):
        pairing = pair(truth, scene)
        for one in truth.scored:
            found = pairing[one.id]
            true = [mask.to_dense() for mask in (one.modal, one.amodal, one.occluder)]
            other = [np.zeros_like(true[0])] * 3
            if found is not None:
                other = [mask.to_dense() for mask in (found.modal, found.amodal, found.occluder)]
            expected = [dense_iou(a, b) for a, b in zip(true, other, strict=True)]
            if not true[2].any():
                expected[2] = np.nan
            columns = ("modal", "amodal", "occluded")
            assert [scores.values(what)[row] for what in columns] == pytest.approx(expected, abs=1e-12, nan_ok=True)
            assert scores.levels[row] == one.level
            row += 1
    assert row == len(scores)


def dense_boundary_f(true: np.ndarray, found: np.ndarray, tolerance: float) -> float:
    """Every boundary pixel against every other."""
    cross = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]])
    edges = [np.argwhere(mask & ~binary_erosion(mask, cross, border_value=1)) for mask in (true, found)]
    if not all(map(len, edges)):
        return float(not any(map(len, edges)) and true.any() == found.any())
    distance = np.sqrt(((edges[0][:, None] - edges[1][None]) ** 2).sum(axis=2))
    recall, precision = ((distance.min(axis=axis) <= tolerance).mean() for axis in (1, 0))
    return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


@given(batches(), st.sampled_from([1.0, 1.5, 2.0]))
@settings(max_examples=15, deadline=None)
def test_boundary_f_is_that_of_all_pairs_of_boundary_pixels(batch: Batch, tolerance: float) -> None:
    pairs = batch.pairs[:8]
    first, second = ([CropMask.from_dense(pair[side]) for pair in pairs] for side in (0, 1))
    expected = [dense_boundary_f(a, b, tolerance) for a, b in pairs]
    assert boundary_f(first, second, tolerance).tolist() == pytest.approx(expected)


def test_an_outline_one_pixel_off_is_right_within_the_tolerance_only() -> None:
    pairs = [square(20, 20, 60, 60)], [square(21, 21, 61, 61)]
    assert boundary_f(*pairs, 2.0)[0] == 1.0
    assert boundary_f(*pairs, 0.5)[0] < 0.1


def test_truth_itself_scores_one_and_nothing_scores_zero() -> None:
    scene = two_squares()
    best, worst = mask_scores([own(scene)], [scene]), mask_scores([own(scene)], [])
    for what in COLUMNS.keys() - {"box"}:  # boxes were given
        assert best.by_level(what).mean_objects == 100
        assert worst.by_level(what).mean_objects == 0
    assert not worst.found.any()


def from_visible_boxes(scene: Scene, **boxes: tuple[float, float, float, float]) -> Scene:
    """The scene as predicted from its visible boxes: object N has box `boxN`."""
    return scene.with_instances(
        [
            replace(one, box=boxes[f"box{one.id}"], meta={"visible_box": tuple(map(float, one.modal.box))})
            for one in scene.instances
        ]
    )


def test_predicted_boxes_are_scored_by_their_iou_with_the_true_whole_ones() -> None:
    scene = two_squares()
    whole = scene.instance(1).box
    x0, y0, x1, y1 = scene.instance(2).box
    found = from_visible_boxes(scene, box1=whole, box2=(x0, y0, (x0 + x1) / 2, y1))
    assert mask_scores([own(scene)], [found], boundary_px=None).box_iou.tolist() == pytest.approx([1.0, 0.5])
    missing = found.with_instances(found.instances[:1])
    assert mask_scores([own(scene)], [missing], boundary_px=None).box_iou.tolist() == pytest.approx([1.0, 0.0])


def test_a_method_that_keeps_visible_boxes_is_scored_by_those() -> None:
    scene = two_squares()
    x0, y0, x1, y1 = map(int, scene.instance(2).box)
    scene = scene.with_instances([scene.instance(1), replace(scene.instance(2), modal=square(x0, y0, x1 - 5, y1))])
    kept = [replace(one, box=tuple(map(float, one.modal.box))) for one in scene.instances]
    found = replace(scene, instances=tuple(kept), boxes_are="visible")
    expected = [dense_iou(boxed(a.box), boxed(b.box)) for a, b in zip(scene.instances, kept, strict=True)]
    assert mask_scores([own(scene)], [found], boundary_px=None).box_iou.tolist() == pytest.approx(expected)
    assert expected[1] < 1


def test_boxes_that_were_given_are_not_scored() -> None:
    assert mask_scores([own(two_squares())], [two_squares()]).by_level("box").objects == 0


def boxed(box: tuple[float, float, float, float]) -> np.ndarray:
    x0, y0, x1, y1 = map(int, box)
    frame = np.zeros((HEIGHT, WIDTH), bool)
    frame[y0:y1, x0:x1] = True
    return frame


def test_the_hidden_part_is_not_scored_where_nothing_is_hidden() -> None:
    table = mask_scores([own(two_squares())], [two_squares()]).by_level("occluded")
    assert (table.objects, table.counts["L0"], table.counts["L1"]) == (1, 0, 1)


def test_hidden_unscored_and_nearly_invisible_objects_are_not_averaged() -> None:
    scene = two_squares()
    second = scene.instance(2)
    invisible = scene.with_instances([scene.instance(1), replace(second, modal=square(99, 69, 100, 70))])
    assert len(mask_scores([own(invisible)], [])) == 1
    for field in ("hidden", "unscored"):
        assert mask_scores([replace(own(scene), **{field: frozenset({1})})], []).ids.tolist() == [2]


def test_the_means_of_groups_are_those_of_their_objects_alone() -> None:
    truths, predictions = generated(9, 4, np.random.default_rng(3))
    named = [
        replace(truth, groups={one.id: ("odd", "even")[one.id % 2 == 0] for one in truth.scene.instances if one.id % 5})
        for truth in truths
    ]
    groups = mask_scores(named, predictions).by_group()
    assert list(groups) == ["even", "odd"]
    for name, scores in groups.items():
        others = [frozenset(one.id for one in t.scene.instances if t.groups.get(one.id) != name) for t in named]
        alone = [replace(t, unscored=t.unscored | ids) for t, ids in zip(named, others, strict=True)]
        expected = mask_scores(alone, predictions)
        assert scores.ids.tolist() == expected.ids.tolist()
        assert str(scores.by_level("amodal")) == str(expected.by_level("amodal"))  # nan is not equal to nan
        assert str(scores.intervals("modal")) == str(expected.intervals("modal"))


def test_without_groups_there_are_none() -> None:
    truths, predictions = generated(3, 3, np.random.default_rng(0))
    assert mask_scores(truths, predictions).by_group() == {}


def test_levels_are_unknown_where_the_whole_mask_is_unless_the_object_is_said_to_be_whole() -> None:
    scene = two_squares()
    clean = scene.with_instances([replace(scene.instance(1), meta={"clean": True}), scene.instance(2)])
    scores = mask_scores([Truth(clean, None, frozenset({"modal"}))], [scene])
    assert scores.levels == ("L0", "unknown")
    assert np.isnan(scores.amodal_iou).all()
    table = scores.by_level("modal")
    assert (table.objects, sum(table.counts.values())) == (2, 1)


@given(st.lists(st.tuples(st.floats(0, 1), st.sampled_from(LEVELS), st.sampled_from("ab")), min_size=1, max_size=60))
@settings(deadline=None)
def test_mean_objects_is_the_mean_of_levels_weighted_by_their_objects(rows: list[tuple[float, str, str]]) -> None:
    values = np.array([value for value, _, _ in rows])
    table = level_table(values, [level for _, level, _ in rows], [label for _, _, label in rows])
    present = [level for level in LEVELS if table.counts[level]]
    weighted = sum(table.levels[level] * table.counts[level] for level in present) / len(rows)
    assert table.mean_objects == pytest.approx(weighted)
    assert table.mean_objects == pytest.approx(100 * values.mean())
    assert table.mean_levels == pytest.approx(np.mean([table.levels[level] for level in present]))
    assert sum(own.objects for own in table.per_class.values()) == table.objects


@pytest.mark.parametrize("seed", range(5))
def test_all_scores_lie_between_zero_and_one_and_hold_for_any_order_of_objects(seed: int) -> None:
    truths, predictions = generated(10, 6, np.random.default_rng(50 + seed))
    scores = mask_scores(truths, predictions)
    turned = mask_scores(truths, [scene.with_instances(scene.instances[::-1]) for scene in predictions][::-1])
    for what in COLUMNS:
        values = scores.values(what)
        assert ((values >= 0) & (values <= 1) | np.isnan(values)).all()
        assert np.array_equal(values, turned.values(what), equal_nan=True)


def test_the_frame_is_that_of_the_photo() -> None:
    assert (two_squares().height, two_squares().width) == (HEIGHT, WIDTH)
    wide = Scene(HEIGHT, WIDTH + 1, image="street.jpg")
    with pytest.raises(InputError, match=r"predictions: street.jpg: masks: are 121 × 100 px .* expected 120 × 100"):
        mask_scores([own(two_squares())], [wide])
