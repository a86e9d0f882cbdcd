"""Progress on stderr: bars on a terminal; elsewhere a line per finished stage, and one now and then before."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

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


def _lines() -> Report:
    last = time.monotonic()

    def report(stage: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done >= total or now - last >= SECONDS_BETWEEN_LINES:
            last = now
            say(f"{stage}: {done} of {total}")

    return report
