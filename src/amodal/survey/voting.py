"""Annotators of the same photos: how far they agree, and the mask that most of them drew [KINS, Table 3]."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from amodal import rle
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.progress import Progress
from amodal.scene import Instance, Scene

VOTE = "majority vote"
LEAST_PAIR_IOU = 0.1  # below this overlap alone does not make two outlines one object
Key = tuple[str, int]  # photo, and the object's id in the first file
Annotations = Mapping[Key, Instance]


@dataclass(frozen=True)
class Agreement:
    """Mean IoU of whole masks between annotators.

    Attributes:
        rows, columns: annotators' names; the last of each is the majority vote where there are two and more.
        matrix: [row][column] mean IoU over the objects that both drew, 0 where their masks share no pixel; None where
            they share no object.
        counts: [row][column] over how many objects.
        missing: annotator -> the objects (photo, id) that others drew and it did not.
        doubtful: (photo, id, mean IoU of the annotator who agrees least with the others), the worst first.
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    matrix: tuple[tuple[float | None, ...], ...]
    counts: tuple[tuple[int, ...], ...]
    missing: dict[str, tuple[Key, ...]]
    doubtful: tuple[tuple[str, int, float], ...]


def agreement(
    first: Mapping[str, Annotations],
    second: Mapping[str, Annotations] | None = None,
    *,
    doubtful_below: float = 0.5,
    progress: Progress | None = None,
) -> Agreement:
    """Compare every annotator of one stage with every one of another; without `second`, of one stage with each other.

    The majority votes of each stage take part as one more annotator. Within one stage a vote holds the mask it is
    compared with, so those numbers are higher than between stages.
    """
    columns = _with_vote(first)
    rows = columns if second is None else _with_vote(second)
    scores: list[list[list[float]]] = []
    for done, ours in enumerate(rows.values(), start=1):
        scores.append([[ours[key].amodal.iou(one[key].amodal) for key in _both(ours, one)] for one in columns.values()])
        if progress is not None:
            progress("comparing annotators", done, len(rows))
    people = {**first, **(second or {})}
    return Agreement(
        rows=tuple(rows),
        columns=tuple(columns),
        matrix=tuple(tuple(fmean(cell) if cell else None for cell in row) for row in scores),
        counts=tuple(tuple(map(len, row)) for row in scores),
        missing=_missing(people),
        doubtful=_doubtful(people, doubtful_below),
    )


def voted(stage: Mapping[str, Annotations]) -> dict[Key, Instance]:
    """For every object the pixels that more than half of those who drew it have; visible ones inside whole ones.

    An object that half of the annotators or fewer drew is left out, and so is one of which they share no pixel.
    """
    return {key: one for key, one in _votes(stage).items() if not one.amodal.is_empty}


def majority(masks: Sequence[CropMask]) -> CropMask:
    """The pixels that more than half of the masks have."""
    height, width = masks[0].height, masks[0].width
    parts = [mask.intervals() for mask in masks]
    starts, ends = (np.concatenate(side) for side in zip(*parts, strict=True))
    places, at = np.unique(np.concatenate((starts, ends)), return_inverse=True)
    change = np.zeros(len(places), np.int64)
    np.add.at(change, at, np.repeat([1, -1], [len(starts), len(ends)]))
    wins = 2 * np.cumsum(change) > len(masks)
    begins = np.flatnonzero(wins & ~np.roll(wins, 1))  # the last place is never won: all have ended there
    finishes = np.flatnonzero(~wins & np.roll(wins, 1))
    runs = rle.intervals_to_runs((places[begins], places[finishes]), height * width)
    return CropMask.from_coco_rle({"size": [height, width], "counts": runs.tolist()})


def annotations_of(truths: Sequence[Truth], reference: Annotations | None = None) -> dict[Key, Instance]:
    """One annotator's objects by photo and id.

    With a `reference`, an object gets the id of the reference's object that it stands for. Ids are believed in a photo
    where most of them name overlapping objects (10 % IoU); the others are paired by overlap, one to one. What is left
    is of the same id, however badly it overlaps, or is the only object of its class left over on both sides: that is
    a disagreement, not another object. All else stands for itself.

    Raises:
        InputError: a photo comes twice.
    """
    found: dict[Key, Instance] = {}
    known: dict[str, list[Instance]] = {}
    for (name, _), instance in (reference or {}).items():
        known.setdefault(name, []).append(instance)
    photos: set[str] = set()
    for truth in truths:
        name = truth.scene.image or ""
        if name in photos:
            raise InputError(name or "scene", "photo", "comes twice", "expected each photo once in a file")
        photos.add(name)
        theirs = known.get(name, [])
        for id, instance in _renamed(truth.given, theirs) if reference is not None else _by_id(truth.given):
            found[name, id] = instance
    return found


def scenes_of_votes(votes: Annotations, photos: Iterable[Truth]) -> list[Scene]:
    """The voted objects as scenes, without an order."""
    inside: dict[str, list[Instance]] = {}
    for (name, id), one in votes.items():
        inside.setdefault(name, []).append(replace(one, id=id))
    scenes = []
    for truth in photos:
        photo, objects = truth.scene, tuple(inside.get(truth.scene.image or "", ()))
        scenes.append(Scene(photo.height, photo.width, objects, image=photo.image, exclusive=False))
    return scenes


def _by_id(objects: Sequence[Instance]) -> list[tuple[int, Instance]]:
    return [(one.id, one) for one in objects]


def _renamed(objects: Sequence[Instance], reference: Sequence[Instance]) -> list[tuple[int, Instance]]:
    """Every object with the id that it has in the reference, or one that nothing has there."""
    left, theirs = {one.id: one for one in objects}, {one.id: one for one in reference}
    new_id: dict[int, int] = {}

    def pair(ours: int, other: int) -> None:
        new_id[ours] = other
        del left[ours], theirs[other]

    same = [id for id in left if id in theirs]
    fitting = [id for id in same if left[id].amodal.iou(theirs[id].amodal) >= LEAST_PAIR_IOU]
    if 2 * len(fitting) > len(same):
        for id in fitting:
            pair(id, id)
    overlaps = [(one.amodal.iou(other.amodal), a, b) for a, one in left.items() for b, other in theirs.items()]
    for iou, ours, other in sorted(overlaps, key=lambda pair: (-pair[0], pair[1], pair[2])):
        if iou >= LEAST_PAIR_IOU and ours in left and other in theirs:
            pair(ours, other)
    for id in [id for id in left if id in theirs]:
        pair(id, id)
    for label in {one.label for one in left.values()}:
        ours_of, theirs_of = ([id for id, one in side.items() if one.label == label] for side in (left, theirs))
        if len(ours_of) == len(theirs_of) == 1:
            pair(ours_of[0], theirs_of[0])
    taken = {one.id for one in reference}
    free = max([*taken, *(one.id for one in objects), 0]) + 1
    for id in left:
        new_id[id] = id if id not in taken else free
        free += id in taken
    return [(new_id[one.id], one) for one in objects]


def _votes(stage: Mapping[str, Annotations]) -> dict[Key, Instance]:
    """What `voted` gives, and empty masks where most drew an object but no pixel has a majority."""
    drawn: dict[Key, list[Instance]] = {}
    for person in stage.values():
        for key, instance in person.items():
            drawn.setdefault(key, []).append(instance)
    found = {}
    for key, instances in drawn.items():
        if 2 * len(instances) <= len(stage):
            continue
        whole = majority([one.amodal for one in instances])
        seen = majority([one.modal for one in instances]).intersection(whole)
        found[key] = replace(instances[0], box=whole.box, amodal=whole, modal=seen)
    return found


def _with_vote(stage: Mapping[str, Annotations]) -> dict[str, Annotations]:
    return {**stage, VOTE: _votes(stage)} if len(stage) > 1 else dict(stage)


def _both(one: Annotations, other: Annotations) -> list[Key]:
    return [key for key in one if key in other and _same_frame(one[key], other[key])]


def _same_frame(one: Instance, other: Instance) -> bool:
    if (one.amodal.height, one.amodal.width) == (other.amodal.height, other.amodal.width):
        return True
    sizes = " and ".join(f"{mask.height} × {mask.width}" for mask in (one.amodal, other.amodal))
    raise InputError("consistency", f"object {one.id}", f"is drawn on photos of {sizes} px", "expected one size")


def _missing(people: Mapping[str, Annotations]) -> dict[str, tuple[Key, ...]]:
    drawn = {key for person in people.values() for key in person}
    return {name: tuple(sorted(drawn - person.keys())) for name, person in people.items()}


def _doubtful(people: Mapping[str, Annotations], below: float) -> tuple[tuple[str, int, float], ...]:
    found = []
    for key in {key for person in people.values() for key in person}:
        drawn = [person[key].amodal for person in people.values() if key in person]
        if len(drawn) > 1:
            others = (drawn[:k] + drawn[k + 1 :] for k in range(len(drawn)))
            worst = min(fmean(one.iou(other) for other in rest) for one, rest in zip(drawn, others, strict=True))
            if worst < below:
                found.append((*key, worst))
    return tuple(sorted(found, key=lambda entry: (entry[2], entry[0], entry[1])))
