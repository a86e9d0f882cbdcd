"""One unit of photos made into one part: all that a worker does, whichever process or machine it is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np

from amodal.data.part_rows import row_of
from amodal.data.parts import PARTS, Kind, write_rows
from amodal.errors import AmodalError
from amodal.methods.finds import as_found
from amodal.methods.together import done_together
from amodal.scale.batches import CROPS, CROPS_OF_A_GPU, batches_of
from amodal.scale.decode import Loaded, loaded_ahead
from amodal.scale.jobs import Failure, PhotoJob, Unit
from amodal.scene import BoxKind, Scene
from amodal.segmenter import Segmenter, load

Told = Callable[[int], None]
"""That so many photos more are done."""


@dataclass(frozen=True)
class Asked:
    """What shall be done with every photo; plain values, so that it can be sent to other processes.

    Attributes:
        model, method, settings: as `amodal.load` takes them.
        detector: finds the objects of photos without boxes; None where the method finds them itself.
        least_score: score from which a detected object counts.
        boxes_are: overrules what the detector's boxes hold.
        chunk: crops of a backbone pass; None for the method's own. A run decides it once, for all its processes.
        device: where the method works, see `amodal.segmenter.device_of`.
    """

    model: str = "default"
    method: str = "orm"
    settings: Mapping[str, Any] = field(default_factory=dict)
    detector: str | None = "default"
    least_score: float = 0.5
    boxes_are: BoxKind | None = None
    chunk: int | None = None
    device: str = "cpu"


@dataclass(frozen=True)
class Finished:
    """What became of a unit.

    Attributes:
        number: of the unit.
        digest: of what the source said of its photos.
        file: of the part.
        rows, objects: how many photos have a scene, and how many objects these hold.
        first, last: key of its first and last photo.
        failures: the other photos.
    """

    number: int
    digest: str
    file: str
    photos: int
    rows: int
    objects: int
    first: str
    last: str
    failures: tuple[Failure, ...]

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return asdict(self)

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Finished:
        """What `to_json` gave."""
        failures = tuple(Failure(**failure) for failure in said["failures"])
        return cls(**{**said, "failures": failures})


class Tools:
    """The segmenter, and the detector as soon as a photo needs one."""

    def __init__(self, asked: Asked) -> None:
        self.asked = asked
        self.segmenter: Segmenter = load(asked.model, asked.method, device=asked.device, **asked.settings)
        if asked.chunk is not None:
            _set_chunk(self.segmenter, asked.chunk)
        self._finder: Any = None

    def found(self, loaded: Loaded) -> _Given:
        """The photo's boxes, its own or the detector's."""
        if loaded.boxed is not None:
            return _Given(loaded, loaded.boxed.boxes, loaded.boxed.labels, loaded.boxed.boxes_are)
        if self.asked.detector is None:
            return _Given(loaded, np.zeros((0, 4)), (), "amodal")
        if self._finder is None:
            from amodal.networks.detector import finder_named

            self._finder = finder_named(self.asked.detector)
        finder, boxes_are = self._finder
        found = finder(loaded.photo, self.asked.least_score)
        return _Given(loaded, found.boxes, found.labels, self.asked.boxes_are or boxes_are, found.scores)


def _set_chunk(segmenter: Any, chunk: int) -> None:
    """Let its backbone, if it has one for crops, take so many a pass."""
    backbone = getattr(getattr(segmenter, "model", None), "backbone", None)
    if backbone is not None:
        backbone.chunk = chunk


def do_unit(
    unit: Unit, tools: Tools, folder: Path, kind: Kind, threads: int = 1, told: Told = lambda _: None
) -> Finished:
    """Look at the photos of a unit and write its part into `folder`; the same unit gives the same part.

    Args:
        unit: the photos.
        tools: what looks at them.
        folder: of the results; its `parts` is there.
        kind: of part.
        threads: that decode.
        told: called as photos are done.

    Raises:
        InputError: the part cannot be written. What is wrong with a photo is among the failures.
    """
    scenes, failures = scenes_of_jobs(unit.jobs, tools, threads, told)
    rows = [row_of(scenes[job.number], job.number, job.key) for job in unit.jobs if job.number in scenes]
    file = f"part-{unit.number:06d}.{kind}"
    write_rows(rows, folder / PARTS / file, kind)
    objects = sum(len(scene) for scene in scenes.values())
    first, last = unit.jobs[0].key, unit.jobs[-1].key
    return Finished(unit.number, unit.digest(), file, len(unit.jobs), len(rows), objects, first, last, tuple(failures))


def scenes_of_jobs(
    jobs: Sequence[PhotoJob], tools: Tools, threads: int = 1, told: Told = lambda _: None
) -> tuple[dict[int, Scene], list[Failure]]:
    """The scene of each photo by its number, and the photos that have none, in the order given."""
    failures: list[Failure] = []

    def usable() -> Iterator[Loaded]:
        for one in loaded_ahead(jobs, threads):
            if isinstance(one, Failure):
                failures.append(one)
                told(1)
            else:
                yield one

    scenes: dict[int, Scene] = {}
    for batch in batches_of(usable(), CROPS if tools.asked.device == "cpu" else CROPS_OF_A_GPU):
        for outcome in _segmented(batch, tools):
            if isinstance(outcome, Failure):
                failures.append(outcome)
            else:
                number, scenes[number] = outcome[0], outcome[1]
        told(len(batch))
    return scenes, sorted(failures, key=lambda failure: failure.number)


@dataclass(frozen=True, eq=False)
class _Given:
    """A photo with the objects to segment."""

    loaded: Loaded
    boxes: np.ndarray
    labels: Sequence[str | None]
    boxes_are: BoxKind
    scores: np.ndarray | None = None


def _segmented(batch: Sequence[Loaded], tools: Tools) -> Iterator[tuple[int, Scene] | Failure]:
    given: list[_Given] = []
    for loaded in batch:
        try:
            given.append(tools.found(loaded))
        except AmodalError as error:
            yield Failure.of(loaded.job, str(error))
    for _, alike in groupby(sorted(given, key=lambda one: one.boxes_are), lambda one: one.boxes_are):
        yield from _together(list(alike), tools.segmenter)


def _together(given: Sequence[_Given], segmenter: Segmenter) -> Iterator[tuple[int, Scene] | Failure]:
    # Whatever is raised: a run of a million photos does not end with one of them.
    for one, found in zip(given, done_together(given, partial(_scenes, segmenter)), strict=True):
        job = one.loaded.job
        if isinstance(found, Scene):
            named = replace(_without_maps(found), image=job.name)
            yield job.number, as_found(named, one.scores)
        else:
            reason = str(found) if isinstance(found, AmodalError) else f"{type(found).__name__}: {found}"
            yield Failure.of(job, reason)


def _scenes(segmenter: Segmenter, given: Sequence[_Given]) -> list[Scene]:
    photos, boxes = [one.loaded.photo for one in given], [one.boxes for one in given]
    scenes = segmenter.segment_batch(photos, boxes, [one.labels for one in given], boxes_are=given[0].boxes_are)
    return [scene.validate() for scene in scenes]


def _without_maps(scene: Scene) -> Scene:
    """Maps and claims are drawn and never stored."""
    return scene.with_instances([replace(item, posterior=None, claimed=None) for item in scene.instances])
