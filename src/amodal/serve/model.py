"""What is served: a method, and a detector for photos that come without boxes."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float64, UInt8

from amodal.errors import AmodalError, InputError
from amodal.methods.finds import as_found
from amodal.methods.together import done_together
from amodal.scene import BoxKind, Scene
from amodal.segmenter import Segmenter, load
from amodal.serve.line import Job

if TYPE_CHECKING:
    from amodal.methods.detect import Detections


@dataclass(frozen=True)
class Finder:
    """A detector by its name; its boxes hold what `boxes_are` says."""

    name: str
    find: Callable[[UInt8[np.ndarray, "h w 3"], float], Detections]
    boxes_are: BoxKind


@dataclass(frozen=True)
class Served:
    """Jobs in, scenes out. `max_object_megapixels`: see `Settings`."""

    segmenter: Segmenter
    model: str
    finder: Finder | None = None
    max_object_megapixels: float = 64.0

    def scenes(self, jobs: Sequence[Job]) -> list[Scene | Exception]:
        """The scene of each job, or what kept it from having one: a bad photo does not harm its neighbours."""
        answers: list[Scene | Exception | None] = [None] * len(jobs)
        asked: dict[BoxKind, list[_Asked]] = {}
        for number, job in enumerate(jobs):
            try:
                one = self._asked(number, job)
            except Exception as error:
                answers[number] = error
            else:
                asked.setdefault(one.boxes_are, []).append(one)
        for alike in asked.values():
            for some in self._parts(alike):
                for one, answer in zip(some, done_together(some, self._segmented), strict=True):
                    answers[one.number] = answer
        return [answer for answer in answers if answer is not None]

    def warm_up(self) -> None:
        """Work once: the first photo takes several times longer than others."""
        photo = np.random.default_rng(0).integers(0, 256, (96, 128, 3), np.uint8)
        for boxes in (np.array([[16.0, 16.0, 100.0, 80.0]]), *([None] if self.finder else [])):
            for answer in self.scenes([Job(photo, boxes, (None,))]):
                if isinstance(answer, Exception):
                    raise answer

    def _asked(self, number: int, job: Job) -> _Asked:
        if job.boxes is not None:
            one = _Asked(number, job.photo, job.boxes, job.labels, job.boxes_are)
        elif self.finder is None:
            raise InputError("", "boxes", "are missing", "expected them: this server has no detector")
        else:
            found = self.finder.find(job.photo, job.least_score)
            one = _Asked(number, job.photo, found.boxes, found.labels, self.finder.boxes_are, found.scores)
        if one.megapixels > self.max_object_megapixels:
            expected = f"expected at most {self.max_object_megapixels:g}; send a smaller photo or fewer boxes"
            raise InputError("", "boxes", f"cover {one.megapixels:.3g} megapixels together", expected)
        return one

    def _parts(self, asked: Sequence[_Asked]) -> list[list[_Asked]]:
        """In their order, as many at once as the memory for one photo's objects allows."""
        parts: list[list[_Asked]] = []
        room = 0.0
        for one in asked:
            room -= one.megapixels
            if not parts or room < 0:
                parts.append([])
                room = self.max_object_megapixels - one.megapixels
            parts[-1].append(one)
        return parts

    def _segmented(self, asked: Sequence[_Asked]) -> list[Scene]:
        scenes = self.segmenter.segment_batch(
            [one.photo for one in asked],
            [one.boxes for one in asked],
            [one.labels for one in asked],
            boxes_are=asked[0].boxes_are,
        )
        return [as_found(scene.validate(), one.scores) for one, scene in zip(asked, scenes, strict=True)]


@dataclass(frozen=True, eq=False)
class _Asked:
    number: int
    photo: UInt8[np.ndarray, "h w 3"]
    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str | None, ...]
    boxes_are: BoxKind
    scores: Float64[np.ndarray, " n"] | None = None

    @property
    def megapixels(self) -> float:
        """Of all boxes, as far as they lie inside the photo."""
        height, width = self.photo.shape[:2]
        corners = np.clip(self.boxes, 0, [width, height, width, height])
        return float(np.prod(corners[:, 2:] - corners[:, :2], axis=1).sum()) / 1e6


def load_served(
    model: str | os.PathLike[str] = "default",
    method: str | None = None,
    detector: str = "default",
    max_object_megapixels: float = 64.0,
    device: str = "cpu",
    refine: str | None = None,
) -> Served:
    """Load a method and a detector, named as `amodal predict` does; "none" for no detector.

    `device` as in `amodal.load`; `refine`: None for the method's own.

    Raises:
        InputError: no such method or detector, or a file that is no model.
    """
    segmenter = load(model, method, device=device, **({} if refine is None else {"refine": refine}))
    return Served(segmenter, os.fspath(model), _finder(detector), max_object_megapixels)


def _finder(name: str) -> Finder | None:
    if name == "none":
        return None
    from amodal.networks.detector import family_detector, is_shipped

    if name == "default" and not is_shipped():
        return None
    own = family_detector(name)
    if own is not None:
        return Finder(own.network.name, own, own.boxes_are)
    from amodal.methods.detect import load_detector

    try:
        return Finder(name, load_detector(name), "visible")
    except InputError as error:
        raise AmodalError(f"{error}, or none") from error
