"""Boxes of visible masks beside KITTI's detection labels of the same photos [KINS, Fig. 4b]."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from jaxtyping import Float64

from amodal.data.kitti_folder import label_files, label_lines
from amodal.errors import InputError
from amodal.survey.numbers import PhotoNumbers

GOOD_IOU = 0.65
BINS = 20
_BOX = slice(4, 8)


@dataclass(frozen=True)
class BoxConsistency:
    """How well the boxes agree.

    KITTI's boxes hold the visible parts, so ours are those of the visible masks. Each of KITTI's is paired with one
    of ours so that the sum of IoUs is largest; one that finds none counts 0.

    Attributes:
        photos: photos with labels and objects; the others are left out.
        mean_iou: mean over photos of a photo's mean over KITTI's boxes.
        good_share: photos with a mean above 0.65.
        histogram: photos by their mean, in 20 steps from 0 to 1.
        boxes, unpaired: KITTI's boxes (DontCare is none), and those without a counterpart.
    """

    photos: int
    mean_iou: float
    good_share: float
    histogram: tuple[int, ...]
    boxes: int
    unpaired: int


def box_consistency(photos: Iterable[PhotoNumbers], labels: Mapping[str, Float64[np.ndarray, "n 4"]]) -> BoxConsistency:
    """Compare photos with `labels`: photo's name without its ending -> XYXY boxes.

    Raises:
        InputError: none of the photos has labels, or visible masks.
    """
    photos = list(photos)
    means, paired = [], []
    for photo in photos:
        theirs = labels.get(Path(photo.name).stem)
        if theirs is not None and len(theirs) and photo.seen_boxes:
            best = best_ious(theirs, np.array(photo.seen_boxes, np.float64))
            means.append(fmean(best))
            paired += best
    if not means and not any(photo.seen_boxes for photo in photos):
        found = "are not known, so there are no boxes of them to compare with KITTI's"
        raise InputError("--kitti", "visible masks", found, "expected a file with visible masks")
    if not means:
        expected = "expected labels named as the photos"
        raise InputError("KITTI labels", "photos", "have none of these photos", expected)
    counts, _ = np.histogram(means, bins=BINS, range=(0.0, 1.0))
    return BoxConsistency(
        photos=len(means),
        mean_iou=fmean(means),
        good_share=fmean(mean > GOOD_IOU for mean in means),
        histogram=tuple(counts.tolist()),
        boxes=len(paired),
        unpaired=sum(iou == 0 for iou in paired),
    )


def read_label_boxes(folder: Path) -> dict[str, Float64[np.ndarray, "n 4"]]:
    """Every label file's boxes but DontCare; photos are not needed. `folder` holds `*.txt`, or `label_2` or `labels`.

    Raises:
        InputError: no label files, one that cannot be read, or a line without a box; names file and line.
    """
    return {file.stem: _boxes(file) for file in label_files(folder)}


def best_ious(theirs: Float64[np.ndarray, "n 4"], ours: Float64[np.ndarray, "m 4"]) -> list[float]:
    """For each of their boxes the IoU with its partner; partners are one to one, the sum of IoUs is largest."""
    from scipy.optimize import linear_sum_assignment

    low = np.maximum(theirs[:, None, :2], ours[None, :, :2])
    high = np.minimum(theirs[:, None, 2:], ours[None, :, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=2)
    area, area_of_ours = (np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (theirs, ours))
    iou = common / (area[:, None] + area_of_ours[None] - common)
    best = np.zeros(len(theirs))
    rows, columns = linear_sum_assignment(-iou)
    best[rows] = iou[rows, columns]
    return [float(value) for value in best]


def _boxes(file: Path) -> Float64[np.ndarray, "n 4"]:
    boxes = []
    for number, line in enumerate(label_lines(file), start=1):
        words = line.split()
        if not words or words[0] == "DontCare":
            continue
        try:
            box = [float(word) for word in words[_BOX]]
        except ValueError:
            box = []
        if len(box) != 4 or not np.isfinite(box).all() or box[0] >= box[2] or box[1] >= box[3]:
            raise InputError(os.fspath(file), f"line {number}", f"has box {words[_BOX]}", "expected x0 y0 x1 y1")
        boxes.append(box)
    return np.array(boxes, np.float64).reshape(-1, 4)
