"""How near is `amodal predict` over many photos to the backbone alone? On a CPU, method `orm`, labels given.

    python benchmarks/scale/run.py [--photos 84] [--rounds 9]

Worker processes stand ready, as `amodal predict --workers` has them, each with its share of the photos. In turns,
there and back again, all of them do at once
(predict) units of photos to parts: decoding, crops, backbone, maps, reasoning, encoding, writing; or
(backbone) the passes of the same units over the very same batches of crops, and nothing else.

Two configurations: a process a core with one thread each, and one process with a thread a core. The limit is the faster
backbone of the two. `cpu` is seconds of processor, which other programs on the machine disturb less than the clock.
Writes result.json and result.txt beside this file.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from photos import make_streets, write_jsonl

from amodal.bench.machine import machine
from amodal.bench.timing import ratios
from amodal.data.parts import PARTS
from amodal.scale.jobs import Unit, units_of
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked, Tools, cores, do_unit, scenes_of_jobs
from amodal.scale.workers import set_threads

HERE = Path(__file__).resolve().parent
LIMIT = 0.8
WHAT = ("backbone", "predict")


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
    jobs = [job for unit in units_of(open_sources([source]), 10**9) for job in unit.jobs]
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    for number in range(workers):
        here, there = context.Pipe()
        unit = Unit(number, tuple(jobs[number::workers]))
        context.Process(target=work, args=(there, unit, asked, threads), daemon=True).start()
        ends.append(here)
    crops = [end.recv() for end in ends]  # also warms up
    wall: dict[str, list[float]] = {what: [] for what in WHAT}
    cpu: dict[str, list[float]] = {what: [] for what in WHAT}
    for k in range(rounds):
        for what in WHAT if k % 2 == 0 else reversed(WHAT):
            started = time.perf_counter()
            for end in ends:
                end.send(what)
            cpu[what].append(sum(end.recv() for end in ends))
            wall[what].append(time.perf_counter() - started)
    for end in ends:
        end.send(None)
    return {
        "workers": workers,
        "threads": threads,
        "crops": sum(one["crops"] for one in crops),
        "passes": sum(one["passes"] for one in crops),
        "photos_per_second": {what: round(len(jobs) / statistics.median(wall[what]), 2) for what in WHAT},
        "predict_over_backbone": spread(ratios(wall["backbone"], wall["predict"])),
        "the_same_by_cpu": spread(ratios(cpu["backbone"], cpu["predict"])),
    }


def work(end: Connection, unit: Unit, asked: Asked, threads: int) -> None:
    """A worker: says how many crops there are, then does what it is told and says how much processor it took."""
    set_threads(threads)
    tools = Tools(asked)
    batches = recorded(unit, tools)
    backbone: Any = tools.segmenter.model.backbone  # type: ignore[attr-defined]
    from amodal.features.crops import run_backbone

    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / PARTS).mkdir()
        do_unit(unit, tools, Path(folder), "jsonl")
        end.send({"crops": sum(map(len, batches)), "passes": len(batches)})
        while (what := end.recv()) is not None:
            before = time.process_time()
            if what == "predict":
                do_unit(unit, tools, Path(folder), "jsonl")
            else:
                for batch in batches:
                    run_backbone(backbone, batch)
            end.send(time.process_time() - before)


def recorded(unit: Unit, tools: Tools) -> list[np.ndarray]:
    """The batches of crops that the unit's photos give."""
    from amodal.features import crops

    batches: list[np.ndarray] = []
    original = crops.run_backbone

    def record(backbone: Any, batch: np.ndarray) -> Any:
        batches.append(batch)
        return original(backbone, batch)

    crops.run_backbone = record
    try:
        scenes_of_jobs(unit.jobs, tools)
    finally:
        crops.run_backbone = original
    return batches


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
