"""What each step brings: any methods and models, a row each, over pasted scenes, fully visible and overlapping objects.

    python experiments/student_ablation/run.py --data DIR --backgrounds DIR --work DIR --rows FILE --models DIR
    python experiments/student_ablation/run.py --data DIR --backgrounds DIR --work DIR --method NAME=METHOD:model=FILE

DIR holds `annotations.json` and `images/`. FILE has a row on each line, written as for `amodal compare`, {models} for
the folder of --models; rows.txt beside this file has the steps. Scenes and predictions are kept in --work, by recipe;
rows and sets may be measured one by one, result.json keeps the others. On layout `free` geometry says nothing by
construction: methods that can be told so are told, unless the row itself says `geometry`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Callable
from datetime import date
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "splits"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "real_occlusion"))
from overlaps import drawn, judged_order, others
from truths import fully_visible, without_geometry

from amodal.comparison import MethodSpec, compare, parse_specs
from amodal.comparison.comparing import MethodResult
from amodal.data.truth import Truth
from amodal.evaluation.levels import rounded
from amodal.evaluation.masks import MaskScores
from amodal.models import shipped

HERE = Path(__file__).resolve().parent
PASTED = {
    "cars two": ("cars", "two"),
    "cars four": ("cars", "four"),
    "cars two-unknown": ("cars", "two-unknown"),
    "mixed two": ("mixed", "two"),
    "mixed four": ("mixed", "four"),
}
REAL: dict[str, Callable[[Path, str], list[Truth]]] = {
    "fully visible": fully_visible,
    "overlapping, drawn boxes": lambda data, split: drawn(data, split, "whole"),
    "overlapping, seen boxes": lambda data, split: drawn(data, split, "seen"),
    "overlapping, others": others,
    "order": judged_order,
}
BIG_OVERLAPS = "overlap > 5 %"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotations.json and images/")
    parser.add_argument("--backgrounds", type=Path)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--method", nargs="+", default=[], metavar="SPEC")
    parser.add_argument("--rows", type=Path, help="file with a row on each line")
    parser.add_argument("--models", type=Path, default=Path(), help="stands for {models} in rows")
    parser.add_argument("--sets", nargs="+", default=[*PASTED, *REAL], choices=[*PASTED, *REAL])
    parser.add_argument("--split", default="val", help="whose objects: val, or dev to choose settings on")
    parser.add_argument("--held", action="store_true", help="hand-drawn cars of experiments/splits/held_out.json too")
    parser.add_argument("--limit", type=int, help="photos of each set, to try out")
    parser.add_argument("--out", type=Path, help="default: result.json here; for --limit none, --split dev dev.json")
    arguments = parser.parse_args()
    specs = parse_specs(rows_of(arguments))
    rows: dict[str, dict] = {spec.name: said_of(spec) | {"sets": {}} for spec in specs}
    for name in arguments.sets:
        truths = truths_of(name, arguments)[: arguments.limit]
        told = [without_geometry(spec) if name in PASTED else spec for spec in specs]
        folder = arguments.work / "predictions" / f"{arguments.split}-{name}".replace(", ", "-").replace(" ", "-")
        for result in compare(truths, told, folder, progress=say).results:
            rows[result.name]["sets"][name] = scores_of(result)
            for failure in result.run.failures:
                print(f"{name}: {result.name} failed on {failure.photo}: {failure.reason}", file=sys.stderr)
            print(f"{name}: {result.name}: {json.dumps(rows[result.name]['sets'][name])}", flush=True)
    usual = HERE / ("result.json" if arguments.split == "val" else f"{arguments.split}.json")
    out = arguments.out or (None if arguments.limit else usual)
    if out is not None:
        write(out, rows, arguments.split)


def rows_of(arguments: argparse.Namespace) -> list[str]:
    lines = arguments.rows.read_text("utf-8").splitlines() if arguments.rows else []
    texts = [line.strip() for line in lines if line.strip() and not line.lstrip().startswith("#")]
    return [text.replace("{models}", str(arguments.models)) for text in [*texts, *arguments.method]]


def said_of(spec: MethodSpec) -> dict:
    """The row as asked, and a digest of its model, so that figures of two models of one name are not mixed."""
    settings = dict(spec.settings) | ({"boxes": "visible"} if spec.visible_boxes else {})
    own = shipped(spec.method) if shipped(spec.method).is_file() else shipped("default")
    file = Path(spec.model) if spec.model != "default" else own
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    return {"method": spec.method, "model": file.name, "sha256": digest, "settings": settings}


def truths_of(name: str, arguments: argparse.Namespace) -> list[Truth]:
    if name == "fully visible":
        return fully_visible(arguments.data, arguments.split, held=arguments.held)
    if name in REAL:
        return REAL[name](arguments.data, arguments.split)
    if arguments.backgrounds is None:
        raise SystemExit("--backgrounds says where the backgrounds of pasted scenes are")
    challenge = challenge_of()
    objects, scenario = PASTED[name]
    part = next(part for part in challenge.PARTS if part.objects == objects and part.layout == "free")
    own = f"{part.objects}-{part.layout}-{scenario}" + ("" if arguments.split == "val" else f"-{arguments.split}")
    folder = arguments.work / own
    return challenge.scenes_of(part, scenario, folder, arguments.data, arguments.backgrounds, arguments.split)[1]


def challenge_of() -> ModuleType:
    """The challenge's experiment, whose scenes these are; its file is called run.py too."""
    spec = spec_from_file_location("challenge_run", HERE.parent / "occlusion_challenge" / "run.py")
    module = module_from_spec(spec)
    sys.modules["challenge_run"] = module
    spec.loader.exec_module(module)
    return module


def scores_of(result: MethodResult) -> dict:
    """Means over objects and over the most hidden ones, by group and class; order where truth knows it; in percent."""
    said: dict = {"failures": len(result.run.failures), "seconds": rounded(result.run.seconds_per_photo, 3)}
    if result.masks is not None:
        said |= means_of(result.masks)
        said["groups"] = {group: means_of(masks) for group, masks in result.masks.by_group().items()}
        modal, amodal = (result.masks.by_level(what).per_class for what in ("modal", "amodal"))
        said["classes"] = {
            label: {"modal": rounded(modal[label].mean_objects)}
            | ({"amodal": rounded(amodal[label].mean_objects)} if label in amodal else {})
            for label in modal
        }
    order = result.order.get(BIG_OVERLAPS)
    if order is not None and order.pairs:
        low, high = order.intervals()["accuracy"]
        said["order"] = order.to_json() | {"interval_95": [rounded(low), rounded(high)]}
        said["order"]["calibration_error"] = None if result.edges is None else rounded(result.edges.ece)
    return said


def means_of(masks: MaskScores) -> dict:
    found: dict = {"objects": len(masks)}
    for what in ("modal", "amodal"):
        table = masks.by_level(what)
        if table.objects:
            interval = [rounded(side) for side in masks.intervals(what)["mean_objects"]]
            found[what] = {"mean": rounded(table.mean_objects), "interval_95": interval}
            found[what] |= {"L3": rounded(table.levels["L3"])} if table.counts["L3"] else {}
    return found


def write(out: Path, rows: dict[str, dict], split: str) -> None:
    """Rows and sets that were measured before stay, where the row is still the same method, model and settings."""
    known = json.loads(out.read_text("utf-8"))["rows"] if out.is_file() else {}
    for name, row in rows.items():
        before = known.get(name, {})
        same = all(before.get(key) == row[key] for key in ("method", "model", "sha256", "settings"))
        known[name] = row | {"sets": (before["sets"] if same else {}) | row["sets"]}
    result = {
        "command": "python experiments/student_ablation/run.py --data DIR --backgrounds DIR --work DIR "
        f"--rows FILE --models DIR --split {split}",
        "date": date.today().isoformat(),
        "seed": "scenes 1, intervals 0; models say their own",
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "mIoU and shares in percent, 95 % intervals over photos",
        "rows": known,
    }
    out.write_text(json.dumps(result, indent=1) + "\n", "utf-8")


def say(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done} of {total}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
