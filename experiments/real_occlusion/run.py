"""Really overlapping objects of real photos: visible masks by drawn and by visible boxes, whole boxes, judged order.

    python experiments/real_occlusion/run.py --data DIR --work DIR [--method SPEC ...] [--limit PHOTOS]

DIR holds `annotations.json` and `images/` of the street data. Boxes of whole objects were drawn by eye for some
(amodal_boxes.json); all objects of such a photo are given to the method, those without a drawn box by the box of what
is seen of them. Truth are masks of what is seen. Objects of train photos are reported apart: models learned from these
photos. Predictions are kept in --work; nothing is written with --limit unless --out says where.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from collections import Counter
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import numpy as np
from box_sheets import read_judged
from overlaps import HIGH, LOW, drawn, judged_order, others

from amodal.comparison import Comparison, compare, parse_specs
from amodal.comparison.comparing import MethodResult
from amodal.data.truth import Truth
from amodal.evaluation.intervals import bootstrap, ratio
from amodal.evaluation.levels import rounded
from amodal.evaluation.masks import MaskScores
from amodal.evaluation.pairing import box_iou
from amodal.models import has_extension
from amodal.scene import Instance

HERE = Path(__file__).parent
ROWS = ("box", "prior", "compnet", "orm", "student-alone", "student", "mask-rcnn")
HIDDEN = ("none", "slight", "half", "most")
PARTS = {
    "val, drawn boxes": lambda data: drawn(data, "val", "whole"),
    "val, seen boxes": lambda data: drawn(data, "val", "seen"),
    "val, all others, seen boxes": lambda data: others(data, "val"),
    "val, order": lambda data: judged_order(data, "val"),
    "train vehicles, drawn boxes": lambda data: drawn(data, "train", "whole"),
    "train vehicles, seen boxes": lambda data: drawn(data, "train", "seen"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotations.json and images/")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--method", nargs="+", default=usual_rows(), metavar="SPEC")
    parser.add_argument("--parts", nargs="+", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--limit", type=int, help="photos of each part, to try out")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    specs = parse_specs(arguments.method)
    parts = {}
    for name in arguments.parts:
        truths = PARTS[name](arguments.data)[: arguments.limit]
        comparison = compare(truths, specs, arguments.work / name.replace(", ", "-").replace(" ", "-"), progress=say)
        parts[name] = part_of(comparison)
        for result in comparison.results:
            for failure in result.run.failures:
                print(f"{name}: {result.name} failed on {failure.photo}: {failure.reason}")
        show(name, parts[name])
    out = arguments.out or (None if arguments.limit else HERE / "result.json")
    if out is not None:
        result = {
            "command": "python experiments/real_occlusion/run.py --data DIR --work DIR",
            "date": date.today().isoformat(),
            "seed": 0,
            "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
            "values": "mIoU and shares in percent, 95 % intervals over photos",
            "parts": known_parts(out) | parts,
        }
        out.write_text(json.dumps(result, indent=1) + "\n")


def usual_rows() -> list[str]:
    """The student's where the shipped model has one."""
    return [row for row in ROWS if "student" not in row or has_extension("default", "student")]


def known_parts(path: Path) -> dict:
    return json.loads(path.read_text())["parts"] if path.is_file() else {}


def part_of(comparison: Comparison) -> dict:
    """What was asked, and a row for each method."""
    scored = [one for truth in comparison.truths for one in truth.scored if "modal" in truth.knows]
    said: dict = {"photos": len(comparison.truths), "objects": len(scored)}
    said["classes"] = dict(Counter(one.label for one in scored).most_common())
    said["methods"] = {result.name: row_of(comparison.truths, result) for result in comparison.results}
    if comparison.rules:
        said["rules"] = {name: order_json(by_pairs["all"]) for name, by_pairs in comparison.rules.items()}
    return said


def row_of(truths: Sequence[Truth], result: MethodResult) -> dict:
    row: dict = {"model": Path(result.run.spec.model).name, "settings": dict(result.run.spec.settings)}
    row["failures"] = len(result.run.failures)
    if result.masks is not None:
        row |= {"all": means_of(result.masks)}
        row["classes"] = {
            label: rounded(table.mean_objects) for label, table in result.masks.by_level("modal").per_class.items()
        }
        row["hidden"] = {group: means_of(masks) for group, masks in result.masks.by_group().items()}
        if all(truth.scene.boxes_are == "visible" for truth in truths):  # else the whole box was given
            row["whole_box"] = whole_boxes(truths, result)
    if "all" in result.order:
        row["order"] = order_json(result.order["all"])
        row["order"]["calibration_error"] = None if result.edges is None else rounded(result.edges.ece)
    return row


def means_of(masks: MaskScores) -> dict:
    """Mean IoU and boundary F of visible masks."""
    return {
        what: {
            "mean": rounded(masks.by_level(what).mean_objects),
            "interval_95": [rounded(side) for side in masks.intervals(what)["mean_objects"]],
            "objects": len(masks),
        }
        for what in ("modal", "modal_boundary")
    }


def order_json(scores) -> dict:
    low, high = scores.intervals()["accuracy"]
    return scores.to_json() | {"interval_95": [rounded(low), rounded(high)]}


def whole_boxes(truths: Sequence[Truth], result: MethodResult) -> dict:
    """IoU of the box of the predicted whole object with the drawn box, of all drawn objects and by what is hidden."""
    judged = read_judged()
    found = {scene.image: {one.id: one for one in scene.instances} for scene in result.run.scenes}
    groups: dict[str, np.ndarray] = {name: np.zeros((len(truths), 2)) for name in ("all", *HIDDEN)}
    for number, truth in enumerate(truths):
        for one in truth.scored:
            if one.id not in judged:
                continue
            answer = found.get(truth.scene.image, {}).get(one.id)
            box = None if answer is None else whole_box(answer)
            target = np.array([judged[one.id]["amodal_box"]], float)
            value = 0.0 if box is None else float(box_iou(np.array([box], float), target)[0, 0])
            for name in ("all", judged[one.id]["hidden"]):
                groups[name][number] += value, 1
    return {
        name: {
            "mean": rounded(100 * sums[:, 0].sum() / sums[:, 1].sum()),
            "interval_95": [rounded(100 * side) for side in bootstrap(sums, lambda s: ratio(s[:, :1], s[:, 1:]))[0]],
            "objects": int(sums[:, 1].sum()),
        }
        for name, sums in groups.items()
        if sums[:, 1].any()
    }


def whole_box(answer: Instance) -> Sequence[float] | None:
    """The box that a method predicts for the whole object, else that of its whole mask."""
    if answer.visible_box is not None:
        return answer.box
    return None if answer.amodal.is_empty else answer.amodal.box


def show(name: str, part: dict) -> None:
    print(f"\n{name}: {part['photos']} photos, {part['objects']} objects")
    for method, row in part["methods"].items():
        if "all" in row:
            own = row["all"]["modal"]
            levels = " ".join(
                f"{g} {row['hidden'][g]['modal']['mean']:.1f}" for g in (*HIDDEN, HIGH, LOW) if g in row["hidden"]
            )
            box = row.get("whole_box", {}).get("all")
            boxes = f"  whole box {box['mean']:.1f}" if box else ""
            print(f"  {method:<24} {own['mean']:5.1f} {own['interval_95']}  {levels}{boxes}")
        if "order" in row:
            own = row["order"]
            print(f"  {method:<24} right {own['accuracy']} {own['interval_95']} undecided {own['undecided']}")
    for rule, own in part.get("rules", {}).items():
        print(f"  rule: {rule:<18} right {own['accuracy']} {own['interval_95']} undecided {own['undecided']}")


def say(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
