"""Is the class right, the harder an object is to see? And does reasoning make it more often right?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64

from amodal.data.truth import Truth
from amodal.evaluation.intervals import Interval, level_intervals
from amodal.evaluation.levels import LevelTable, level_sums, level_table
from amodal.evaluation.masks import level_of
from amodal.evaluation.pairing import pair_all
from amodal.scene import Scene


@dataclass(frozen=True, eq=False)
class Classification:
    """One row for each scored object: whether its class was found (1) or not (0); a missing prediction is not."""

    right: Float64[np.ndarray, " objects"]
    levels: tuple[str, ...]
    labels: tuple[str, ...]
    images: Int64[np.ndarray, " objects"]
    image_count: int

    def by_level(self) -> LevelTable:
        """Accuracy in percent."""
        return level_table(self.right, self.levels, self.labels)

    def intervals(self, draws: int = 1000, seed: int = 0) -> dict[str, Interval]:
        """95 % bootstrap intervals over photos, in percent."""
        return level_intervals(*level_sums(self.right, self.levels, self.images, self.image_count), draws, seed)


@dataclass(frozen=True)
class Correction:
    """Classes before and after self-correction, and how many objects changed sides."""

    before: LevelTable
    after: LevelTable
    mended: int
    spoilt: int

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        tables = {"before": self.before.to_json(), "after": self.after.to_json()}
        return {**tables, "mended": self.mended, "spoilt": self.spoilt}


def classification(truths: Sequence[Truth], predictions: Sequence[Scene]) -> Classification:
    """Compare the classes of all scored objects; says something only where labels were not given.

    Raises:
        InputError: predictions for unknown photos or of another size.
    """
    rows = [
        (index, level_of(truth, one), one.label, pairing[one.id])
        for index, (truth, pairing) in enumerate(zip(truths, pair_all(truths, predictions), strict=True))
        for one in truth.scored
    ]
    return Classification(
        right=np.array([other is not None and other.label == label for _, _, label, other in rows], np.float64),
        levels=tuple(level for _, level, _, _ in rows),
        labels=tuple(label for _, _, label, _ in rows),
        images=np.array([index for index, _, _, _ in rows], np.int64),
        image_count=len(truths),
    )


def before_and_after(truths: Sequence[Truth], before: Sequence[Scene], after: Sequence[Scene]) -> Correction:
    """Classes by two predictions of the same photos: without and with self-correction."""
    first, second = classification(truths, before), classification(truths, after)
    return Correction(
        before=first.by_level(),
        after=second.by_level(),
        mended=int((second.right > first.right).sum()),
        spoilt=int((second.right < first.right).sum()),
    )
