"""Many photos, method `orm`: from JPEG files to parts by worker processes, beside their backbones alone.

Worker processes stand ready, as `amodal predict --workers` has them, each with its share of the photos. In turns,
there and back again, all of them do at once
(predict) units of photos to parts: decoding, crops, backbone, maps, reasoning, encoding, writing; or
(backbone) the passes of the same units over the very same batches of crops, and nothing else.
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from amodal.bench.machine import peak_mb
from amodal.bench.street import Street, make_street
from amodal.bench.timing import Measurement, ratios
from amodal.data.parts import PARTS
from amodal.processor import cores
from amodal.scale.chunks import with_chunk
from amodal.scale.jobs import PhotoJob, Unit, units_of
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked, Tools, do_unit, scenes_of_jobs
from amodal.scale.workers import set_threads

PHOTOS = 21  # of each worker
WHAT = ("backbone", "predict")
COUNTS = (5, 3, 8, 4, 6, 9, 7)
SIZES = (1.0, 0.75, 0.55)
_NAME = "many"


@dataclass(frozen=True)
class Turns:
    """What was measured of some workers.

    Attributes:
        photos, crops, passes: of all workers together, in one turn.
        wall, cpu: seconds of each turn by the clock and, of all workers together, by their processors.
        peak_mb: the most that a worker ever had in memory, of the largest one.
    """

    photos: int
    crops: int
    passes: int
    wall: dict[str, list[float]]
    cpu: dict[str, list[float]]
    peak_mb: float


def measure(model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds."""
    workers = cores()
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(make_streets(Path(folder)), PHOTOS * workers, Path(folder) / "photos.jsonl")
        asked = with_chunk(Asked(model, "orm", {"refine": "none"}, None), Path(folder), 1)
        found = measured_in_turns(jobs_of(source), asked, workers, 1, rounds=2, seconds=seconds)
    rates = {what: [found.photos / one for one in found.wall[what]] for what in WHAT}
    shares = {"": found.wall, ", by processor time": found.cpu}
    told = f"{workers} workers of one thread"
    return [
        Measurement.of(_NAME, f"orm, file to part, {told}", rates["predict"], "photos/s", "more"),
        Measurement.of(_NAME, f"backbone alone (the limit), {told}", rates["backbone"], "photos/s", "more"),
        Measurement(_NAME, "crops of a pass, on average", round(found.crops / found.passes, 2), "crops", "more"),
        *(
            Measurement.of(
                _NAME,
                f"share of the limit{how}",
                [100 * share for share in ratios(taken["backbone"], taken["predict"])],
                "%",
                "more",
                digits=1,
            )
            for how, taken in shares.items()
        ),
        Measurement(_NAME, "memory of a worker, at most", round(found.peak_mb, 1), "MB"),
    ]


def make_streets(folder: Path, *, small: float = 1.0) -> list[Street]:
    """Photos of 375 × 1242 with 3 to 9 overlapping objects; `small` shrinks the objects further."""
    return [make_street(count, folder, size=size * small) for size in SIZES for count in COUNTS]


def write_jsonl(streets: Sequence[Street], photos: int, path: Path) -> Path:
    """A source of so many photos: the same files again and again, each time under a key of its own."""
    with path.open("w") as lines:
        for number in range(photos):
            street = streets[number % len(streets)]
            boxes = [
                {"box": box, "class": label} for box, label in zip(street.boxes.tolist(), street.labels, strict=True)
            ]
            entry = {"key": f"{number:07d}", "file": street.path.name, "boxes": boxes}
            lines.write(json.dumps(entry) + "\n")
    return path


def jobs_of(source: Path) -> list[PhotoJob]:
    """All photos of a source, numbered."""
    return [job for unit in units_of(open_sources([source]), 10**9) for job in unit.jobs]


def measured_in_turns(
    jobs: Sequence[PhotoJob], asked: Asked, workers: int, threads: int, *, rounds: int = 3, seconds: float = 0
) -> Turns:
    """At least so many rounds, and more until the time is over; the first of each, unmeasured, comes on top."""
    with _workers(jobs, asked, workers, threads) as ends:
        ready = [end.recv() for end in ends]
        wall: dict[str, list[float]] = {what: [] for what in WHAT}
        cpu: dict[str, list[float]] = {what: [] for what in WHAT}
        until, done = time.perf_counter() + seconds, 0
        while done < rounds or time.perf_counter() < until:
            for what in WHAT if done % 2 == 0 else reversed(WHAT):
                started = time.perf_counter()
                for end in ends:
                    end.send(what)
                cpu[what].append(sum(end.recv() for end in ends))
                wall[what].append(time.perf_counter() - started)
            done += 1
        for end in ends:
            end.send(None)
        peaks = [end.recv() for end in ends]
    crops, passes = (sum(one[name] for one in ready) for name in ("crops", "passes"))
    return Turns(len(jobs), crops, passes, wall, cpu, max(peaks))


@contextmanager
def _workers(jobs: Sequence[PhotoJob], asked: Asked, workers: int, threads: int) -> Iterator[list[Connection]]:
    context = multiprocessing.get_context("spawn")
    pairs = [context.Pipe() for _ in range(workers)]
    processes = [
        context.Process(target=_work, args=(there, Unit(n, tuple(jobs[n::workers])), asked, threads), daemon=True)
        for n, (_, there) in enumerate(pairs)
    ]
    try:
        for process in processes:
            process.start()
        for _, there in pairs:
            there.close()  # so that a worker that dies is an end of its pipe here, and nobody waits for it
        yield [here for here, _ in pairs]
    finally:
        for process in processes:
            process.terminate()
            process.join()


def _work(end: Connection, unit: Unit, asked: Asked, threads: int) -> None:
    """A worker: says how many crops there are, then does what it is told and says how much processor it took."""
    set_threads(threads)
    tools = Tools(asked)
    batches = _recorded(unit, tools)
    backbone: Any = tools.segmenter.model.backbone  # type: ignore[attr-defined]
    from amodal.features.crops import run_backbone

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / PARTS).mkdir()
        do_unit(unit, tools, Path(folder), "jsonl")
        end.send({"crops": sum(map(len, batches)), "passes": len(batches)})
        while (what := end.recv()) is not None:
            before = time.process_time()
            if what == "predict":
                do_unit(unit, tools, Path(folder), "jsonl")
            else:
                for batch in batches:
                    run_backbone(backbone, batch)
            end.send(time.process_time() - before)
    end.send(peak_mb())


def _recorded(unit: Unit, tools: Tools) -> list[np.ndarray]:
    """The batches of crops that the unit's photos give."""
    from amodal.features import crops as module

    crops: Any = module  # its function is replaced for a while
    batches: list[np.ndarray] = []
    original = crops.run_backbone

    def record(backbone: Any, batch: np.ndarray) -> Any:
        batches.append(batch)
        return original(backbone, batch)

    crops.run_backbone = record
    try:
        scenes_of_jobs(unit.jobs, tools)
    finally:
        crops.run_backbone = original
    return batches
