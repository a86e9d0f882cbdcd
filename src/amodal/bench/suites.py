"""All suites, and a run of some of them."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from amodal.bench.timing import Measurement, Skipped
from amodal.imports import imported
from amodal.progress import Progress

# Name -> "module:function", which takes a model and the seconds it shall take in all, and gives measurements. A new
# suite is one file and one line here.
SUITES: dict[str, str] = {
    "inference": "amodal.bench.inference:measure",
    "many": "amodal.bench.many:measure",
    "reading": "amodal.bench.reading:measure",
    "scores": "amodal.bench.scores:measure",
    "serve": "amodal.bench.serving:measure",
    "export": "amodal.bench.exported:measure",
    "annotate": "amodal.bench.desk:measure",
}
QUICK = ("inference", "many", "reading", "scores")
"""Those that are run where none is named: what a photo takes and what many take, files and metrics."""
_SHARES = {"inference": 3.0, "many": 2.0}  # of the time, where others have 1


@dataclass(frozen=True)
class Found:
    """What was measured, and the suites that could not be, each with the reason."""

    measurements: tuple[Measurement, ...]
    skipped: Mapping[str, str]


def run_suites(names: Sequence[str], model: str, seconds: float, progress: Progress) -> Found:
    """Some suites after one another, in about so many seconds in all.

    What a suite takes to load and to warm up is taken from those after it; each measures a few turns at least.
    """
    end = time.perf_counter() + seconds
    found: list[Measurement] = []
    skipped: dict[str, str] = {}
    for number, name in enumerate(names):
        progress("suites", number, len(names))
        measure: Callable[[str, float], list[Measurement]] = imported(SUITES[name])
        share = _share(name) / sum(_share(later) for later in names[number:])
        try:
            found += measure(model, max(0.0, end - time.perf_counter()) * share)
        except Skipped as reason:
            skipped[name] = str(reason)
    progress("suites", len(names), len(names))
    return Found(tuple(found), skipped)


def _share(name: str) -> float:
    return _SHARES.get(name, 1.0)
