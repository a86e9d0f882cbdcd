"""Progress on stderr: bars on a terminal; elsewhere a line per finished stage, and one now and then before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

SECONDS_BETWEEN_LINES = 30.0

Report = Callable[[str, int, int], None]  # name of the stage, steps done, steps in all


@contextmanager
def progress_on_stderr() -> Iterator[Report]:
    """A function to call with each step of work; stages appear in the order in which they begin."""
    console = _Console(stderr=True, highlight=False)
    if not console.is_terminal:
        yield _lines()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        _RateColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console) as bars:

        def report(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bars.add_task(stage, total=total)
            bars.update(tasks[stage], completed=done, total=total)

        yield report


def say(message: str) -> None:
    """A line on stderr, exactly as it is: names of files may hold what rich takes for markup."""
    console = _Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"amodal: {message}")


class _Console(Console):
    def on_broken_pipe(self) -> None:
        """Leave it to `main` what becomes of the program; rich would end it with a code of ours."""
        raise BrokenPipeError


class _RateColumn(ProgressColumn):
    """How many a second, over the last ones."""

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.3g}/s")


def _lines() -> Report:
    last = time.monotonic()
    begun: dict[str, tuple[float, int]] = {}  # of each stage: when, and how far it was

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        started, before = begun.setdefault(stage, (now, done))
        if done < total and now - last < SECONDS_BETWEEN_LINES:
            return
        last = now
        rate = (done - before) / (now - started) if now > started else 0.0
        speed = f", {rate:.3g}/s, {timedelta(seconds=round((total - done) / rate))} left" if rate > 0 else ""
        say(f"{stage}: {done} of {total}" + (speed if done < total else ""))

    return report
