"""All suites, and a run of some of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from amodal.bench.timing import Measurement
from amodal.imports import imported
from amodal.progress import Progress

# Name -> "module:function", which takes a model and the seconds it shall take in all, and gives measurements. A new
# suite is one file and one line here.
SUITES: dict[str, str] = {
    "inference": "amodal.bench.inference:measure",
    "reading": "amodal.bench.reading:measure",
    "scores": "amodal.bench.scores:measure",
}
_SHARES = {"inference": 3.0}  # of the time, where others have 1


def run_suites(names: Sequence[str], model: str, seconds: float, progress: Progress) -> list[Measurement]:
    """Some suites after one another, in about so many seconds; loading and warming up come on top."""
    shares = [_SHARES.get(name, 1.0) for name in names]
    found: list[Measurement] = []
    for number, (name, share) in enumerate(zip(names, shares, strict=True)):
        progress("suites", number, len(names))
        measure: Callable[[str, float], list[Measurement]] = imported(SUITES[name])
        found += measure(model, seconds * share / sum(shares))
    progress("suites", len(names), len(names))
    return found
