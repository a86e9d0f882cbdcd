from __future__ import annotations

import contextlib
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.ap import Precision, average_precision
from amodal.masks import CropMask
from amodal.scene import Scene
from helpers.generated_scenes import CLASSES, SIZE, generated

KINDS = ("det", "amodal", "inmodal")
FULL = CropMask.from_dense(np.ones((SIZE, SIZE), bool))


def by_pycocotools(truths: Sequence[Truth], predictions: Sequence[Scene], kind: str) -> Precision:
    """The oracle; what is to be ignored becomes a crowd."""
    categories = [{"id": number, "name": name} for number, name in enumerate(CLASSES, start=1)]
    true: list[dict[str, Any]] = []
    for image, truth in enumerate(truths, start=1):
        for one in truth.scene.instances:
            mask = one.modal if kind == "inmodal" else one.amodal
            true.append(annotation(image, one.label, one.box, mask, one.id in truth.unscored))
        for label in CLASSES:
            for region in truth.ignore:
                true.append(annotation(image, label, region.box, region, True))
            if label in truth.unannotated:
                true.append(annotation(image, label, (0, 0, SIZE, SIZE), FULL, True))
    found = []
    for image, scene in enumerate(predictions, start=1):
        for one in scene.instances:
            mask = one.modal if kind == "inmodal" else one.amodal
            found.append({**annotation(image, one.label, one.box, mask, False), "score": one.score})
    sides = []
    for entries in (true, found):
        for number, entry in enumerate(entries, start=1):
            entry["id"] = number
        coco = COCO()
        images = [{"id": n + 1, "height": SIZE, "width": SIZE} for n in range(len(truths))]
        coco.dataset = {"images": images, "categories": categories, "annotations": entries}
        with contextlib.redirect_stdout(io.StringIO()):
            coco.createIndex()
        sides.append(coco)
    evaluator = COCOeval(*sides, iouType="bbox" if kind == "det" else "segm")
    evaluator.params.areaRng, evaluator.params.areaRngLbl, evaluator.params.maxDets = [[0, 1e10]], ["all"], [100]
    with contextlib.redirect_stdout(io.StringIO()):
        evaluator.evaluate()
        evaluator.accumulate()
    values = evaluator.eval["precision"][:, :, :, 0, 0]
    per_class = {name: 100 * values[:, :, k].mean() for k, name in enumerate(CLASSES) if (values[:, :, k] > -1).any()}
    means = [100 * part[part > -1].mean() if (part > -1).any() else math.nan for part in (values, values[0], values[5])]
    return Precision(*means, per_class)


def annotation(image: int, label: str, box: Sequence[float], mask: CropMask, crowd: bool) -> dict[str, Any]:
    x0, y0, x1, y1 = box
    return {
        "image_id": image,
        "category_id": CLASSES.index(label) + 1,
        "bbox": [x0, y0, x1 - x0, y1 - y0],
        "area": 1.0,
        "iscrowd": int(crowd),
        "segmentation": mask.to_coco_rle(),
    }


@pytest.mark.parametrize(("photos", "objects", "doubtful"), [(130, 45, False), (130, 45, True), (2, 500, True)])
def test_ap_equals_pycocotools_on_thousands_of_generated_detections(photos: int, objects: int, doubtful: bool) -> None:
    truths, predictions = generated(photos, objects, np.random.default_rng(photos), doubtful=doubtful)
    found = average_precision(truths, predictions)
    # Cases are detections: the first two runs have more than 10,000, each under every kind of mask.
    assert sum(map(len, predictions)) > (5_000 if photos > 100 else 300)
    for kind in KINDS:
        expected = by_pycocotools(truths, predictions, kind)
        assert (found[kind].ap, found[kind].ap50, found[kind].ap75) == pytest.approx(
            (expected.ap, expected.ap50, expected.ap75), abs=1e-12
        ), kind
        assert dict(found[kind].per_class) == pytest.approx(dict(expected.per_class), abs=1e-12)


@pytest.mark.parametrize("seed", range(40))
def test_ap_equals_pycocotools_on_a_few_photos(seed: int) -> None:
    truths, predictions = generated(4, 4, np.random.default_rng(1000 + seed), doubtful=seed % 2 == 0)
    found = average_precision(truths, predictions)
    for kind in KINDS:
        expected = by_pycocotools(truths, predictions, kind)
        assert found[kind].ap == pytest.approx(expected.ap, abs=1e-12, nan_ok=True)


def test_truth_itself_has_full_precision() -> None:
    truths, _ = generated(20, 4, np.random.default_rng(3))
    seen = [
        replace(truth, scene=truth.scene.with_instances([o for o in truth.given if o.modal.area])) for truth in truths
    ]
    found = average_precision(seen, [truth.scene for truth in seen])
    assert [found[kind].ap for kind in KINDS] == [100.0] * 3


def test_no_predictions_have_precision_zero() -> None:
    truths, _ = generated(5, 4, np.random.default_rng(4))
    assert [scores.ap for scores in average_precision(truths, []).values()] == [0.0] * 3


def test_truth_without_objects_has_no_precision() -> None:
    truths, predictions = generated(5, 4, np.random.default_rng(5))
    empty = [replace(truth, scene=truth.scene.with_instances([])) for truth in truths]
    assert math.isnan(average_precision(empty, predictions)["det"].ap)


def test_predictions_of_a_class_that_a_photo_lacks_annotation_of_are_no_mistakes() -> None:
    truths, predictions = generated(30, 5, np.random.default_rng(6))
    best = [truth.scene for truth in truths]
    spoilt = [
        scene.with_instances([*scene.instances, *(replace(o, id=o.id + 99, score=2.0) for o in other.instances)])
        for scene, other in zip(best, predictions, strict=True)
    ]
    partial = [replace(truth, unannotated=frozenset(CLASSES)) for truth in truths]
    clean = [scene.with_instances([replace(o, score=3.0) for o in scene.instances]) for scene in best]
    joined = [a.with_instances([*a.instances, *b.instances[len(a) :]]) for a, b in zip(clean, spoilt, strict=True)]
    assert average_precision(truths, joined)["det"].ap == 100.0  # the extra ones come last, whatever they are
    assert average_precision(truths, spoilt)["det"].ap < 90
    assert average_precision(partial, spoilt)["det"].ap > average_precision(truths, spoilt)["det"].ap


def test_only_kinds_that_truth_knows_are_there() -> None:
    truths, predictions = generated(5, 4, np.random.default_rng(7))
    boxes = [replace(truth, knows=frozenset({"boxes", "order"})) for truth in truths]
    assert list(average_precision(boxes, predictions)) == ["det"]


def test_a_predicted_class_that_truth_does_not_know_is_refused() -> None:
    truths, predictions = generated(5, 4, np.random.default_rng(8))
    place = next(n for n, scene in enumerate(predictions) if scene.instances)
    strange = replace(predictions[place].instances[0], label="zebra")
    predictions[place] = predictions[place].with_instances([strange])
    with pytest.raises(InputError, match=r"predictions: .*label: is 'zebra', .* expected one of bus, car, person"):
        average_precision(truths, predictions)


def test_hidden_objects_are_no_part_of_truth() -> None:
    truths, _ = generated(10, 4, np.random.default_rng(9))
    hidden = [replace(truth, hidden=frozenset(one.id for one in truth.scene.instances[:1])) for truth in truths]
    rest = [truth.scene.with_instances(truth.given) for truth in hidden]
    assert average_precision(hidden, rest)["det"].ap == 100.0
