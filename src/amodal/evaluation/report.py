"""Every metric that truth and predictions allow, as a table to read and as plain values."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from amodal.data.truth import Truth
from amodal.evaluation.ap import Precision, average_precision
from amodal.evaluation.calibration import Calibration, edge_calibration, occlusion_calibration, posterior_calibration
from amodal.evaluation.classification import Correction, before_and_after, classification
from amodal.evaluation.intervals import Interval
from amodal.evaluation.levels import UNKNOWN, LevelTable, rounded
from amodal.evaluation.masks import BOUNDARY_PX, mask_scores
from amodal.evaluation.order import RULES, OrderScores, order_scores, rule_scores
from amodal.evaluation.pairing import align, check_classes
from amodal.progress import Progress
from amodal.scene import LEVELS, Scene

_MASKS = {
    "modal": "visible mask, IoU",
    "amodal": "whole mask, IoU",
    "occluded": "hidden part, IoU",
    "modal_boundary": "visible outline, F",
    "amodal_boundary": "whole outline, F",
    "box": "whole box, IoU",
}


@dataclass(frozen=True)
class Levelled:
    """A table by level with its intervals."""

    table: LevelTable
    intervals: Mapping[str, Interval]

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        return {**self.table.to_json(), "intervals_95": _intervals_json(self.intervals)}


@dataclass(frozen=True)
class Report:
    """All scores of one prediction; what truth or prediction does not allow is None or empty.

    Attributes:
        photos, objects: how many photos truth has, and how many objects are scored in them.
        missing: photos of truth without a prediction; all their objects count as missed.
        masks: by the short name of what was compared ("modal", "amodal", "occluded", ...).
        classes: accuracy of labels.
        correction: the same before and after self-correction, where two predictions were given.
        order: of the prediction and of the trivial rules, by name.
        order_intervals: of the prediction.
        precision: AP by kind.
        posteriors, edges, occlusion: calibration.
        boundary_px: tolerance of the outlines' F.
        least_overlap: share of the smaller object by which a pair must overlap to count for the order.
    """

    photos: int
    objects: int
    missing: tuple[str, ...]
    masks: Mapping[str, Levelled]
    classes: Levelled | None
    correction: Correction | None
    order: Mapping[str, OrderScores]
    order_intervals: Mapping[str, Interval]
    precision: Mapping[str, Precision]
    posteriors: Calibration | None
    edges: Calibration | None
    occlusion: Calibration | None
    boundary_px: float | None
    least_overlap: float

    def to_json(self) -> dict[str, object]:
        """Plain values for JSON."""
        return {
            "photos": self.photos,
            "objects": self.objects,
            "missing_photos": list(self.missing),
            "boundary_px": self.boundary_px,
            "least_overlap": self.least_overlap,
            "masks": {what: levelled.to_json() for what, levelled in self.masks.items()},
            "classes": None if self.classes is None else self.classes.to_json(),
            "correction": None if self.correction is None else self.correction.to_json(),
            "order": {name: scores.to_json() for name, scores in self.order.items()},
            "order_intervals_95": _intervals_json(self.order_intervals),
            "ap": {kind: precision.to_json() for kind, precision in self.precision.items()},
            "calibration": {
                name: None if found is None else found.to_json()
                for name, found in (
                    ("posteriors", self.posteriors),
                    ("edges", self.edges),
                    ("occlusion", self.occlusion),
                )
            },
        }

    def text(self) -> str:
        """A table to read."""
        lines = [f"{self.photos} photos, {self.objects} objects scored; percent, 95 % intervals over photos"]
        if self.missing:
            names = ", ".join(self.missing[:3]) + (", ..." if len(self.missing) > 3 else "")
            lines.append(f"{len(self.missing)} photos without a prediction, all their objects missed: {names}")
        lines += self._mask_lines() + self._order_lines() + self._precision_lines()
        for name, found in (
            ("posteriors", self.posteriors),
            ("order edges", self.edges),
            ("being occluded", self.occlusion),
        ):
            if found is not None:
                lines.append(f"calibration error of {name} {_number(found.ece)} ({found.count})")
        return "\n".join(lines) + "\n"

    def _mask_lines(self) -> list[str]:
        rows = dict(self.masks)
        if self.classes is not None:
            rows["classes"] = self.classes
        if not rows:
            return []
        head = "".join(f"{level:>8}" for level in LEVELS) + "  mean_levels         mean_objects"
        lines = ["", f"{'':22}{head}"]
        for what, levelled in rows.items():
            table = levelled.table
            name = "class right" if what == "classes" else _MASKS[what]
            cells = "".join(f"{_number(table.levels[level]):>8}" for level in LEVELS)
            means = "  ".join(_with_interval(getattr(table, mean), levelled, mean) for mean in _MEANS)
            lines.append(f"{name:<22}{cells}  {means}")
        first = next(iter(rows.values())).table
        unknown = first.objects - sum(first.counts.values())
        counts = "".join(f"{first.counts[level]:>8}" for level in LEVELS)
        lines.append(f"{'objects':<22}{counts}  " + (f"{unknown} of {UNKNOWN} level" if unknown else ""))
        for what, levelled in self.masks.items():
            if what in ("modal", "amodal") and len(levelled.table.per_class) > 1:
                lines += ["", f"{_MASKS[what]}, by class"]
                for label, table in levelled.table.per_class.items():
                    cells = "".join(f"{_number(table.levels[level]):>8}" for level in LEVELS)
                    means = f"{_number(table.mean_levels):>13}{_number(table.mean_objects):>21}"
                    lines.append(f"  {label:<20}{cells}{means}  {table.objects:>6} objects")
        return lines

    def _order_lines(self) -> list[str]:
        if not self.order:
            return []
        lines = ["", f"{'order':<22}accuracy  precision  recall      F1  undecided   pairs"]
        for name, scores in self.order.items():
            values = (scores.accuracy, scores.precision, scores.recall, scores.f1, scores.undecided)
            cells = "".join(
                f"{_number(value):>{width}}" for value, width in zip(values, (8, 11, 8, 8, 11), strict=True)
            )
            lines.append(f"{name:<22}{cells}{scores.pairs:>8}")
        return lines

    def _precision_lines(self) -> list[str]:
        if not self.precision:
            return []
        lines = ["", f"{'AP':<22}      AP    AP50    AP75"]
        for kind, scores in self.precision.items():
            cells = "".join(f"{_number(value):>8}" for value in (scores.ap, scores.ap50, scores.ap75))
            lines.append(f"{kind:<22}{cells}")
        return lines


_MEANS = ("mean_levels", "mean_objects")


def evaluate(
    truths: Sequence[Truth],
    predictions: Sequence[Scene],
    *,
    before: Sequence[Scene] | None = None,
    boundary_px: float | None = BOUNDARY_PX,
    least_overlap: float = 0.0,
    draws: int = 1000,
    seed: int = 0,
    progress: Progress | None = None,
) -> Report:
    """Score predictions in every way that they and the truth allow.

    Args:
        truths: one for each photo.
        predictions: found by their photo's name.
        before: the same photos without self-correction, to compare classes with.
        boundary_px: tolerance of the outlines' F; None leaves it out.
        least_overlap: pairs count for the order only beyond this share of the smaller object.
        draws: of the bootstrap.
        seed: of the bootstrap.
        progress: told of each step.

    Raises:
        InputError: predictions for unknown photos, of another size, or of classes that truth does not know.
    """
    tell = progress or _tell_nobody
    steps = 4
    check_classes(truths, predictions)
    missing = [
        truth.scene.image or "" for truth, scene in zip(truths, align(truths, predictions), strict=True) if not scene
    ]
    knows = frozenset[str]().union(*(truth.knows for truth in truths))
    masks: dict[str, Levelled] = {}
    if "modal" in knows:
        scores = mask_scores(truths, predictions, boundary_px=boundary_px)
        for what in _MASKS:
            table = scores.by_level(what)
            if table.objects:
                masks[what] = Levelled(table, scores.intervals(what, draws, seed))
    tell("scoring", 1, steps)
    classes = classification(truths, predictions)
    correction = None if before is None else before_and_after(truths, before, predictions)
    tell("scoring", 2, steps)
    order: dict[str, OrderScores] = {}
    order_intervals: dict[str, Interval] = {}
    edges = None
    if "order" in knows:
        own = order_scores(truths, predictions, least_overlap)
        order["prediction"], order_intervals = own, own.intervals(draws, seed)
        order |= {name: rule_scores(truths, rule, least_overlap) for name, rule in RULES.items()}
        edges = edge_calibration(own) if len(own.right) else None
    tell("scoring", 3, steps)
    precision = average_precision(truths, predictions)
    posteriors = posterior_calibration(truths, predictions)
    occlusion = occlusion_calibration(truths, predictions)
    tell("scoring", steps, steps)
    return Report(
        photos=len(truths),
        objects=len(classes.right),
        missing=tuple(missing),
        masks=masks,
        classes=Levelled(classes.by_level(), classes.intervals(draws, seed)) if len(classes.right) else None,
        correction=correction,
        order=order,
        order_intervals=order_intervals,
        precision=precision,
        posteriors=posteriors if posteriors.count else None,
        edges=edges,
        occlusion=occlusion if occlusion.count else None,
        boundary_px=boundary_px,
        least_overlap=least_overlap,
    )


def _with_interval(mean: float, levelled: Levelled, name: str) -> str:
    low, high = levelled.intervals[name]
    text = _number(mean) if math.isnan(mean) else f"{_number(mean)} [{_number(low)}-{_number(high)}]"
    return f"{text:<18}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.1f}"


def _intervals_json(intervals: Mapping[str, Interval]) -> dict[str, object]:
    return {name: [rounded(low), rounded(high)] for name, (low, high) in intervals.items()}


def _tell_nobody(stage: str, done: int, total: int) -> None:
    """Without a listener."""
