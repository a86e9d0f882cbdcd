"""Means by level of occlusion: the table of the papers, with both of the means that they mix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, Int64

from amodal.scene import LEVELS

UNKNOWN = "unknown"  # the level of an object of which only the visible mask is known


@dataclass(frozen=True)
class LevelTable:
    """Means in percent; nan where there is nothing to average.

    Attributes:
        levels: level -> mean over its objects.
        counts: level -> how many objects.
        mean_levels: plain mean of the levels that have objects.
        mean_objects: mean over all objects, those of unknown level included.
        objects: how many objects.
        per_class: class -> its own table (which has none).
    """

    levels: Mapping[str, float]
    counts: Mapping[str, int]
    mean_levels: float
    mean_objects: float
    objects: int
    per_class: Mapping[str, LevelTable] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Plain values, rounded to a hundredth of a percent; None where there is nothing to average."""
        content: dict[str, object] = {
            "levels": {level: rounded(mean) for level, mean in self.levels.items()},
            "counts": dict(self.counts),
            "mean_levels": rounded(self.mean_levels),
            "mean_objects": rounded(self.mean_objects),
            "objects": self.objects,
        }
        if self.per_class:
            content["per_class"] = {label: table.to_json() for label, table in self.per_class.items()}
        return content


def level_table(
    values: Float64[np.ndarray, " objects"], levels: Sequence[str], labels: Sequence[str] | None = None
) -> LevelTable:
    """Average values between 0 and 1 by level, and by class where labels are given; nan values are left out."""
    counted = ~np.isnan(values)
    at = np.asarray(levels, dtype=object)
    means, counts = {}, {}
    for level in LEVELS:
        chosen = values[counted & (at == level)]
        counts[level] = len(chosen)
        means[level] = 100 * float(chosen.mean()) if len(chosen) else float("nan")
    present = [mean for level, mean in means.items() if counts[level]]
    per_class = {}
    if labels is not None:
        of = np.asarray(labels, dtype=object)
        for label in sorted(set(labels)):
            own = of == label
            if (own & counted).any():
                per_class[label] = level_table(values[own], at[own].tolist())
    return LevelTable(
        levels=means,
        counts=counts,
        mean_levels=sum(present) / len(present) if present else float("nan"),
        mean_objects=100 * float(values[counted].mean()) if counted.any() else float("nan"),
        objects=int(counted.sum()),
        per_class=per_class,
    )


def level_sums(
    values: Float64[np.ndarray, " objects"],
    levels: Sequence[str],
    images: Int64[np.ndarray, " objects"],
    image_count: int,
) -> tuple[Float64[np.ndarray, "images 5"], Float64[np.ndarray, "images 5"]]:
    """Sum and number of the values of each photo, by level; the fifth column holds objects of unknown level."""
    counted = ~np.isnan(values)
    column = np.array([LEVELS.index(level) if level in LEVELS else len(LEVELS) for level in levels], np.int64)
    cell = (images * (len(LEVELS) + 1) + column)[counted]
    size = image_count * (len(LEVELS) + 1)
    sums = np.bincount(cell, weights=values[counted], minlength=size).reshape(image_count, -1)
    counts = np.bincount(cell, minlength=size).reshape(image_count, -1).astype(np.float64)
    return sums, counts


def rounded(value: float, digits: int = 2) -> float | None:
    """For JSON, which knows no nan."""
    return None if np.isnan(value) else round(float(value), digits)
