"""What the paper printed, to stand beside ours: measured on other data, with another backbone, so never the same test.

Yuan, Kortylewski, Sun, Yuille: Robust Instance Segmentation through Reasoning about Multi-Object Occlusion, CVPR
2021 (arXiv 2012.02107), Tables 1 to 3: mIoU in percent with true amodal boxes. Their column "mean" mixes two
conventions, told apart here: a plain mean over the four levels, and a mean over all objects.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SOURCE = "Yuan et al., CVPR 2021 (arXiv 2012.02107), Tables 1 to 3; measured on other data"

PublishedData = Literal["kins", "two", "four", "two-unknown"]
DATA: dict[PublishedData, str] = {
    "kins": "KINS (Table 1)",
    "two": "Occlusion Challenge, 2 objects (Table 2)",
    "four": "Occlusion Challenge, 4 objects (Table 2)",
    "two-unknown": "Occlusion Challenge, 2 objects and unknown occluders (Table 2)",
}


@dataclass(frozen=True)
class PublishedRow:
    """A printed row: `levels` are L0 to L3, `mean_over` what the printed mean averages."""

    method: str
    levels: tuple[float, float, float, float]
    mean: float
    mean_over: Literal["levels", "objects"]


def _row(method: str, *values: float, over: Literal["levels", "objects"] = "objects") -> PublishedRow:
    l0, l1, l2, l3, mean = values
    return PublishedRow(method, (l0, l1, l2, l3), mean, over)


_MASK_RCNN, _PCNET = "Mask R-CNN (mask-supervised)", "PCNet-M (true visible masks)"

MODAL: dict[PublishedData, tuple[PublishedRow, ...]] = {
    "kins": (
        _row(_MASK_RCNN, 85.8, 81.5, 72.7, 51.9, 73.0, over="levels"),
        _row("CompNet", 75.8, 67.7, 44.4, 23.3, 64.3),
        _row("ORM iter 2", 75.9, 69.2, 54.0, 34.6, 67.2),
    ),
    "two": (
        _row(_MASK_RCNN, 88.2, 86.3, 69.1, 58.2, 82.3),
        _row("CompNet", 77.8, 67.3, 51.0, 26.3, 66.9),
        _row("ORM iter 1", 78.0, 75.3, 65.4, 45.6, 72.9),
        _row("ORM iter 2", 78.0, 75.3, 65.7, 47.2, 73.1),
    ),
    "four": (
        _row(_MASK_RCNN, 88.7, 88.0, 74.8, 63.0, 78.6, over="levels"),
        _row("CompNet", 76.7, 67.1, 50.2, 26.1, 56.0),
        _row("ORM iter 1", 75.2, 72.9, 61.9, 43.0, 65.0),
        _row("ORM iter 2", 75.2, 72.9, 62.2, 44.0, 65.3),
    ),
    "two-unknown": (
        _row(_MASK_RCNN, 90.5, 86.8, 72.2, 57.1, 76.7, over="levels"),
        _row("CompNet", 78.9, 72.2, 57.8, 36.0, 63.6),
        _row("ORM iter 1", 77.9, 73.3, 62.0, 41.7, 65.8),
        _row("ORM iter 2", 78.0, 73.3, 62.0, 41.7, 65.8),
    ),
}

AMODAL: dict[PublishedData, tuple[PublishedRow, ...]] = {
    "kins": (
        _row(_PCNET, 83.1, 77.5, 68.5, 51.6, 70.2, over="levels"),
        _row("BBTP", 77.9, 71.6, 67.0, 67.8, 71.1, over="levels"),
        _row("CompNet", 76.6, 76.1, 75.9, 74.7, 76.2),
        _row("ORM iter 2", 76.9, 76.4, 76.5, 76.5, 76.7),
    ),
    "two": (
        _row(_PCNET, 82.4, 81.0, 69.3, 47.0, 70.0, over="levels"),
        _row("BBTP", 80.5, 73.6, 69.5, 72.8, 74.1, over="levels"),
        _row("CompNet", 78.0, 76.6, 75.0, 72.1, 76.7),
        _row("ORM iter 1", 79.9, 80.0, 79.2, 77.7, 79.7),
        _row("ORM iter 2", 79.9, 80.0, 79.3, 78.1, 79.7),
    ),
    "four": (
        _row(_PCNET, 87.2, 79.3, 63.7, 41.3, 67.9, over="levels"),
        _row("BBTP", 80.5, 71.9, 64.0, 66.0, 70.6, over="levels"),
        _row("CompNet", 77.3, 75.4, 74.1, 71.4, 74.8),
        _row("ORM iter 1", 78.6, 78.9, 78.1, 76.6, 78.2),
        _row("ORM iter 2", 80.0, 80.0, 79.3, 78.1, 79.5),
    ),
    "two-unknown": (
        _row("BBTP", 83.7, 77.3, 67.9, 60.6, 72.4, over="levels"),
        _row("CompNet", 78.4, 78.1, 76.1, 71.9, 76.5),
        _row("ORM iter 1", 78.6, 78.0, 76.2, 72.1, 76.6),
        _row("ORM iter 2", 78.5, 78.1, 76.2, 72.1, 76.6),
    ),
}

ORDER_ABLATION: dict[PublishedData, dict[str, tuple[float, float]]] = {
    "two": {"NOD (no order)": (70.5, 77.8), "OD (order, iter 2)": (73.1, 79.7)},
    "four": {"NOD (no order)": (58.5, 75.2), "OD (order, iter 2)": (65.3, 79.5)},
    "two-unknown": {"NOD (no order)": (65.0, 76.5), "OD (order, iter 2)": (65.8, 76.6)},
}
"""Table 3: means over objects of visible and whole masks."""
