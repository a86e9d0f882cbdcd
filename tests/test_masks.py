from __future__ import annotations

import copy
import dataclasses
import pickle
import tracemalloc

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from pycocotools import mask as coco

from amodal.errors import InputError
from amodal.masks import CropMask, masks_of_windows
from helpers.random_masks import BATCH, KINDS, SPECIAL_CASES, Batch, batches, special_cases

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools'

AT_LEAST = 10_000
many = settings(
    max_examples=AT_LEAST // BATCH + 10,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)


def encoded(mask: np.ndarray) -> dict:
    return coco.encode(np.asfortranarray(mask, np.uint8))


def test_operations_agree_with_dense_arrays_on_ten_thousand_pairs():
    compared, seen = 0, set[str]()

    @many
    @given(batches())
    def compare(batch: Batch):
        nonlocal compared
        for a, b in batch.pairs:
            first, second = CropMask.from_dense(a), CropMask.from_dense(b)
            common, either = int((a & b).sum()), int((a | b).sum())
            assert (first.area, first.is_empty) == (a.sum(), not a.any())
            assert np.array_equal((first | second).to_dense(), a | b)
            assert np.array_equal((first & second).to_dense(), a & b)
            assert np.array_equal((first - second).to_dense(), a & ~b)
            assert first.intersection_area(second) == common
            assert first.iou(second) == (common / either if either else 0)
            assert first.contains(second) == (not (b & ~a).any())
            assert (first == second) == np.array_equal(a, b)
            compared += 1
            seen.update(special_cases(a))

    compare()
    assert compared >= AT_LEAST
    assert seen == SPECIAL_CASES


def test_crops_agree_with_dense_arrays_on_ten_thousand_windows():
    compared, seen = 0, set[str]()

    @many
    @given(batches())
    def compare(batch: Batch):
        nonlocal compared
        for a, b in batch.pairs:
            height, width = a.shape
            mask = CropMask.from_dense(a)
            assert mask.box == tight_box(a)
            x0, y0 = (int(edge) for edge in batch.chance.integers(-9, 30, 2))
            w, h = (int(side) for side in batch.chance.integers(0, 30, 2))
            # A frame with 60 pixels of nothing around it, wide enough for every window above.
            wide = np.pad(a, 60)
            assert np.array_equal(mask.to_crop((x0, y0, x0 + w, y0 + h)), wide[y0 + 60 :, x0 + 60 :][:h, :w])
            pasted = np.zeros_like(wide)
            pasted[y0 + 60 : y0 + 60 + height, x0 + 60 : x0 + 60 + width] = b
            expected = pasted[60 : 60 + height, 60 : 60 + width]
            assert np.array_equal(CropMask.from_crop(b, x0, y0, height, width).to_dense(), expected)
            compared += 1
            seen.update(special_cases(a))

    compare()
    assert compared >= AT_LEAST
    assert seen == SPECIAL_CASES


def test_rle_and_overlaps_agree_with_pycocotools_on_ten_thousand_pairs():
    compared, seen = 0, set[str]()

    @many
    @given(batches())
    def compare(batch: Batch):
        nonlocal compared
        for a, b in batch.pairs:
            theirs, other = encoded(a), encoded(b)
            first, second = CropMask.from_coco_rle(theirs), CropMask.from_coco_rle(other)
            ours = first.to_coco_rle()
            assert (ours["size"], ours["counts"].encode()) == (theirs["size"], theirs["counts"])
            assert np.array_equal(first.to_dense(), coco.decode(theirs))
            assert first.area == coco.area(theirs)
            x, y, w, h = coco.toBbox(theirs)
            assert first.box == (x, y, x + w, y + h)
            assert first.iou(second) == coco.iou([theirs], [other], [0])[0, 0]
            assert (first | second).to_coco_rle()["counts"].encode() == coco.merge([theirs, other])["counts"]
            common = coco.merge([theirs, other], intersect=True)
            assert (first & second).to_coco_rle()["counts"].encode() == common["counts"]
            compared += 1
            seen.update(special_cases(a))

    compare()
    assert compared >= AT_LEAST
    assert seen == SPECIAL_CASES


@settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(batches())
def test_outlines_give_the_same_mask_back_to_us_and_to_pycocotools(batch: Batch):
    for a, _ in batch.pairs:
        mask = CropMask.from_dense(a)
        outlines = mask.to_polygons()
        assert CropMask.from_polygons(outlines, *a.shape) == mask
        if outlines:
            theirs = coco.merge(coco.frPyObjects(outlines, *a.shape))
            assert np.array_equal(coco.decode(theirs), a)


def test_there_is_one_outline_for_each_part():
    mask = np.zeros((7, 9), bool)
    mask[0:5, 0:5] = True
    mask[2, 2] = False  # a hole, in the same part
    mask[5, 5] = True  # touches by a corner only: a part of its own
    assert len(CropMask.from_dense(mask).to_polygons()) == 2


def test_polygons_own_the_pixels_whose_centres_they_hold():
    chance = np.random.default_rng(3)
    for _ in range(200):
        corners = chance.random((int(chance.integers(3, 8)), 2)) * 30 - 5
        mask = CropMask.from_polygons([corners.ravel().tolist()], 20, 22).to_dense()
        y, x = np.mgrid[:20, :22] + 0.5
        assert np.array_equal(mask, even_odd(corners, x, y))


def test_random_polygons_differ_from_pycocotools_only_next_to_their_edges():
    chance = np.random.default_rng(4)
    for _ in range(200):
        corners = chance.random((int(chance.integers(3, 8)), 2)) * 40
        outline = [corners.ravel().tolist()]
        mask = CropMask.from_polygons(outline, 40, 40).to_dense()
        theirs = coco.decode(coco.frPyObjects(outline, 40, 40)[0]).astype(bool)
        y, x = np.nonzero(mask != theirs)
        assert all(distance_to_outline(corners, px + 0.5, py + 0.5) <= 1 for px, py in zip(x, y, strict=True))


def test_polygons_that_share_an_edge_share_no_pixel_and_leave_no_gap():
    left = CropMask.from_polygons([[0, 0, 3.5, 0, 6.5, 8, 0, 8]], 8, 10)
    right = CropMask.from_polygons([[3.5, 0, 10, 0, 10, 8, 6.5, 8]], 8, 10)
    assert (left & right).is_empty
    assert (left | right).area == 80


def test_several_polygons_are_united():
    squares = [[0, 0, 4, 0, 4, 4, 0, 4], [2, 2, 6, 2, 6, 6, 2, 6]]
    assert CropMask.from_polygons(squares, 10, 10).area == 28


@pytest.mark.parametrize(
    "outline", [[], [0, 0, 1, 1], [0, 0, 1, 1, 2], [0, 0, 1, float("nan"), 2, 2], ["a"] * 6, [[0, 0], [1]]]
)
def test_a_broken_polygon_is_named(outline):
    with pytest.raises(InputError, match=r"kins\.json: polygon 1"):
        CropMask.from_polygons([[0, 0, 3, 0, 3, 3], outline], 8, 8, "kins.json")


def test_a_box_owns_the_pixels_whose_centres_it_holds():
    assert CropMask.from_box((1.5, 1.6, 4.5, 30), 6, 8).box == (1, 2, 4, 6)
    assert CropMask.from_box((-9, -9, -1, -1), 6, 8).is_empty


def test_nothing_as_large_as_the_frame_is_built():
    height, width = 4000, 60_000
    window = np.zeros((20, 30), bool)
    window[3:9, 5:20] = True
    tracemalloc.start()
    near = CropMask.from_crop(window, 0, 0, height, width)
    far = CropMask.from_crop(window, width - 25, height - 15, height, width)
    both = near | far  # its box is nearly the frame
    again = CropMask.from_coco_rle(both.to_coco_rle())
    assert both - far == near
    assert both & near == near
    assert both.contains(far)
    assert both.iou(near) == pytest.approx(90 / (90 + far.area))
    assert CropMask.from_polygons(both.to_polygons(), height, width) == again == both
    assert again.to_crop((0, 0, 30, 20)).sum() == 90
    assert pickle.loads(pickle.dumps(both)) == both
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 200_000  # the frame has 240,000,000 pixels


def test_the_memory_of_a_full_frame_mask_grows_with_its_columns_only():
    tracemalloc.start()
    everything = CropMask.from_box((0, 0, 60_000, 4000), 4000, 60_000)
    hole = CropMask.from_box((10, 10, 20, 20), 4000, 60_000)
    assert (everything - hole).area == 240_000_000 - 100
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 60_000 * 8 * 40


def test_a_mask_cannot_be_changed():
    mask = CropMask.from_box((1, 1, 3, 3), 5, 5)
    with pytest.raises(ValueError, match="read-only"):
        mask.runs[0] = 7
    with pytest.raises(ValueError, match="cannot set WRITEABLE"):
        mask.runs.flags.writeable = True
    with pytest.raises(dataclasses.FrozenInstanceError):
        mask.height = 7


def test_a_mask_does_not_follow_the_array_it_was_made_from():
    runs = np.array([0, 4], np.uint32)
    mask = CropMask(5, 5, (0, 0, 2, 2), runs)
    runs[1] = 9
    assert mask.area == 4


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_copies_and_pickles_are_equal_hash_equal_and_stay_read_only(kind):
    mask = CropMask.from_dense(KINDS[kind](9, 7, np.random.default_rng(0)))
    for other in (copy.copy(mask), copy.deepcopy(mask), pickle.loads(pickle.dumps(mask))):
        assert other == mask
        assert hash(other) == hash(mask)
        assert not other.runs.flags.writeable


def test_equal_pixels_of_different_frames_are_different_masks():
    assert CropMask.from_box((0, 0, 2, 2), 5, 5) != CropMask.from_box((0, 0, 2, 2), 5, 6)


@pytest.mark.parametrize(
    ("box", "runs"),
    [
        ((0, 0, 2, 2), [0, 3]),  # too short
        ((0, 0, 2, 2), [0, 5]),  # too long
        ((0, 0, 2, 2), [0, 2, 0, 2]),  # a run of nothing
        ((0, 0, 2, 2), [2, 2]),  # first column empty
        ((0, 0, 2, 2), [0, 1, 1, 1, 1]),  # last row empty
        ((0, 0, 2, 2), [4]),  # nothing in it
        ((4, 4, 6, 6), [0, 4]),  # leaves the frame
        ((2, 2, 0, 0), [0, 4]),  # reversed
        ((0, 0, 2, 2), []),  # a box without runs
        ((0, 0, 2, 2), [-1, 5]),
        ((0, 0, 2, 2), [0.0, 4.0]),
        ((0, 0, 2), [0, 4]),
    ],
)
def test_a_mask_that_contradicts_itself_is_refused(box, runs):
    with pytest.raises(InputError, match="CropMask"):
        CropMask(5, 5, box, np.array(runs))


@pytest.mark.parametrize("size", [(200_000, 200_000), (0, 5), (-1, 5), (70_000, 1), (65_000, 65_000)])
def test_frames_that_are_none_or_too_large_are_refused(size):
    with pytest.raises(InputError, match="size"):
        CropMask.empty(*size)


def test_masks_of_different_frames_do_not_mix():
    with pytest.raises(InputError, match="found 5 x 6, expected 5 x 5"):
        CropMask.empty(5, 5).union(CropMask.empty(5, 6))


@pytest.mark.parametrize("array", [np.zeros((3, 3)), np.zeros((2, 3, 3), bool), np.zeros(3, bool)])
def test_probabilities_and_wrong_shapes_are_no_masks(array):
    with pytest.raises(InputError, match="expected booleans or whole numbers"):
        CropMask.from_dense(array)


def test_a_reversed_window_is_refused():
    with pytest.raises(InputError, match="expected x0 <= x1"):
        CropMask.empty(5, 5).to_crop((3, 0, 1, 2))


def tight_box(mask: np.ndarray) -> tuple[int, int, int, int]:
    if not mask.any():
        return (0, 0, 0, 0)
    y, x = np.nonzero(mask)
    return (int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1)


def even_odd(corners: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Point by point: is the number of edges crossed by a ray upwards odd?"""
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        spans = (x0 <= x) != (x1 <= x)
        with np.errstate(divide="ignore", invalid="ignore"):
            above = y0 + (x - x0) / (x1 - x0) * (y1 - y0) < y
        inside ^= spans & above
    return inside


def distance_to_outline(corners: np.ndarray, x: float, y: float) -> float:
    point = np.array([x, y])
    start, along = corners, np.roll(corners, -1, axis=0) - corners
    share = np.clip(((point - start) * along).sum(axis=1) / (along**2).sum(axis=1), 0, 1)
    return float(np.hypot(*(point - start - share[:, None] * along).T).min())


def test_masks_of_many_windows_are_those_of_each():
    random = np.random.default_rng(3)
    windows, frames, crops = [], [], []
    for number in range(60):
        height, width = random.integers(1, 40, 2).tolist()
        x0, y0 = int(random.integers(0, width)), int(random.integers(0, height))
        window = (x0, y0, int(random.integers(x0 + 1, width + 1)), int(random.integers(y0 + 1, height + 1)))
        share = (0.0, 0.1, 0.5, 0.9, 1.0)[number % 5]  # empty and full ones too
        windows.append(window)
        frames.append((height, width))
        crops.append(random.random((window[3] - window[1], window[2] - window[0])) < share)
    flat = np.concatenate([crop.ravel(order="F") for crop in crops])
    found = masks_of_windows(flat, np.array(windows), np.array(frames))
    expected = [CropMask.from_crop(c, w[0], w[1], *f) for c, w, f in zip(crops, windows, frames, strict=True)]
    assert found == expected
    for mask in found:
        CropMask(mask.height, mask.width, mask.box, mask.runs)  # the constructor checks all of it
