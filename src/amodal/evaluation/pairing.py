"""Which prediction speaks of which photo, and of which true object."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePath

import numpy as np
from jaxtyping import Float64

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.scene import XYXY, Instance, Scene

SAME_BOX = 0.95  # boxes that were given come back the same but for rounding
LEAST_IOU = 0.5

Pairing = dict[int, Instance | None]


def pair(truth: Truth, predicted: Scene | None) -> Pairing:
    """The predicted object of every true one that methods are given; None where there is none.

    Where boxes were given, a prediction has the box of its object (IoU of at least .95): then the same id
    counts, then the same class. Else greedily by the IoU of boxes, at least .5, the same class first. No
    prediction is used twice. The order in which objects are given changes nothing. What was predicted from visible
    boxes is paired by those, where truth knows them.
    """
    found: Pairing = {one.id: None for one in truth.given}
    if predicted is None or not found or not predicted.instances:
        return found
    true = truth.given
    iou = _overlaps(truth, predicted)
    rows, columns = np.nonzero(iou >= LEAST_IOU)
    ranked = []
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        one, other, overlap = true[row], predicted.instances[column], float(iou[row, column])
        same_box, same_class = overlap >= SAME_BOX, one.label == other.label
        rank = (not same_box, not (same_box and one.id == other.id), not same_class, -overlap, -other.score)
        ranked.append((rank, one.id, other.id, other))
    used: set[int] = set()
    for _, one_id, other_id, candidate in sorted(ranked, key=lambda entry: entry[:3]):
        if found[one_id] is None and other_id not in used:
            found[one_id] = candidate
            used.add(other_id)
    return found


def pair_all(truths: Sequence[Truth], predictions: Sequence[Scene]) -> list[Pairing]:
    """`pair` for every photo, predictions found by their photo's name."""
    aligned = align(truths, predictions)
    return [pair(truth, scene) for truth, scene in zip(truths, aligned, strict=True)]


def align(truths: Sequence[Truth], predictions: Sequence[Scene]) -> list[Scene | None]:
    """The prediction for each truth, by file name (by the whole name where file names repeat); None if missing.

    Where no photo on either side has a name, the two belong together in the order in which they stand.

    Raises:
        InputError: a prediction for an unknown photo, two for one, or of another size than its photo.
    """
    if _nameless(truths, predictions):
        aligned: list[Scene | None] = list(predictions)
    else:
        aligned = _by_name(truths, predictions)
    for truth, scene in zip(truths, aligned, strict=True):
        if scene is not None and (scene.height, scene.width) != (truth.scene.height, truth.scene.width):
            found = f"are {scene.width} × {scene.height} px (width × height)"
            expected = f"expected {truth.scene.width} × {truth.scene.height} as the photo"
            raise InputError("predictions", f"{scene.image or 'scene'}: masks", found, expected)
    return aligned


def known_classes(truths: Sequence[Truth]) -> set[str]:
    """Every class that a prediction may name."""
    classes = {one.label for truth in truths for one in truth.given}
    return classes.union(*(truth.classes | truth.unannotated for truth in truths))


def check_classes(truths: Sequence[Truth], predictions: Sequence[Scene]) -> None:
    """Make sure that both sides speak of the same classes; truth may have some that are never predicted.

    Raises:
        InputError: a prediction of a class that truth does not know.
    """
    known = known_classes(truths)
    for scene in predictions:
        for one in scene.instances:
            if one.label not in known:
                found = f"is {one.label!r}, a class that truth does not know"
                expected = f"expected one of {', '.join(sorted(known)) or 'none'}"
                raise InputError("predictions", f"{scene.image or 'scene'}: object {one.id}: label", found, expected)


def boxes_of(instances: Sequence[Instance]) -> Float64[np.ndarray, "n 4"]:
    """XYXY boxes as an array."""
    return np.array([one.box for one in instances], np.float64).reshape(-1, 4)


def box_iou(first: Float64[np.ndarray, "n 4"], second: Float64[np.ndarray, "m 4"]) -> Float64[np.ndarray, "n m"]:
    """Intersection over union of every box with every other."""
    common = box_intersection(first, second)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (first, second)]
    union = areas[0][:, None] + areas[1][None] - common
    return np.asarray(np.divide(common, union, out=np.zeros_like(common), where=union > 0))


def box_intersection(
    first: Float64[np.ndarray, "n 4"], second: Float64[np.ndarray, "m 4"]
) -> Float64[np.ndarray, "n m"]:
    """Common area of every box with every other."""
    upper_left = np.maximum(first[:, None, :2], second[None, :, :2])
    lower_right = np.minimum(first[:, None, 2:], second[None, :, 2:])
    sides = np.clip(lower_right - upper_left, 0, None)
    return np.asarray(sides[..., 0] * sides[..., 1])


def visible_box_of(scene: Scene, one: Instance) -> XYXY | None:
    """The visible box that a method was given for this object of its scene; None where boxes were of whole objects."""
    return one.box if scene.boxes_are == "visible" else one.visible_box


def _overlaps(truth: Truth, predicted: Scene) -> Float64[np.ndarray, "true predicted"]:
    """IoU of boxes of one kind, as far as truth allows: visible ones with visible ones, else all as they are."""
    true, found = truth.given, predicted.instances
    iou = box_iou(boxes_of(true), boxes_of(found))
    visible = [visible_box_of(predicted, one) for one in found]
    if truth.scene.boxes_are == "visible":
        seen = boxes_of(true)
    elif "modal" in truth.knows:
        seen = np.array([one.modal.box for one in true], np.float64)
    else:
        return iou
    given = np.array([column for column, box in enumerate(visible) if box is not None], np.int64)
    iou[:, given] = box_iou(seen, np.array([box for box in visible if box is not None], np.float64).reshape(-1, 4))
    return iou


def _nameless(truths: Sequence[Truth], predictions: Sequence[Scene]) -> bool:
    named = any(truth.scene.image for truth in truths) or any(scene.image for scene in predictions)
    return not named and len(truths) == len(predictions)


def _by_name(truths: Sequence[Truth], predictions: Sequence[Scene]) -> list[Scene | None]:
    file_names = [_file_name(truth.scene) for truth in truths]
    short = len(set(file_names)) == len(file_names)
    place: dict[str, int] = {}
    for index, truth in enumerate(truths):
        name = file_names[index] if short else truth.scene.image or ""
        if name in place:
            raise InputError("truth", name or "a photo without a name", "found twice", "expected each photo once")
        place[name] = index
    aligned: list[Scene | None] = [None] * len(truths)
    for scene in predictions:
        name = _file_name(scene) if short else scene.image or ""
        if name not in place:
            found = f"{scene.image!r} is no photo of the truth" if scene.image else "a photo has no name"
            raise InputError("predictions", "image", found, f"expected some of its {len(truths)} photos")
        if aligned[place[name]] is not None:
            raise InputError("predictions", "image", f"{scene.image!r} is there twice", "expected each photo once")
        aligned[place[name]] = scene
    return aligned


def _file_name(scene: Scene) -> str:
    return PurePath(scene.image or "").name
