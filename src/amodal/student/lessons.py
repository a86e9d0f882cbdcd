"""What the student learns from: synthetic occlusion of objects whose masks the teacher drew.

Half of the pictures are scenes of the challenge's generator, with objects that the teacher cut out. In the other half a
fully visible object stays where it was photographed, so that its own outline is no seam, and things are pasted over it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from amodal.challenge import Backgrounds, Sources, compose, render
from amodal.challenge.balance import Scenario
from amodal.challenge.pieces import MOST_ENLARGED, Piece, cut_out_piece, texture_piece
from amodal.challenge.render import overlap, paste
from amodal.challenge.sources import CutOut
from amodal.errors import InputError
from amodal.features.lattice import as_xyxy
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.reasoning.evidence import Window
from amodal.student.teacher import Pupil

_SCENARIOS: tuple[Scenario, ...] = ("two", "four", "two-unknown")
_IN_PLACE = 0.5
_OCCLUDERS = (0.2, 0.5, 0.3)  # chance of none, one, two over an object in place
_TEXTURE = 0.25  # of these, how many are of unknown kind
_AREA_RATIO = (0.25, 2.0)  # of an occluder to what it covers
_HIDDEN = (0.03, 0.85)
_PLACES = 16
_JITTERED, _JITTER = 0.25, 0.02  # so many boxes are a little off, by so much of their sides
_LEAST_VISIBLE_PX = 32
_LEAST_SIDE_PX = 16.0


@dataclass(frozen=True, eq=False)
class Target:
    """What is true of one object on a window of the picture; outside of it the object is absent.

    `seen` and `whole` are 0 or 1 per pixel; `weight` says how sure the teacher is.
    """

    window: Window
    seen: Bool[np.ndarray, "h w"]
    whole: Bool[np.ndarray, "h w"]
    weight: Float32[np.ndarray, "h w"] | None = None


@dataclass(frozen=True, eq=False)
class Lesson:
    """A picture with boxes of whole objects; a target of None is an object that only stands by."""

    photo: UInt8[np.ndarray, "h w 3"]
    boxes: Float[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    targets: tuple[Target | None, ...]


class Lessons:
    """Draws lessons; all chance comes from the generator that is passed."""

    def __init__(self, pupils: Sequence[Pupil], backgrounds: Backgrounds, cut_outs: Sources) -> None:
        self.pupils, self.backgrounds, self.cut_outs = tuple(pupils), backgrounds, cut_outs
        counts = Counter(pupil.label for pupil in pupils)
        weights = np.array([counts[pupil.label] ** -0.5 for pupil in pupils])
        self.chances = weights / weights.sum()
        self.ids = sorted(self.cut_outs.objects)
        counts = Counter(self.cut_outs.objects[id].label for id in self.ids)
        weights = np.array([counts[self.cut_outs.objects[id].label] ** -0.5 for id in self.ids])
        self.cut_out_chances = weights / weights.sum()
        self.of_class = [
            Sources({id: cut_out for id, cut_out in self.cut_outs.objects.items() if cut_out.label == label})
            for label, count in sorted(counts.items())
            if count >= 50
        ]

    def __call__(self, rng: np.random.Generator) -> Lesson:
        """One lesson."""
        lesson = self.in_place(rng) if rng.random() < _IN_PLACE else self.scene(rng)
        return _varied(lesson, rng)

    def scene(self, rng: np.random.Generator) -> Lesson:
        """A scene of the challenge, of cut-outs of one class or of all."""
        one_class = self.of_class and rng.random() < 0.5
        sources = self.of_class[int(rng.integers(len(self.of_class)))] if one_class else self.cut_outs
        scenario = _SCENARIOS[int(rng.integers(len(_SCENARIOS)))]
        photo, scene = render(compose(rng, scenario, "free", sources, self.backgrounds), sources, self.backgrounds)
        known = [instance for instance in scene.instances if instance.meta["known"]]
        return Lesson(
            photo,
            np.array([instance.box for instance in known], np.float64).reshape(-1, 4),
            tuple(instance.label for instance in known),
            tuple(_target(instance.modal, instance.amodal) for instance in known),
        )

    def in_place(self, rng: np.random.Generator) -> Lesson:
        """A photo with a fully visible object, and things pasted over it."""
        pupil = self.pupils[int(rng.choice(len(self.pupils), p=self.chances))]
        photo = read_photo(pupil.path).copy()
        whole = pupil.probability > 0.5
        frame = np.zeros(photo.shape[:2], bool)
        x0, y0, x1, y1 = pupil.window
        frame[y0:y1, x0:x1] = whole
        pasted: list[tuple[Piece, Bool[np.ndarray, "h w"]]] = []
        for _ in range(int(rng.choice(3, p=_OCCLUDERS))):
            piece = self._occluder(rng, frame, pupil)
            if piece is not None:
                covered = paste(photo, piece.placed, self.cut_outs, self.backgrounds)
                pasted = [(other, seen & ~covered) for other, seen in pasted] + [(piece, covered)]
        hidden = np.zeros(photo.shape[:2], bool)
        for _, seen in pasted:
            hidden |= seen
        targets: list[Target | None] = [None] * len(pupil.others)
        weight = np.abs(2 * pupil.probability - 1) ** 0.5
        own = Target(pupil.window, whole & ~hidden[y0:y1, x0:x1], whole, weight.astype(np.float32))
        boxes, labels = [*pupil.others, pupil.box], [*pupil.other_labels, pupil.label]
        targets.append(own)
        for piece, seen in pasted:
            if piece.placed.known and np.count_nonzero(seen) >= _LEAST_VISIBLE_PX:
                mask = CropMask.from_crop(piece.shape, piece.placed.x, piece.placed.y, *photo.shape[:2])
                boxes.append(as_xyxy(np.asarray(mask.box, np.float64)))
                labels.append(piece.placed.label)
                targets.append(_target(CropMask.from_dense(seen), mask))
        return Lesson(photo, np.array(boxes, np.float64).reshape(-1, 4), tuple(labels), tuple(targets))

    def _occluder(self, rng: np.random.Generator, frame: Bool[np.ndarray, "h w"], pupil: Pupil) -> Piece | None:
        """A thing at a place where it hides a part of the object, which `frame` shows."""
        height, width = frame.shape
        area = float(np.count_nonzero(frame))
        wanted = area * math.exp(rng.uniform(*np.log(_AREA_RATIO)))
        if rng.random() < _TEXTURE:
            piece = texture_piece(rng, self.cut_outs, self.backgrounds, wanted, height - 2, width - 2)
        else:
            id = self.ids[int(rng.choice(len(self.ids), p=self.cut_out_chances))]
            cut_out = self.cut_outs.objects[id]
            scale = min(math.sqrt(wanted / cut_out.mask.area), MOST_ENLARGED)
            piece = cut_out_piece(rng, self.cut_outs, "object", id, scale)
        if piece is None:
            return None
        x0, y0, x1, y1 = pupil.window
        for _ in range(_PLACES):
            x = int(rng.integers(x0 - piece.placed.width + 1, x1))
            y = int(rng.integers(y0 - piece.placed.height + 1, y1))
            seen, cut = overlap(x, y, piece.placed.width, piece.placed.height, width, height)
            hidden = np.count_nonzero(frame[seen] & piece.shape[cut]) / area
            inside = np.count_nonzero(piece.shape[cut]) / piece.area
            if _HIDDEN[0] <= hidden <= _HIDDEN[1] and inside >= 0.6:
                return piece.at(x, y)
        return None


def cut_outs_of(pupils: Sequence[Pupil], least_tightness: float, least_sureness: float) -> Sources:
    """The believed ones (see `StudentConfig`) as things to paste, numbered from 1.

    Raises `InputError` where none is left.
    """
    found = {}
    for id, pupil in enumerate(pupils, start=1):
        if pupil.believed(least_tightness, least_sureness):
            height, width = read_photo(pupil.path).shape[:2]
            mask = CropMask.from_crop(pupil.probability > 0.5, pupil.window[0], pupil.window[1], height, width)
            found[id] = CutOut(id, pupil.label, pupil.path, mask)
    if not found:
        raise InputError("student", "objects", "the teacher's masks are not good enough to learn from", "expected some")
    return Sources(found)


def _target(seen: CropMask, whole: CropMask) -> Target:
    return Target(whole.box, seen.to_crop(whole.box), whole.to_crop(whole.box))


def _varied(lesson: Lesson, rng: np.random.Generator) -> Lesson:
    """Lighter or darker, mirrored or not, blurred or compressed so that seams say less; boxes a bit off."""
    photo, boxes, targets = lesson.photo, lesson.boxes.copy(), lesson.targets
    sides = boxes[:, 2:] - boxes[:, :2]
    off = rng.normal(0, _JITTER, boxes.shape) * np.tile(sides, 2) * (rng.random((len(boxes), 1)) < _JITTERED)
    boxes += off
    photo = cv2.convertScaleAbs(photo, alpha=rng.uniform(0.8, 1.2), beta=max(0.0, rng.uniform(-20, 20)))
    if rng.random() < 0.3:
        photo = cv2.GaussianBlur(photo, (0, 0), rng.uniform(0.4, 1.2))
    if rng.random() < 0.5:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(50, 96))]
        photo = np.asarray(cv2.imdecode(cv2.imencode(".jpg", photo, quality)[1], cv2.IMREAD_COLOR), np.uint8)
    if rng.random() < 0.5:
        width = photo.shape[1]
        photo = np.ascontiguousarray(photo[:, ::-1])
        boxes = np.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], axis=1)
        targets = tuple(None if target is None else _mirrored(target, width) for target in targets)
    return Lesson(photo, boxes, lesson.labels, targets)


def _mirrored(target: Target, width: int) -> Target:
    x0, y0, x1, y1 = target.window
    weight = None if target.weight is None else target.weight[:, ::-1]
    return Target((width - x1, y0, width - x0, y1), target.seen[:, ::-1], target.whole[:, ::-1], weight)
