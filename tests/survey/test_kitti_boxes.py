from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from amodal.data.kitti import read_kitti_truth
from amodal.errors import InputError
from amodal.survey.kitti_boxes import best_ious, box_consistency, read_label_boxes
from amodal.survey.labels import check_labels
from amodal.survey.numbers import PhotoNumbers


def iou(a: np.ndarray, b: np.ndarray) -> float:
    width, height = (max(0.0, min(a[k + 2], b[k + 2]) - max(a[k], b[k])) for k in (0, 1))
    common = width * height
    return common / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - common)


@pytest.mark.parametrize("seed", range(10))
def test_pairs_have_the_largest_sum_of_ious(seed: int) -> None:
    chance = np.random.default_rng(seed)
    corners = chance.uniform(0, 40, (7, 2))
    boxes = np.hstack((corners, corners + chance.uniform(5, 30, (7, 2))))
    theirs, ours = boxes[:3], boxes[3:]
    best = max(
        sum(iou(a, ours[k]) for a, k in zip(theirs, chosen, strict=True)) for chosen in permutations(range(4), 3)
    )
    assert sum(best_ious(theirs, ours)) == pytest.approx(best)


def photo(name: str, *boxes: tuple[int, int, int, int]) -> PhotoNumbers:
    return PhotoNumbers(name, 100 * 100, None, (), (), boxes)


def labels(folder: Path, **lines: list[str]) -> Path:
    (folder / "label_2").mkdir()
    for name, text in lines.items():
        (folder / "label_2" / f"{name}.txt").write_text("\n".join(text) + "\n")
    return folder


def line(kind: str, x0: float, y0: float, x1: float, y1: float) -> str:
    return f"{kind} 0.00 0 -1.5 {x0} {y0} {x1} {y1} 1.5 1.6 3.9 1.0 1.6 20.0 0.01"


def test_photos_are_averaged_and_counted(tmp_path: Path) -> None:
    folder = labels(
        tmp_path,
        p1=[line("Car", 0, 0, 10, 10), line("Van", 50, 50, 60, 60), line("DontCare", 1, 1, 2, 2)],
        p2=[line("Car", 0, 0, 10, 5)],
    )
    found = box_consistency(
        [photo("p1.png", (0, 0, 10, 10)), photo("p2.png", (0, 0, 10, 5)), photo("p3.png", (0, 0, 9, 9))],
        read_label_boxes(folder),
    )
    assert (found.photos, found.boxes, found.unpaired) == (2, 3, 1)
    assert found.mean_iou == pytest.approx((0.5 + 1) / 2)
    assert found.good_share == 0.5
    assert (found.histogram[10], found.histogram[-1], sum(found.histogram)) == (1, 1, 2)


def test_no_common_photo_is_said(tmp_path: Path) -> None:
    folder = labels(tmp_path, other=[line("Car", 0, 0, 10, 10)])
    with pytest.raises(InputError, match="none of these photos"):
        box_consistency([photo("p1.png", (0, 0, 10, 10))], read_label_boxes(folder))


def test_a_broken_label_names_file_and_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"p1.txt: line 2"):
        read_label_boxes(labels(tmp_path, p1=[line("Car", 0, 0, 10, 10), "Car 0 0 0 nan 1 2 3"]))


def test_a_label_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    folder = labels(tmp_path, p1=[line("Car", 0, 0, 10, 10)])
    (next(folder.rglob("p1.txt")).parent / "p2.txt").mkdir()  # refused to root too
    for read in (read_label_boxes, check_labels):
        with pytest.raises(InputError, match=r"p2\.txt: file: cannot be read \(Is a directory\)"):
            read(folder)


def test_a_folder_without_labels_is_refused_alike(tmp_path: Path) -> None:
    for read in (read_label_boxes, check_labels, lambda folder: read_kitti_truth(folder, None, None)):
        with pytest.raises(InputError, match="has no label files"):
            read(tmp_path)
