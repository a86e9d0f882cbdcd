"""Peak memory of one process that loads a model and segments one street twice; called by run.py.

    python benchmarks/inference/memory.py MODEL COUNT SIZE ours|published

The base is the resident set once the libraries are imported (VmRSS of /proc/self/status), the peak the kernel's own
high-water mark (VmHWM) at the end: no sampling, so no peak is missed. Linux only.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path


def main() -> None:
    model, count, size, which = sys.argv[1:]

    # What a run needs, imported before the base is taken.
    import procedures
    import timm  # noqa: F401
    from street import make_street

    with tempfile.TemporaryDirectory() as folder:
        street = make_street(int(count), Path(folder), size=float(size))
        base = _megabytes("VmRSS")
        segmenter = procedures.load_segmenter(model)
        for _ in range(2):
            if which == "ours":
                procedures.ours(segmenter, street)
            else:
                procedures.published_procedure(segmenter.model, street)
    print(f"{_megabytes('VmHWM') - base:.1f}")


def _megabytes(field: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    raise SystemExit(f"memory: /proc/self/status has no {field}")


if __name__ == "__main__":
    main()
