"""Timing that a busy or drifting machine disturbs least: calls take turns, there and back again."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Better = Literal["less", "more"]


class Skipped(Exception):
    """A suite that cannot be measured here, and why."""


@dataclass(frozen=True)
class Measurement:
    """One number of the report. `quartiles`: of the repetitions, where there were some; `better`: which way."""

    suite: str
    what: str
    value: float
    unit: str
    better: Better = "less"
    quartiles: tuple[float, float] | None = None

    @classmethod
    def of(
        cls, suite: str, what: str, values: Sequence[float], unit: str, better: Better = "less", *, digits: int = 2
    ) -> Measurement:
        """The median of repetitions."""
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(suite, what, round(median, digits), unit, better, (round(low, digits), round(high, digits)))


def taken_in_turns(calls: Mapping[str, Callable[[], object]], seconds: float, least: int = 3) -> dict[str, list[float]]:
    """Seconds of each call, again and again until the time is over; each ran once before, unmeasured.

    Every second round runs backwards: a drift of the machine's speed favours nobody.
    """
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    end, rounds = time.perf_counter() + seconds, 0
    while rounds < least or time.perf_counter() < end:
        names = list(calls)
        for name in names if rounds % 2 == 0 else reversed(names):
            started = time.perf_counter()
            calls[name]()
            taken[name].append(time.perf_counter() - started)
        rounds += 1
    return taken


def ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    """Of neighbouring runs: what slowed both cancels."""
    return [a / b for a, b in zip(above, below, strict=True)]


def by_clock_and_processor(call: Callable[[], object]) -> tuple[float, float]:
    """Seconds that went by, and seconds the processor worked on it."""
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return time.perf_counter() - wall, time.process_time() - cpu
