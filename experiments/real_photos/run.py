"""Real photos, every method: visible masks on street photos, whole masks on COCOA's, order on KITTI's and COCOA's.

    python experiments/real_photos/run.py --data DIR --work DIR [--method SPEC ...]

DIR holds street/, amodal/ and kitti/. Shipped models, true boxes and labels. Street truth is of visible masks, and its
boxes are of visible parts where an object is hidden; COCOA is five photos of any object; KITTI has no masks, its order
is what the labels say of who is in plain sight and who is nearer. A stopped run goes on where it was. --method adds
rows to the usual ones; the student's are among these where the shipped model has one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import replace
from datetime import date
from pathlib import Path

from amodal.comparison import compare, parse_specs
from amodal.comparison.tables import as_text, tables_of
from amodal.data.truth import Truth, read_truth
from amodal.models import has_extension

METHODS = (
    "box",
    "prior",
    "compnet",
    "nod",
    "published iter 2=published",
    "joint iter 1=orm:refine=none,rounds=1",
    "joint iter 2=orm:refine=none",
    "joint refined=orm",
    "joint without geometry=orm:geometry=false",
    "Mask R-CNN=mask-rcnn",
    "Mask R-CNN own boxes=mask-rcnn:boxes=own",
    "BBTP=bbtp",
    "PCNet-M after Mask R-CNN=pcnet-m:visible_from=mask-rcnn",
)
STUDENT = ("student", "student without geometry=student:geometry=false")
# KITTI has no masks and so no boxes of what is seen.
SEEN_BOXES = ("student (seen boxes)=student:boxes=visible",)
TRUE_MASKS = "PCNet-M true masks=pcnet-m:visible=truth"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--method", nargs="+", default=[], metavar="SPEC", help="more rows")
    parser.add_argument("--parts", nargs="+", default=["street val", "COCOA", "KITTI"])
    parser.add_argument("--limit", type=int, help="photos of each part, to try out")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    arguments = parser.parse_args()
    data, parts, texts = arguments.data, {}, []
    has_student = has_extension("default", "student")
    methods = (*METHODS, *(STUDENT if has_student else ()), *arguments.method)
    more = SEEN_BOXES if has_student else ()
    for name, truths, rows in (
        ("street val", street(data / "street"), (*methods, *more)),
        ("COCOA", read_truth(data / "amodal" / "annotations.json"), (*methods, *more, TRUE_MASKS)),
        ("KITTI", read_truth(data / "kitti"), methods),
    ):
        if name not in arguments.parts:
            continue
        folder = arguments.work / name.replace(" ", "-")
        comparison = compare(truths[: arguments.limit], parse_specs(rows), folder, progress=say)
        parts[name] = comparison.to_json()
        texts.append(f"{name}\n\n{as_text(tables_of(comparison))}")
    result = {
        "command": "python experiments/real_photos/run.py --data DIR --work DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "parts": parts,
    }
    if arguments.out == parser.get_default("out") and (arguments.limit or len(parts) < 3):
        print("\n\n\n".join(texts))
        return
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    arguments.out.with_suffix(".txt").write_text("\n\n\n".join(texts) + "\n")


def street(folder: Path) -> list[Truth]:
    """Val photos, all objects with a mask: those that may be hidden count too, by their visible mask alone."""
    truths = read_truth(folder / "annotations.json", images=folder / "images", split="val")
    return [replace(truth, unscored=frozenset()) for truth in truths]


def say(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
