"""Units to worker processes and parts back; a worker that dies is told, found out about and replaced.

Each worker is an executor of one process, so that it is known which unit was in its hands when it died. The photos of
such a unit are then tried one by one: what kills its process again is named, left out, and the unit is done without it.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing.sharedctypes import Synchronized
from pathlib import Path
from typing import Any

from amodal.data.parts import PARTS, Kind
from amodal.errors import AmodalError, InputError
from amodal.scale.jobs import PhotoJob, Unit
from amodal.scale.work import Asked, Finished, Tools, do_unit, scenes_of_jobs
from amodal.spread import Spread

MOST_DEATHS = 3
_SECONDS_BETWEEN_WORDS = 1.0
Say = Callable[[str], None]
Told = Callable[[int], None]


@dataclass(frozen=True)
class Order:
    """What every unit is done with.

    Attributes:
        asked: of every photo.
        folder, kind: where the parts go, and of which kind.
        threads: of each worker, for its network; one more decodes ahead.
    """

    asked: Asked
    folder: Path
    kind: Kind
    threads: int = 1

    @property
    def decoders(self) -> int:
        """Threads that decode: one keeps up with a network on the processor; a GPU leaves all of them free for it."""
        return 1 if self.asked.device == "cpu" else self.threads


def do_here(units: Iterable[Unit], order: Order, told: Told) -> Iterator[Finished]:
    """The units one after the other in this process."""
    tools = None
    for unit in units:
        tools = tools or Tools(order.asked)
        yield do_unit(unit, tools, order.folder, order.kind, order.decoders, told)


def do_in_workers(units: Iterable[Unit], order: Order, workers: int, told: Told, say: Say) -> Iterator[Finished]:
    """The units as they are finished; each worker has one at a time, and no more are read from the source.

    `told` is called once a second with how many photos have been done since.

    Raises:
        AmodalError: what a worker raised, or a worker that dies of no photo of its unit again and again.
    """
    counter: Synchronized[int] = multiprocessing.get_context("spawn").Value("q", 0)
    waiting, counted = iter(units), 0
    idle = [_Worker(order, counter) for _ in range(workers)]
    busy: dict[Future[Finished], tuple[_Worker, Unit]] = {}
    try:
        while True:
            while idle and (unit := next(waiting, None)) is not None:
                worker = idle.pop()
                busy[worker.submit(_unit, unit)] = worker, unit
            if not busy:
                return
            done, _ = wait(busy, _SECONDS_BETWEEN_WORDS, FIRST_COMPLETED)
            told(counter.value - counted)
            counted = counter.value
            for future in done:
                worker, unit = busy.pop(future)
                try:
                    finished = future.result()
                except BrokenProcessPool:
                    before = counter.value
                    finished = _again(worker, unit, say)
                    counted += counter.value - before  # of this unit some photos were told before
                idle.append(worker)
                yield finished
    finally:
        for worker in (*idle, *(worker for worker, _ in busy.values())):
            worker.end()


def do_spread(units: Iterable[Unit], order: Order, spread: Spread, told: Told, say: Say) -> Iterator[Finished]:
    """The units as they are finished, by workers wherever `spread` has them; the folder must be the same for all.

    Each of its workers has a process of ours for the photos, so that one that kills is found and named as here.
    """
    for finished, words in spread(units, partial(_careful, order)):
        for word in words:
            say(word)
        if not (order.folder / PARTS / finished.file).is_file():
            found = f"part {finished.number} was written, and is not here"
            raise InputError(str(order.folder), "--out", found, "expected a folder that all machines share")
        told(finished.photos)
        yield finished


def _careful(order: Order) -> Callable[[Unit], tuple[Finished, list[str]]]:
    worker = _Worker(order, multiprocessing.get_context("spawn").Value("q", 0))

    def do(unit: Unit) -> tuple[Finished, list[str]]:
        words: list[str] = []
        try:
            return worker.submit(_unit, unit).result(), words
        except BrokenProcessPool:
            return _again(worker, unit, words.append), words

    return do


class _Worker:
    """One process, started anew when it has died."""

    def __init__(self, order: Order, counter: Synchronized[int]) -> None:
        self._order, self._counter = order, counter
        self._pool = self._started()

    def submit(self, call: Callable[..., Any], *values: Any) -> Future[Any]:
        try:
            return self._pool.submit(call, *values)
        except BrokenProcessPool:  # it died with nothing in its hands
            self.restart()
            return self._pool.submit(call, *values)

    def restart(self) -> None:
        self._pool.shutdown(wait=False)
        self._pool = self._started()

    def end(self) -> None:
        """At once: what it is at is not finished, and will be done again."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
            process.join()

    def _started(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # the same everywhere, and no threads are inherited
        return ProcessPoolExecutor(1, context, _start, (self._order, self._counter))


def _again(worker: _Worker, unit: Unit, say: Say) -> Finished:
    """The unit once more, without the photos that kill the process."""
    for _ in range(MOST_DEATHS):
        say(f"a worker died in part {unit.number}: its {len(unit.jobs)} photos are tried one by one")
        worker.restart()
        try:
            worker.submit(_ready).result()
        except BrokenProcessPool as error:
            hint = "there may be too little memory for so many workers: see --workers"
            raise AmodalError(f"a worker died before it had seen a photo; {hint}") from error
        jobs = [_tried(worker, job, say) for job in unit.jobs]
        unit = Unit(unit.number, tuple(jobs))
        try:
            finished: Finished = worker.submit(_unit, unit).result()
        except BrokenProcessPool:
            continue
        return finished
    worker.restart()
    raise AmodalError(f"workers died {MOST_DEATHS + 1} times in part {unit.number}, of none of its photos by itself")


def _tried(worker: _Worker, job: PhotoJob, say: Say) -> PhotoJob:
    if job.problem:
        return job
    try:
        worker.submit(_try, job).result()
    except BrokenProcessPool:
        worker.restart()
        say(f"a worker died of {job.name}: it is left out")
        return replace(job, problem=f"{job.name}: photo: the worker process died of it")
    return job


# Of a worker process; set when it starts, the tools when they are needed first, so that what is wrong with them is
# raised where it can be told.
_order: Order | None = None
_counter: Synchronized[int] | None = None
_tools: Tools | None = None


def _start(order: Order, counter: Synchronized[int]) -> None:
    global _order, _counter
    _order, _counter = order, counter
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()
    set_threads(order.threads)


def set_threads(threads: int) -> None:
    """As many threads for torch, OpenCV and numpy's BLAS: those of several processes get in each other's way."""
    import cv2
    import torch
    from threadpoolctl import threadpool_limits

    torch.set_num_threads(threads)
    cv2.setNumThreads(threads)
    threadpool_limits(threads)


def _end_with_parent() -> None:
    """A pool's worker would wait for work for ever when the first process is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _unit(unit: Unit) -> Finished:
    order, tools = _tools_here()
    return do_unit(unit, tools, order.folder, order.kind, order.decoders, _count)


def _try(job: PhotoJob) -> None:
    scenes_of_jobs([job], _tools_here()[1])


def _ready() -> None:
    _tools_here()


def _tools_here() -> tuple[Order, Tools]:
    global _tools  # noqa: PLW0603 - see above
    if _order is None:
        raise RuntimeError("no worker process")
    _tools = _tools or Tools(_order.asked)
    return _order, _tools


def _count(photos: int) -> None:
    if _counter is not None:
        with _counter.get_lock():
            _counter.value += photos
