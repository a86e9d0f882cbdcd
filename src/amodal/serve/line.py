"""The line of photos before the model: bounded, in batches, one thread at work."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float64, UInt8

from amodal.scene import BoxKind, Scene
from amodal.serve.errors import Busy, Stopping
from amodal.serve.meters import Meters
from amodal.serve.settings import Settings
from amodal.threads import ModelThread

MOST_SECONDS = 60  # to be sent away for
_LATEST = 0.2  # weight of the last batch in what a photo takes
_log = logging.getLogger(__name__)


@dataclass(eq=False)
class Job:
    """A photo and the objects asked about; without boxes a detector finds them. `answer` will be its scene."""

    photo: UInt8[np.ndarray, "h w 3"]
    boxes: Float64[np.ndarray, "n 4"] | None
    labels: tuple[str | None, ...] = ()
    boxes_are: BoxKind = "amodal"
    least_score: float = 0.5
    answer: Future[Scene] = field(default_factory=Future)

    @property
    def megapixels(self) -> float:
        """Of the photo."""
        height, width = self.photo.shape[:2]
        return float(height * width / 1e6)


# Scenes, or what kept a photo from having one, in the order of the jobs.
Work = Callable[[Sequence[Job]], Sequence[Scene | Exception]]


class Place:
    """A place in the line, to be filled once."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self.megapixels = 0.0
        self.is_filled = False

    def put(self, job: Job) -> Future[Scene]:
        """Let the job stand in line.

        Raises:
            Busy: its photo is too much beside those that wait.
        """
        self._line.put(job, self)
        return job.answer


class Line:
    """Jobs in the order they came. `prepare` runs first in the model's thread; ready once it is through."""

    def __init__(
        self,
        work: Work,
        prepare: Callable[[], None],
        settings: Settings,
        meters: Meters,
        thread: ModelThread | None = None,
    ) -> None:
        self._work, self._prepare, self._settings, self._meters = work, prepare, settings, meters
        self._waiting: deque[Job] = deque()
        self._changed = threading.Condition()
        self._held = 0  # places given away
        self._coming = 0  # of these, whose photo is not in line yet
        self._megapixels = 0.0
        self._seconds_per_photo = 1.0
        self._is_measured = self._is_stopped = self._is_prepared = False
        self._thread = thread or ModelThread()
        self._running: Future[None] | None = None
        meters.line_length.set_function(lambda: self._held)

    def start(self) -> None:
        """Begin to work."""
        self._running = self._thread.submit(self._run)

    def stop(self) -> None:
        """End after the batch at work; who still waits is told."""
        with self._changed:
            self._is_stopped = True
            left = list(self._waiting)
            self._waiting.clear()
            self._changed.notify_all()
        for job in left:
            if job.answer.set_running_or_notify_cancel():
                job.answer.set_exception(Stopping("The server is being stopped; ask again when it is back."))
        self._thread.end()

    @property
    def is_alive(self) -> bool:
        """Whether the model's thread runs: if not, only a restart helps."""
        return self._running is not None and not self._running.done()

    @property
    def is_ready(self) -> bool:
        """Whether a photo that comes now would be taken."""
        return self.is_alive and self._is_prepared and not self._is_stopped and not self.is_full

    @property
    def is_full(self) -> bool:
        """Whether all places are taken."""
        return self._held >= self._settings.queue_photos

    def busy(self) -> Busy:
        """The refusal: when to come again follows from what is in line and how fast it moves."""
        seconds = math.ceil(max(self._held, 1) * self._seconds_per_photo)
        return Busy(min(max(seconds, 1), MOST_SECONDS))

    @contextmanager
    def place(self) -> Iterator[Place]:
        """A place for as long as the block runs.

        Raises:
            Busy: there is none left.
        """
        with self._changed:
            if self.is_full:
                raise self.busy()
            self._held += 1
            self._coming += 1
        place = Place(self)
        try:
            yield place
        finally:
            with self._changed:
                self._held -= 1
                self._megapixels -= place.megapixels
                if not place.is_filled:
                    self._coming -= 1
                    self._changed.notify_all()

    def put(self, job: Job, place: Place) -> None:
        """As `Place.put`."""
        with self._changed:
            if self._is_stopped:
                raise Stopping("The server is being stopped; ask again when it is back.")
            if self._megapixels and self._megapixels + job.megapixels > self._settings.queue_megapixels:
                raise self.busy()
            place.is_filled, place.megapixels = True, job.megapixels
            self._megapixels += job.megapixels
            self._coming -= 1
            self._waiting.append(job)
            self._changed.notify_all()

    def _run(self) -> None:
        try:
            self._prepare()
            self._is_prepared = True
            while (jobs := self._next_batch()) is not None:
                if jobs:
                    self._answer(jobs)
        except Exception:
            _log.exception("the model cannot work")

    def _next_batch(self) -> list[Job] | None:
        """Wait for jobs, and a moment for more while others are on their way; None at the end."""
        with self._changed:
            while not self._waiting and not self._is_stopped:
                self._changed.wait()
            ends = time.monotonic() + self._settings.wait_ms / 1000
            while self._coming and len(self._fitting()) == len(self._waiting) < self._settings.batch_photos:
                left = ends - time.monotonic()
                if left <= 0 or self._is_stopped or not self._changed.wait(left):
                    break
            if self._is_stopped:
                return None
            taken = self._fitting()
            for _ in taken:
                self._waiting.popleft()
        return [job for job in taken if job.answer.set_running_or_notify_cancel()]

    def _fitting(self) -> list[Job]:
        """The first jobs that are one batch together."""
        fitting: list[Job] = []
        objects = 0
        for job in self._waiting:
            objects += _EXPECTED if job.boxes is None else len(job.boxes)
            if fitting and (len(fitting) == self._settings.batch_photos or objects > self._settings.batch_objects):
                break
            fitting.append(job)
        return fitting

    def _answer(self, jobs: Sequence[Job]) -> None:
        started = time.perf_counter()
        try:
            answers = self._work(jobs)
        except Exception as error:
            answers = [error] * len(jobs)
        seconds = time.perf_counter() - started
        self._measure(seconds / len(jobs))
        for job, answer in zip(jobs, answers, strict=True):
            if isinstance(answer, Exception):
                job.answer.set_exception(answer)
            else:
                job.answer.set_result(answer)
        self._meters.batch(len(jobs), [len(one) for one in answers if isinstance(one, Scene)], seconds)

    def _measure(self, seconds: float) -> None:
        last = self._seconds_per_photo if self._is_measured else seconds
        self._seconds_per_photo = last + _LATEST * (seconds - last)
        self._is_measured = True


_EXPECTED = 8  # objects of a photo whose boxes a detector is to find
