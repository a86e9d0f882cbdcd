"""Samples of a run, drawn when they are asked for or a part ahead by threads; the same samples either way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np

Draw = Callable[[Sequence[int], Sequence[int]], list[Any]]  # numbers of samples, and those that come next


@contextmanager
def drawing(draw: Callable[[int, np.random.Generator], Any], seed: int, workers: int) -> Iterator[Draw]:
    """A function that gives samples by number; `draw` is a task's, its chance comes from seed and number alone."""

    def one(index: int) -> Any:
        return draw(index, np.random.default_rng([seed, index]))

    if workers < 1:
        yield lambda wanted, following: [one(index) for index in wanted]
        return
    waiting: dict[int, Future[Any]] = {}
    pool = ThreadPoolExecutor(workers, "draw")

    def ahead(wanted: Sequence[int], following: Sequence[int]) -> list[Any]:
        for index in [*wanted, *following]:
            if index not in waiting:
                waiting[index] = pool.submit(one, index)
        return [waiting.pop(index).result() for index in wanted]

    try:
        yield ahead
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
