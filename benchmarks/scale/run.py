"""How near is `amodal predict` over many photos to the backbone alone? On a CPU, method `orm`, labels given.

    python benchmarks/scale/run.py [--photos 84] [--rounds 9]

Worker processes predict, and run the backbone alone, in turns: see `amodal.bench.many`, which `amodal bench` uses too.

Two configurations: a process a core with one thread each, and one process with a thread a core. The limit is the faster
backbone of the two. `cpu` is seconds of processor, which other programs on the machine disturb less than the clock.
Writes result.json and result.txt beside this file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from amodal.bench.machine import machine
from amodal.bench.many import WHAT, jobs_of, make_streets, measured_in_turns, write_jsonl
from amodal.bench.timing import ratios
from amodal.processor import cores
from amodal.scale.work import Asked

HERE = Path(__file__).resolve().parent
LIMIT = 0.8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="a model file; the shipped model if not given")
    parser.add_argument("--photos", type=int, default=84)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, default=HERE, help="where result.json and result.txt go")
    arguments = parser.parse_args()
    host = machine()
    with tempfile.TemporaryDirectory() as folder:
        source = write_jsonl(make_streets(Path(folder)), arguments.photos, Path(folder) / "photos.jsonl")
        asked = Asked(arguments.model, "orm", {"refine": "none"}, None)
        configurations = [(cores(), 1), (1, cores())] if cores() > 1 else [(1, 1)]
        rows = [measure(source, asked, *one, arguments.rounds) for one in configurations]
    limit = max(row["photos_per_second"]["backbone"] for row in rows)
    best = max(row["photos_per_second"]["predict"] for row in rows)
    result = {
        "command": " ".join(["python benchmarks/scale/run.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "seed": "none: the photos are always the same",
        "machine": host,
        "photos": arguments.photos,
        "configurations": rows,
        "best_predict_over_best_backbone": round(best / limit, 3),
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    (arguments.out / "result.txt").write_text(table(result))
    print(table(result), end="")


def measure(source: Path, asked: Asked, workers: int, threads: int, rounds: int) -> dict[str, Any]:
    """Photos a second of both, all workers at once, in turns."""
    found = measured_in_turns(jobs_of(source), asked, workers, threads, rounds=rounds)
    return {
        "workers": workers,
        "threads": threads,
        "crops": found.crops,
        "passes": found.passes,
        "photos_per_second": {what: round(found.photos / statistics.median(found.wall[what]), 2) for what in WHAT},
        "predict_over_backbone": spread(ratios(found.wall["backbone"], found.wall["predict"])),
        "the_same_by_cpu": spread(ratios(found.cpu["backbone"], found.cpu["predict"])),
    }


def spread(values: Sequence[float]) -> dict[str, Any]:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": round(median, 3), "quartiles": [round(low, 3), round(high, 3)], "n": len(values)}


def table(result: dict[str, Any]) -> str:
    host = result["machine"]
    lines = [
        f"{result['command']}   {result['date']}",
        f"{host['cpu']}, {host['cores']} cores (load {host['load_before']} before), torch {host['torch']}",
        f"{result['photos']} photos of 375 × 1242, method orm, labels given, from JPEG files to parts",
        "",
        "workers × threads  backbone/s  predict/s  predict / backbone    by processor time   crops a pass",
    ]
    for row in result["configurations"]:
        speed, clock, cpu = row["photos_per_second"], row["predict_over_backbone"], row["the_same_by_cpu"]
        lines.append(
            f"{row['workers']:7d} × {row['threads']:<7d}  {speed['backbone']:10.2f}  {speed['predict']:9.2f}  "
            f"{_shown(clock)}  {_shown(cpu)}  {row['crops'] / row['passes']:8.2f}"
        )
    share = result["best_predict_over_best_backbone"]
    met = "met   " if share >= LIMIT else "MISSED"
    lines += ["", f"{met}  the best predict over the best backbone at least {LIMIT}: {share:.2f}"]
    return "\n".join(lines) + "\n"


def _shown(values: dict[str, Any]) -> str:
    low, high = values["quartiles"]
    return f"{values['median']:5.2f} [{low:5.2f}-{high:5.2f}]"


if __name__ == "__main__":
    main()
