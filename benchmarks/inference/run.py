"""How fast is inference, and how much memory does it take? One photo of 375 × 1242, N overlapping objects, two rounds.

    python benchmarks/inference/run.py [--model FILE]

(a) method `orm`, labels given, no refinement; decoding of the JPEG, crops, reasoning and masks included;
(b) the published procedure: 2 + 2·rounds backbone passes per object, one crop at a time, same backbone and kernels;
(c) the limit: the backbone passes of (a) over the very same batches, and nothing else;
(d) `orm` with GrabCut refinement, reported beside;
(e) method `student` in its default setting, labels given, whole boxes, where the model has a student.

All of them run interleaved in one process; a ratio is the median of the ratios of neighbouring runs, with quartiles.
Writes result.json and result.txt beside this file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import procedures
import torch

from amodal.bench.machine import machine
from amodal.bench.street import Street, make_street
from amodal.methods.compositional import CompositionalSegmenter
from amodal.student.segmenter import StudentSegmenter

HERE = Path(__file__).resolve().parent
COUNTS = (1, 2, 4, 8, 16)
CROWDS = (25, 50, 100)
CROWD_SIZE = 0.45  # cars 55-85 px high, persons 75-135
LIMIT_RATIO, STUDENT_RATIO, SPEED_UP, MEGABYTES = 1.3, 2.0, 5.0, 1000.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="default", help="a model file; the shipped model if not given")
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--out", type=Path, default=HERE, help="where result.json and result.txt go")
    parser.add_argument("--threads", type=int, help="threads of torch; by default as many as torch takes")
    arguments = parser.parse_args()
    if arguments.threads is not None:
        torch.set_num_threads(arguments.threads)
        cv2.setNumThreads(arguments.threads)
    plain = procedures.load_segmenter(arguments.model)
    refined = procedures.load_segmenter(arguments.model, "grabcut")
    student = procedures.load_student(arguments.model)
    with tempfile.TemporaryDirectory() as folder:
        streets = [make_street(count, Path(folder)) for count in COUNTS]
        crowds = [make_street(count, Path(folder), size=CROWD_SIZE) for count in CROWDS]
        host = machine()
        rows = [measure(plain, refined, student, street, arguments.repeats) for street in streets]
        growth = measure_growth(plain, crowds, max(3, arguments.repeats // 3))
    measured = {"a": "orm", "b": "published", **({"e": "student"} if student is not None else {})}
    for row in rows:
        row["memory_mb"] = {
            name: peak_memory(arguments.model, row["objects"], 1.0, which) for name, which in measured.items()
        }
    for row in growth:
        row["memory_mb"] = peak_memory(arguments.model, row["objects"], CROWD_SIZE, "orm")
    result = {
        "command": " ".join(["python benchmarks/inference/run.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "model": plain.model_name,
        "backbone": plain.model.backbone_name,
        "machine": host,
        "precision": "backbone and the student's network in bfloat16; all else float32",
        "memory_is": "VmHWM at the end of a fresh process less its VmRSS after importing the libraries",
        "street": rows,
        "crowd": growth,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    text = table(result)
    (arguments.out / "result.txt").write_text(text)
    print(text, end="")


def measure(
    plain: CompositionalSegmenter,
    refined: CompositionalSegmenter,
    student: StudentSegmenter | None,
    street: Street,
    repeats: int,
) -> dict[str, Any]:
    """Seconds of a to e, interleaved; (b) and (d) are slow, so they run in every third round only."""
    batches = procedures.batches_of(plain, street)
    calls: dict[str, Callable[[], object]] = {
        "a": partial(procedures.ours, plain, street),
        "c": partial(procedures.backbone_alone, plain.model, batches),
        "b": partial(procedures.published_procedure, plain.model, street),
        "d": partial(procedures.ours, refined, street),
    }
    models = dict.fromkeys("abc", plain.model) | {"d": refined.model}
    if student is not None:
        calls["e"], models["e"] = partial(procedures.ours, student, street), student.model
    passes = {}
    for name, call in calls.items():  # also warms up
        with procedures.counted_passes(models[name]) as sizes:
            call()
        passes[name] = {"crops": sum(sizes), "passes": len(sizes)}
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for k in range(repeats):
        # There and back again: a drift of the machine's speed favours nobody.
        names = [name for name in "aecbd" if name in calls and (name in "aec" or k % 3 == 0)]
        for name in names if k % 2 == 0 else reversed(names):
            seconds[name].append(timed(calls[name]))
    print(f"{len(street.boxes)} objects timed", file=sys.stderr, flush=True)
    third = seconds["a"][::3]
    return {
        "objects": len(street.boxes),
        "passes": passes,
        "seconds": {name: spread(values) for name, values in seconds.items()},
        "a_over_c": _ratios(seconds["a"], seconds["c"]),
        "b_over_a": _ratios(seconds["b"], third),
        "d_over_a": _ratios(seconds["d"], third),
        **({"e_over_c": _ratios(seconds["e"], seconds["c"])} if student is not None else {}),
    }


def measure_growth(segmenter: CompositionalSegmenter, crowds: list[Street], repeats: int) -> list[dict[str, Any]]:
    """Seconds of `orm` for crowds of smaller objects in the same frame, interleaved."""
    for crowd in crowds:
        procedures.ours(segmenter, crowd)
    seconds: list[list[float]] = [[] for _ in crowds]
    for _ in range(repeats):
        for values, crowd in zip(seconds, crowds, strict=True):
            values.append(timed(partial(procedures.ours, segmenter, crowd)))
    return [
        {"objects": len(crowd.boxes), "seconds": spread(values)} for crowd, values in zip(crowds, seconds, strict=True)
    ]


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _ratios(above: list[float], below: list[float]) -> dict[str, Any]:
    return spread([a / b for a, b in zip(above, below, strict=True)])


def spread(values: list[float]) -> dict[str, Any]:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {
        "median": round(median, 4),
        "quartiles": [round(low, 4), round(high, 4)],
        "least": round(min(values), 4),
        "n": len(values),
    }


def peak_memory(model: str, count: int, size: float, which: str) -> float:
    """MB above the interpreter with its libraries loaded, in a process of its own."""
    command = [sys.executable, str(HERE / "memory.py"), model, str(count), str(size), which]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def table(result: dict[str, Any]) -> str:
    host = result["machine"]
    student = all("e" in row["seconds"] for row in result["street"])
    lines = [
        f"{result['command']}   {result['date']}",
        f"{host['cpu']}, {host['cores']} cores (load {host['load_before']} before), "
        f"torch {host['torch']} with {host['torch_threads']} threads",
        f"model {result['model']}, backbone {result['backbone']}; {result['precision']}",
        "",
        "seconds, median; ratios of neighbouring runs, median [quartiles]; MB above the loaded libraries",
        "  N  a orm   b publ.  c limit  d refined  a / c               b / a               MB a   MB b"
        + ("  e student  e / c               MB e" if student else ""),
    ]
    for row in result["street"]:
        a, b, c, d = (row["seconds"][name]["median"] for name in "abcd")
        lines.append(
            f"{row['objects']:3d}  {a:6.3f}  {b:7.3f}  {c:7.3f}  {d:9.3f}  {_ratio(row['a_over_c'])}  "
            f"{_ratio(row['b_over_a'])}  {row['memory_mb']['a']:5.0f}  {row['memory_mb']['b']:5.0f}"
            + (
                f"  {row['seconds']['e']['median']:9.3f}  {_ratio(row['e_over_c'])}  {row['memory_mb']['e']:5.0f}"
                if student
                else ""
            )
        )
    lines += ["", "a crowd of smaller objects in the same frame, orm", "  N  seconds  per object     MB"]
    for row in result["crowd"]:
        seconds = row["seconds"]["median"]
        lines.append(f"{row['objects']:3d}  {seconds:7.3f}  {seconds / row['objects']:10.4f}  {row['memory_mb']:5.0f}")
    return "\n".join([*lines, "", *verdicts(result)]) + "\n"


def verdicts(result: dict[str, Any]) -> list[str]:
    """What must hold, and whether it does."""
    many = [row for row in result["street"] if row["objects"] >= 4]
    ratio = max(row["a_over_c"]["median"] for row in many)
    speed = min(row["b_over_a"]["median"] for row in many)
    memory = max(max(row["memory_mb"].values()) for row in result["street"])
    first, last = result["crowd"][0], result["crowd"][-1]
    growth = last["seconds"]["median"] / first["seconds"]["median"] * first["objects"] / last["objects"]
    students = [row["e_over_c"]["median"] for row in many if "e_over_c" in row]
    return [
        *(
            f"{_met(slowest <= STUDENT_RATIO)}  student / limit for N >= 4 at most {STUDENT_RATIO}: {slowest:.2f}"
            for slowest in [max(students, default=0.0)]
            if students
        ),
        f"{_met(ratio <= LIMIT_RATIO)}  orm / limit for N >= 4 at most {LIMIT_RATIO}: {ratio:.2f}",
        f"{_met(speed >= SPEED_UP)}  published / orm for N >= 4 at least {SPEED_UP}: {speed:.2f}",
        f"{_met(memory <= MEGABYTES)}  memory at most {MEGABYTES:.0f} MB: {memory:.0f}",
        f"{_met(growth <= LIMIT_RATIO)}  seconds per object at N = {last['objects']} over those at "
        f"N = {first['objects']} at most {LIMIT_RATIO}: {growth:.2f}",
    ]


def _ratio(values: dict[str, Any]) -> str:
    low, high = values["quartiles"]
    return f"{values['median']:5.2f} [{low:5.2f}-{high:5.2f}]"


def _met(holds: bool) -> str:
    return "met   " if holds else "MISSED"


if __name__ == "__main__":
    main()
