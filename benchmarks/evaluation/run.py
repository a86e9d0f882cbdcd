"""How long does evaluation take on as much as KINS's test set: 7,517 photos of 375 × 1242, 90,000 objects with masks?

    python benchmarks/evaluation/run.py [--cache FOLDER]

Truth and predictions are generated once (seeded) and kept outside the repository. Reading the files is timed apart; the
metrics are timed on what was read. `cpu` is processor time: with one thread and an idle machine it is the wall time.
Writes result.json and result.txt beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

from amodal.bench import made_scenes
from amodal.bench.timing import by_clock_and_processor
from amodal.data.results import read_scenes
from amodal.data.truth import read_truth
from amodal.evaluation.ap import average_precision
from amodal.evaluation.classification import classification
from amodal.evaluation.masks import mask_scores
from amodal.evaluation.order import RULES, order_scores, rule_scores

HERE = Path(__file__).resolve().parent
PHOTOS, OBJECTS = 7_517, 90_000
LIMITS = {"AP of boxes, whole and visible masks": 5.0, "mIoU by level": 20.0}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "amodal-benchmark-evaluation")
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--repeats", type=int, default=3, help="of what has a limit; the rest is timed once")
    parser.add_argument("--out", type=Path, default=HERE, help="where result.json and result.txt go")
    arguments = parser.parse_args()
    files = made_scenes.make_files(arguments.cache, arguments.photos, arguments.objects)
    load_before = os.getloadavg()[0]
    started = time.perf_counter()
    truths, predictions = read_truth(files[0]), read_scenes(files[1])
    reading = time.perf_counter() - started
    calls: dict[str, Callable[[], object]] = {
        "AP of boxes, whole and visible masks": lambda: average_precision(truths, predictions),
        "mIoU by level": lambda: mask_scores(truths, predictions, boundary_px=None).by_level("modal"),
        "mIoU by level and boundary F": lambda: mask_scores(truths, predictions),
        "order, and both rules": lambda: [
            order_scores(truths, predictions, 0.05),
            *(rule_scores(truths, rule, 0.05) for rule in RULES.values()),
        ],
        "classes": lambda: classification(truths, predictions),
    }
    rows = []
    for name, call in calls.items():
        timed = [by_clock_and_processor(call) for _ in range(arguments.repeats if name in LIMITS else 1)]
        wall, cpu = (statistics.median(values) for values in zip(*timed, strict=True))
        rows.append({"what": name, "seconds": round(wall, 2), "cpu_seconds": round(cpu, 2), "limit": LIMITS.get(name)})
        print(rows[-1], file=sys.stderr, flush=True)
    scores = mask_scores(truths, predictions, boundary_px=None)
    started = time.perf_counter()
    scores.intervals("modal")
    rows.append({"what": "95 % intervals of one table", "seconds": round(time.perf_counter() - started, 2)})
    precision = average_precision(truths, predictions)
    masks = [one for truth in truths for one in truth.scene.instances]
    result = {
        "command": " ".join(["python benchmarks/evaluation/run.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {load_before:.1f} before",
        "photos": len(truths),
        "true_objects": len(masks),
        "predicted_objects": sum(map(len, predictions)),
        "mean_area_px": round(statistics.fmean(one.amodal.area for one in masks)),
        "mean_runs": round(statistics.fmean(len(one.amodal.runs) for one in masks)),
        "reading_seconds": round(reading, 1),
        "times": rows,
        "scores": {
            "modal_mean_objects": round(scores.by_level("modal").mean_objects, 2),
            "ap": {kind: round(value.ap, 2) for kind, value in precision.items()},
        },
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")
    text = table(result)
    (arguments.out / "result.txt").write_text(text)
    print(text, end="")


def table(result: dict) -> str:
    lines = [
        f"{result['command']}   {result['date']}",
        result["machine"],
        f"{result['photos']:,} photos, {result['true_objects']:,} true and {result['predicted_objects']:,} predicted "
        f"objects of {result['mean_area_px']:,} px and {result['mean_runs']} runs on average",
        "",
        f"{'seconds':<40}   wall     cpu   limit",
        f"{'reading both files':<40}{result['reading_seconds']:>7.1f}",
    ]
    for row in result["times"]:
        cpu = f"{row['cpu_seconds']:>8.2f}" if "cpu_seconds" in row else " " * 8
        limit = f"{row['limit']:>8.0f}" if row.get("limit") else ""
        lines.append(f"{row['what']:<40}{row['seconds']:>7.2f}{cpu}{limit}")
    lines.append("")
    for row in result["times"]:
        if row.get("limit"):
            met = "met   " if row["seconds"] < row["limit"] else "MISSED"
            lines.append(f"{met}  {row['what']} in less than {row['limit']:.0f} s: {row['seconds']:.2f}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
