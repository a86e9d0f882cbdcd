"""What very many photos cost, reckoned from what benchmarks/scale measured on one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rendering import ROOT, as_table, not_yet, read

SCALE = ROOT / "benchmarks" / "scale"
THROUGHPUT, PROFILE = SCALE / "result.json", SCALE / "profile" / "after.txt"
MILLION = 10**6
CORES = 1024
HOUR = 3600


def cost_of_many() -> str:
    """Core-hours of a million and of a hundred million photos, and what a cluster of many cores would have to read."""
    measured = {"processor time, one thread ([profile](../benchmarks/scale/profile/after.txt))": _seconds_of_profile()}
    result = read(THROUGHPUT)
    if result is not None:
        measured |= {"the clock, all cores ([result](../benchmarks/scale/result.json))": _seconds_by_the_clock(result)}
    head = ["c measured by", "c", "a million", "a hundred million", f"that on {CORES} cores", "these would read"]
    body = [
        [
            name,
            f"{seconds:.3f} core-seconds",
            f"{MILLION * seconds / HOUR:,.0f} core-hours",
            f"{100 * MILLION * seconds / HOUR:,.0f} core-hours",
            f"{100 * MILLION * seconds / HOUR / CORES:,.1f} hours",
            f"{CORES / seconds:,.0f} photos/s",
        ]
        for name, seconds in measured.items()
    ]
    missing = "" if result is not None else "\n\n" + not_yet("python benchmarks/scale/run.py")
    return as_table(head, body) + missing


def _seconds_of_profile() -> float:
    """The last row: all stages together, in milliseconds a photo."""
    rows = [line.split() for line in PROFILE.read_text("utf-8").splitlines()]
    return next(float(row[1]) for row in rows if len(row) == 3 and row[0] == "all") / 1000


def _seconds_by_the_clock(result: Mapping[str, Any]) -> float:
    """Of the fastest configuration, which has all cores of the machine."""
    fastest = max(row["photos_per_second"]["predict"] for row in result["configurations"])
    return float(result["machine"]["cores"] / fastest)


COSTS: Mapping[str, Callable[[], str]] = {"cost_of_many": cost_of_many}
