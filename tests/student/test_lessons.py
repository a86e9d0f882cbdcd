"""Lessons: synthetic occlusion whose truth holds together, from masks that nobody labelled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amodal.challenge import read_backgrounds
from amodal.data.coco import read_objects
from amodal.errors import InputError
from amodal.features.lattice import as_xyxy, pixel_window
from amodal.images import read_photo
from amodal.student.lessons import Lesson, Lessons, Target, cut_outs_of
from amodal.student.teacher import Pupil
from helpers.miniature import Miniature


def ellipse(height: int, width: int) -> np.ndarray:
    """A probability map that fills its window: sure inside and outside, half sure at the edge."""
    y, x = np.meshgrid(np.linspace(-1, 1, height), np.linspace(-1, 1, width), indexing="ij")
    return np.clip(0.5 + 6 * (1.02 - x**2 - y**2), 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def pupils(mini: Miniature) -> list[Pupil]:
    boxes = read_objects(mini.annotations, images=mini.images)
    found = []
    for row in range(len(boxes)):
        x0, y0, x1, y1 = boxes.boxes[row]
        if boxes.labels[row] in ("car", "person") and x0 > 2 and y0 > 2 and x1 < 318 and y1 < 238 and y1 - y0 > 50:
            window = pixel_window(as_xyxy(boxes.boxes[row]), 320, 240)
            shape = ellipse(window[3] - window[1], window[2] - window[0])
            path = boxes.images[boxes.image_index[row]].path
            label = boxes.labels[row] or ""
            found.append(Pupil(path, as_xyxy(boxes.boxes[row]), label, ((1.0, 1, 30, 40),), ("car",), window, shape))
    return found


@pytest.fixture(scope="module")
def lessons(pupils: list[Pupil], mini: Miniature) -> Lessons:
    backgrounds = read_backgrounds(mini.backgrounds)
    return Lessons(pupils, backgrounds, cut_outs_of(pupils, 0.9, 0.5))


def frame(target: Target, photo: np.ndarray, part: str) -> np.ndarray:
    mask = np.zeros(photo.shape[:2], bool)
    x0, y0, x1, y1 = target.window
    mask[y0:y1, x0:x1] = getattr(target, part)
    return mask


def check(lesson: Lesson) -> None:
    owners = np.zeros(lesson.photo.shape[:2], int)
    for target in lesson.targets:
        if target is not None:
            seen, whole = (frame(target, lesson.photo, part) for part in ("seen", "whole"))
            assert not (seen & ~whole).any()
            owners += seen
    assert owners.max() <= 1
    assert len(lesson.boxes) == len(lesson.labels) == len(lesson.targets)


@pytest.mark.parametrize("seed", range(12))
def test_what_is_seen_is_a_part_of_the_whole_and_has_one_owner(lessons: Lessons, seed: int) -> None:
    check(lessons(np.random.default_rng(seed)))


@pytest.mark.parametrize("seed", range(12))
def test_in_place_the_photo_changes_where_something_was_pasted_and_nowhere_else(lessons: Lessons, seed: int) -> None:
    lesson = lessons.in_place(np.random.default_rng(seed))
    check(lesson)
    own = next(target for target in lesson.targets if target is not None)
    hidden = frame(own, lesson.photo, "whole") & ~frame(own, lesson.photo, "seen")
    pupil = next(p for p in lessons.pupils if p.window == own.window and p.box in {as_xyxy(b) for b in lesson.boxes})
    changed = (lesson.photo != read_photo(pupil.path)).any(2)
    # Pasted edges are soft: a pixel beside the hard mask may change a little.
    assert (changed & hidden).sum() >= 0.9 * hidden.sum()
    untouched = frame(own, lesson.photo, "seen") & ~np.pad(hidden, 1)[1:-1, 1:-1]
    assert (changed & untouched).sum() <= 0.35 * max(1, untouched.sum())


def test_the_same_chance_gives_the_same_lesson(lessons: Lessons) -> None:
    one, other = lessons(np.random.default_rng(7)), lessons(np.random.default_rng(7))
    np.testing.assert_array_equal(one.photo, other.photo)
    np.testing.assert_array_equal(one.boxes, other.boxes)


def test_boxes_of_taught_objects_hold_the_whole_object(lessons: Lessons) -> None:
    for seed in range(8):
        lesson = lessons.scene(np.random.default_rng(seed))
        for box, target in zip(lesson.boxes, lesson.targets, strict=True):
            assert target is not None
            assert tuple(target.window) == tuple(box)


def test_a_mask_that_does_not_fill_its_box_is_not_cut_out(pupils: list[Pupil]) -> None:
    one = pupils[0]
    half = one.probability.copy()
    half[: len(half) // 2] = 0
    loose = Pupil(one.path, one.box, one.label, (), (), one.window, half)
    assert not loose.believed(0.9, 0.5)
    with pytest.raises(InputError, match="not good enough"):
        cut_outs_of([loose], 0.9, 0.5)


def test_a_mask_that_is_sure_of_nothing_is_not_cut_out(pupils: list[Pupil]) -> None:
    one = pupils[0]
    vague = Pupil(one.path, one.box, one.label, (), (), one.window, 0.3 + 0.3 * one.probability)
    assert not vague.believed(0.9, 0.5)


def test_masks_are_numbered_as_the_pupils_are(pupils: list[Pupil]) -> None:
    sources = cut_outs_of(pupils, 0.9, 0.5)
    assert all(sources.objects[number].label == pupils[number - 1].label for number in sources.objects)
    assert all(isinstance(cut_out.path, Path) for cut_out in sources.objects.values())
