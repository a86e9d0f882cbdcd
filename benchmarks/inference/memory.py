"""Peak memory of one process that loads a model and segments one street twice; called by run.py.

    python benchmarks/inference/memory.py MODEL COUNT SIZE orm|published|student

The base is the resident set once the libraries are imported (VmRSS of /proc/self/status), the peak the kernel's own
high-water mark (VmHWM) at the end: no sampling, so no peak is missed. Linux only.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

from amodal.bench.machine import status_mb


def main() -> None:
    model, count, size, which = sys.argv[1:]

    # What a run needs, imported before the base is taken.
    import procedures
    import timm  # noqa: F401

    from amodal.bench.street import make_street

    with tempfile.TemporaryDirectory() as folder:
        street = make_street(int(count), Path(folder), size=float(size))
        base = status_mb("VmRSS")
        run = _procedure(procedures, model, which)
        for _ in range(2):
            run(street)
    print(f"{status_mb('VmHWM') - base:.1f}")


def _procedure(procedures: ModuleType, model: str, which: str) -> Callable[[Any], object]:
    """Loads what is needed and no more."""
    if which == "student":
        student = procedures.load_student(model)
        if student is None:
            raise SystemExit(f"memory: {model} has no student")
        return partial(procedures.ours, student)
    segmenter = procedures.load_segmenter(model)
    return (
        partial(procedures.ours, segmenter)
        if which == "orm"
        else partial(procedures.published_procedure, segmenter.model)
    )


if __name__ == "__main__":
    main()
