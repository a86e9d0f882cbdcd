from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycocotools import mask as coco

from amodal import rle
from amodal.errors import InputError
from amodal.masks import CropMask

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools'

SQUARE = {"size": [4, 4], "counts": [5, 2, 2, 2, 5]}


def test_text_bytes_and_list_say_the_same():
    text = coco.frPyObjects(SQUARE, 4, 4)["counts"]
    masks = {
        CropMask.from_coco_rle({"size": [4, 4], "counts": counts}) for counts in (text, text.decode(), [5, 2, 2, 2, 5])
    }
    assert masks == {CropMask.from_box((1, 1, 3, 3), 4, 4)}


def test_numpy_counts_and_tuples_are_read_too():
    for counts in ((5, 2, 2, 2, 5), np.array([5, 2, 2, 2, 5], np.uint32)):
        assert CropMask.from_coco_rle({"size": (4, 4), "counts": counts}).area == 4


def test_runs_of_nothing_inside_a_code_are_read():
    mask = CropMask.from_coco_rle({"size": [4, 4], "counts": [5, 1, 0, 1, 2, 2, 5, 0]})
    assert mask == CropMask.from_coco_rle(SQUARE)


@settings(max_examples=500, deadline=None, derandomize=True)
@given(st.lists(st.integers(1, 2**24), min_size=1, max_size=12), st.booleans())
def test_long_runs_are_written_byte_for_byte_as_pycocotools_does(runs, starts_with_object):
    counts = np.array([0, *runs] if starts_with_object else runs, np.int64)
    total = int(counts.sum())
    theirs = coco.frPyObjects({"size": [total, 1], "counts": counts.tolist()}, total, 1)["counts"]
    assert rle.counts_to_text(counts).encode() == theirs
    assert np.array_equal(rle.counts_from_text(theirs), counts)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.one_of(st.text(max_size=12), st.binary(max_size=12), st.text("0123456789OPQ_`ano", max_size=12)))
def test_any_text_is_either_a_code_that_fills_the_frame_or_refused(counts):
    try:
        mask = CropMask.from_coco_rle({"size": [3, 3], "counts": counts})
    except InputError:
        return
    # What we read, pycocotools reads as the same mask.
    text = counts if isinstance(counts, bytes) else counts.encode()
    assert np.array_equal(coco.decode({"size": [3, 3], "counts": text}), mask.to_dense())


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ({"size": [4, 4], "counts": [5, 2, 2]}, "counts: too short: the runs cover 9 pixels"),
        ({"size": [4, 4], "counts": [5, 2, 10]}, "counts: too long: the runs cover 17 pixels"),
        ({"size": [4, 4], "counts": [5, 2**40]}, "counts: too long: a run of 1099511627776 pixels"),
        ({"size": [4, 4], "counts": [2**63 - 1, 2**63 - 1, 18]}, "counts: too long"),
        ({"size": [4, 4], "counts": [10**30]}, "counts"),
        ({"size": [4, 4], "counts": np.array([2**64 - 1], np.uint64)}, "counts: a run of"),
        ({"size": [4, 4], "counts": [5, -2, 13]}, "counts: run 1 is -2, a run cannot be negative"),
        ({"size": [4, 4], "counts": []}, "counts: too short: the runs cover 0 pixels"),
        ({"size": [4, 4], "counts": ""}, "counts: too short"),
        ({"size": [4, 4], "counts": [5.5, 10.5]}, "counts: found .*, expected a list of whole numbers"),
        ({"size": [4, 4], "counts": [[5], [11, 2]]}, "counts: found .*, expected a list of whole numbers"),
        ({"size": [4, 4], "counts": 16}, "counts: found int, expected text or a list"),
        ({"size": [4, 4], "counts": None}, "counts: found NoneType"),
        ({"size": [4, 4], "counts": "5\u00e92"}, "counts: character '\u00e9' at 1, expected ASCII text"),
        ({"size": [4, 4], "counts": "5\x012"}, r"counts: character '\\x01' at 1"),
        ({"size": [4, 4], "counts": b"5\xff2"}, "counts: character"),
        ({"size": [4, 4], "counts": "5~"}, "counts: character '~' at 1"),
        ({"size": [4, 4], "counts": "5P"}, "counts: the text ends in the middle of a number"),
        ({"size": [4, 4], "counts": "P" * 40 + "0"}, "counts: a number of 41 characters"),
        ({"size": [4, 4], "counts": "O"}, "counts: run 0 is -1"),
        ({"size": [200_000, 200_000], "counts": [40_000_000_000]}, "size: found 200000 x 200000"),
        ({"size": [65_535, 65_535], "counts": [65_535**2]}, "size: found 65535 x 65535"),
        ({"size": [0, 4], "counts": []}, "size: found 0 x 4, expected sides of at least 1"),
        ({"size": [-4, -4], "counts": [16]}, "size: found -4 x -4"),
        ({"size": [4], "counts": [4]}, "size"),
        ({"size": [4, 4, 1], "counts": [16]}, "size"),
        ({"size": "44", "counts": [16]}, "size"),
        ({"size": [4.0, 4.0], "counts": [16]}, "size: found .*, expected two whole numbers"),
        ({"size": [True, 4], "counts": [4]}, "size"),
        ({"size": None, "counts": [16]}, "size"),
        ({"counts": [16]}, "size: missing"),
        ({"size": [4, 4]}, "counts: missing"),
        ([4, 4], "found list, expected an object"),
        (None, "found NoneType"),
    ],
)
def test_a_malformed_code_is_refused_with_its_field(code, message):
    with pytest.raises(InputError, match=f"annotation 17: {message}"):
        CropMask.from_coco_rle(code, "annotation 17")


def test_a_huge_malformed_code_costs_no_memory():
    import tracemalloc

    tracemalloc.start()
    with pytest.raises(InputError):
        CropMask.from_coco_rle({"size": [200_000, 200_000], "counts": "`" * 20})
    with pytest.raises(InputError):
        CropMask.from_coco_rle({"size": [16_000, 16_000], "counts": "0"})
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak_bytes < 100_000


def test_the_union_of_many_intervals_is_the_union_of_their_points():
    chance = np.random.default_rng(5)
    for _ in range(200):
        parts, points = [], np.zeros(80, bool)
        for _ in range(int(chance.integers(0, 6))):
            marks = chance.random(80) < chance.random()
            bounds = np.flatnonzero(np.diff(marks, prepend=False, append=False))
            parts.append((bounds[::2], bounds[1::2]))
            points |= marks
        starts, ends = rle.union_of(parts)
        found = np.zeros(80, bool)
        for start, end in zip(starts, ends, strict=True):
            found[start:end] = True
        assert np.array_equal(found, points)
        assert (starts[1:] > ends[:-1]).all()
