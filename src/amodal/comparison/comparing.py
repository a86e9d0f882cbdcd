"""`compare`: several methods over the same photos, run and scored alike."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amodal.comparison.running import Labels, Run, run_method
from amodal.comparison.specs import MethodSpec
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.ap import Precision, average_precision
from amodal.evaluation.calibration import Calibration, edge_calibration
from amodal.evaluation.classification import Classification, classification
from amodal.evaluation.levels import rounded
from amodal.evaluation.masks import MaskScores, mask_scores
from amodal.evaluation.order import RULES, OrderScores, order_scores, rule_scores
from amodal.images import photo_size
from amodal.progress import Progress
from amodal.segmenter import load

MASKS = ("modal", "amodal", "occluded", "modal_boundary", "amodal_boundary", "box")
LEAST_OVERLAPS = {"all": 0.0, "overlap > 5 %": 0.05}
"""Pairs whose whole masks share hardly a pixel have no order to speak of; both are told."""


@dataclass(frozen=True, eq=False)
class MethodResult:
    """What one method did and how well, as far as truth knows.

    Attributes:
        run: what it did.
        masks: of every scored object.
        order: by which pairs count; empty where truth knows no order.
        classes: of labels that it chose; None where labels were given.
        precision: AP by kind.
        edges: calibration of the probabilities of its order; that of its maps is the run's.
    """

    run: Run
    masks: MaskScores | None
    order: dict[str, OrderScores]
    classes: Classification | None
    precision: dict[str, Precision]
    edges: Calibration | None

    @property
    def name(self) -> str:
        """The row's title."""
        return self.run.spec.name

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        spec, run = self.run.spec, self.run
        content: dict[str, Any] = {
            "name": spec.name,
            "method": spec.method,
            "model": Path(spec.model).name,
            "settings": dict(spec.settings)
            | ({"visible": "truth"} if spec.sees_truth else {})
            | ({"boxes": "visible"} if spec.visible_boxes else {}),
            "seconds_per_photo": None if math.isnan(run.seconds_per_photo) else round(run.seconds_per_photo, 4),
            "failures": [{"photo": failure.photo, "reason": failure.reason} for failure in run.failures],
        }
        if self.masks is not None:
            content["masks"] = _masks_json(self.masks)
            groups = self.masks.by_group()
            if groups:
                content["groups"] = {name: _masks_json(masks) for name, masks in groups.items()}
        if self.order:
            content["order"] = {
                pairs: scores.to_json() | {"intervals_95": _intervals(scores.intervals())}
                for pairs, scores in self.order.items()
            }
        if self.classes is not None:
            content["classes"] = self.classes.by_level().to_json() | {
                "intervals_95": _intervals(self.classes.intervals())
            }
        content["ap"] = {kind: precision.to_json() for kind, precision in self.precision.items()}
        calibration = {"posteriors": run.calibration, "edges": self.edges}
        content["calibration"] = {name: found.to_json() for name, found in calibration.items() if found is not None}
        return content


@dataclass(frozen=True, eq=False)
class Comparison:
    """Every method's results over the same photos, and what two rules say of the order by boxes alone."""

    truths: tuple[Truth, ...]
    labels: Labels
    results: tuple[MethodResult, ...]
    rules: dict[str, dict[str, OrderScores]]

    @property
    def knows(self) -> frozenset[str]:
        """What the truth knows of any of its photos."""
        return frozenset[str]().union(*(truth.knows for truth in self.truths))

    def to_json(self) -> dict[str, Any]:
        """Plain values; None where there is nothing to average."""
        scored = [one for truth in self.truths for one in truth.scored]
        return {
            "data": {
                "photos": len(self.truths),
                "objects": sum(len(truth.given) for truth in self.truths),
                "scored": len(scored),
                "classes": dict(sorted(Counter(one.label for one in scored).items())),
                "knows": sorted(self.knows),
            },
            "labels": self.labels,
            "methods": [result.to_json() for result in self.results],
            "rules": {
                rule: {
                    pairs: scores.to_json() | {"intervals_95": _intervals(scores.intervals())}
                    for pairs, scores in by_pairs.items()
                }
                for rule, by_pairs in self.rules.items()
            },
        }


def compare(
    truths: Sequence[Truth],
    methods: Sequence[MethodSpec],
    out: Path,
    *,
    labels: Labels = "given",
    progress: Progress | None = None,
) -> Comparison:
    """Run every method over the photos with true boxes (and labels, unless "none") and score it.

    Predictions are kept in OUT/predictions and used again by the same recipe (see `running`). A photo that a method
    fails on is listed and its objects count as missed.

    Raises:
        InputError: photos missing or of another size than truth says, photos of one name, no method, a model that
            cannot be loaded, no place to write.
    """
    check_photos(truths)
    if not methods:
        raise InputError("compare", "methods", "found none", "expected at least one")
    for spec in methods:  # what cannot be loaded is told before the others' hours of work
        load(spec.model, spec.method, **dict[str, Any](spec.settings))
    runs = [run_method(spec, truths, out / "predictions", labels, progress) for spec in methods]
    results = []
    for number, run in enumerate(runs, start=1):
        results.append(scored(truths, run, labels))
        if progress is not None:
            progress("scoring", number, len(runs))
    rules = {
        name: {pairs: rule_scores(truths, rule, least) for pairs, least in LEAST_OVERLAPS.items()}
        for name, rule in RULES.items()
    }
    knows_order = any("order" in truth.knows for truth in truths)
    return Comparison(tuple(truths), labels, tuple(results), rules if knows_order else {})


def scored(truths: Sequence[Truth], run: Run, labels: Labels = "given") -> MethodResult:
    """A run with its scores, as far as the truths go."""
    # A class that the data set lacks is a wrong answer, not an error.
    words = frozenset(run.classes) | {one.label for scene in run.scenes for one in scene.instances}
    truths = [replace(truth, classes=truth.classes | words) for truth in truths]
    knows = frozenset[str]().union(*(truth.knows for truth in truths))
    order = (
        {pairs: order_scores(truths, run.scenes, least) for pairs, least in LEAST_OVERLAPS.items()}
        if "order" in knows
        else {}
    )
    everything = order.get("all")
    return MethodResult(
        run=run,
        masks=mask_scores(truths, run.scenes) if "modal" in knows else None,
        order=order,
        classes=classification(truths, run.scenes) if labels == "none" else None,
        precision=average_precision(truths, run.scenes),
        edges=edge_calibration(everything) if everything is not None and len(everything.right) else None,
    )


def check_photos(truths: Sequence[Truth]) -> None:
    """All photos are there and of the size that truth says; asked before hours of work.

    Raises:
        InputError: naming the photo.
    """
    if not truths:
        raise InputError("compare", "photos", "found none", "expected at least one")
    names: set[str] = set()
    for truth in truths:
        scene = truth.scene
        if truth.path is None or not scene.image:
            raise InputError("compare", scene.image or "photo", "the truth names no photo", "expected one to look at")
        if scene.image in names:
            raise InputError("compare", scene.image, "is there twice", "expected every photo once")
        names.add(scene.image)
        size = photo_size(truth.path)
        if size != (scene.width, scene.height):
            found = f"is {size[0]} × {size[1]} px (width × height)"
            raise InputError(str(truth.path), "photo", found, f"expected {scene.width} × {scene.height} as truth says")


def _masks_json(masks: MaskScores) -> dict[str, Any]:
    return {
        what: masks.by_level(what).to_json() | {"intervals_95": _intervals(masks.intervals(what))}
        for what in MASKS
        if masks.by_level(what).objects
    }


def _intervals(found: dict[str, tuple[float, float]]) -> dict[str, list[float | None]]:
    return {name: [rounded(low), rounded(high)] for name, (low, high) in found.items()}
