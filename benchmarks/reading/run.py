"""How long a 300 MB annotation file takes, and how much memory: parsed as one, indexed, read, converted.

    python benchmarks/reading/run.py [--megabytes 300] [--out benchmarks/reading]

A file in KINS's layout of 2020 is generated (outlines of some 34 points, runs, 12.7 objects a photo of 375 × 1242), and
every step is a process of its own. Seconds are the processor's (the machine may be busy with others). Memory is the
kernel's high-water mark (VmHWM) less what was resident once the libraries were imported. Writes result.json and
result.txt. Linux only; some two minutes on one core.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from amodal.bench.kins_file import SEED, write_kins_file
from amodal.bench.machine import status_mb

STEPS = {
    "parse": "parsed as one by Python's json",
    "index": "indexed, first time",
    "again": "indexed, second time",
    "one": "one photo of an indexed file",
    "read": "400 photos of it read",
    "convert-few": "100 photos of it converted to coco",
    "convert": "400 photos of it converted to coco",
}


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--megabytes", type=int, default=300)
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent)
    arguments.add_argument("--step", nargs=3, metavar=("STEP", "FILE", "CACHE"))
    given = arguments.parse_args()
    if given.step:
        print(json.dumps(_measured(given.step[0], Path(given.step[1]), Path(given.step[2]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kins.json"
        photos = write_kins_file(path, given.megabytes * 10**6)
        rows = {}
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, str(path), str(Path(folder) / "cache")]
            rows[step] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        result = {
            "command": "python benchmarks/reading/run.py",
            "date": date.today().isoformat(),
            "seed": SEED,
            "megabytes": round(path.stat().st_size / 1e6, 1),
            "photos": photos,
            "python": platform.python_version(),
            "machine": platform.machine(),
            "names": STEPS,
            "steps": rows,
        }
    (given.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    lines = [f"{result['megabytes']} MB, {photos} photos: processor seconds, megabytes of memory"]
    lines += [f"{STEPS[step]:<36} {row['seconds']:8.2f} {row['megabytes']:8.0f}" for step, row in rows.items()]
    (given.out / "result.txt").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


@dataclass(frozen=True)
class First:
    """The first photos of a source."""

    source: Any
    count: int

    @property
    def head(self) -> Any:
        return self.source.head

    def __len__(self) -> int:
        return min(self.count, len(self.source))

    def __getitem__(self, number: int, /) -> Any:
        return self.source[number]


def _measured(step: str, path: Path, cache: Path) -> dict[str, float]:
    from amodal.data.convert import convert
    from amodal.data.entries import entries_of
    from amodal.data.formats import open_source
    from amodal.data.index import index_json

    if step == "one":
        open_source(path, cache=cache)  # the index is there; what a second photo costs is asked
    base, started = status_mb("VmRSS"), time.process_time()
    if step == "parse":
        content = json.loads(path.read_text())
        del content
    elif step in ("index", "again"):
        index_json(path, cache=cache)
    elif step == "one":
        source = open_source(path, cache=cache)
        started = time.process_time()
        _ = source[len(source) // 2]
    elif step == "read":
        for _entry in entries_of(First(open_source(path, cache=cache), 400)):
            pass
    else:
        source = First(open_source(path, cache=cache), 100 if step == "convert-few" else 400)
        convert(source, "coco", path.with_name("coco.json"))
    seconds = time.process_time() - started
    return {"seconds": round(seconds, 3), "megabytes": round(status_mb("VmHWM") - base, 1)}


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
