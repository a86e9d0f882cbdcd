"""Table 4 of the KINS paper on generated street scenes, with real photos beside them.

    python experiments/network_family/run.py --scenes DIR --data DIR --models DIR --work DIR

--scenes holds what scenes.sh makes, --models what train.sh makes; rows are of the files that are there. Every network
finds its own boxes, without reasoning between objects; AP is COCO's over the three classes. In `street photos` truth is
of what is seen, so only inmodal AP is told. Predictions are kept in --work; a stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from pathlib import Path
from typing import Any

from common import of_classes, say

from amodal.comparison import compare, parse_specs
from amodal.data.truth import Truth, read_truth
from amodal.data.write import write_text_atomically

HERE = Path(__file__).parent
CLASSES = ("car", "person", "truck")
TITLES = {
    "mnc": "MNC",
    "fcis": "FCIS",
    "orcnn": "ORCNN",
    "amodal-mask-rcnn": "Mask R-CNN",
    "asn": "Mask R-CNN + ASN",
    "panet": "PANet",
    "panet-asn": "PANet + ASN",
    "amodal-mask": "AmodalMask",
}
SEEDS = (0, 1, 2)
OWN = "boxes=own,least_score={least},reasoning={reasoning}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("scenes", "data", "models", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=["street scenes", "street photos", "reasoning"])
    parser.add_argument("--only", nargs="+", help="only these networks; the others stay as measured")
    arguments = parser.parse_args()
    found = {part: PARTS[part](arguments) for part in arguments.parts}
    out = HERE / "result.json"
    before = json.loads(out.read_text()) if out.is_file() else {"parts": {}, "budget": {}}
    known, budgets = before["parts"], before["budget"]
    if arguments.only:
        found = {part: value | {"rows": known[part]["rows"] | value["rows"]} for part, value in found.items()}
    result = {
        "command": "python experiments/network_family/run.py --scenes DIR --data DIR --models DIR --work DIR",
        "date": date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "AP and mIoU in percent",
        "budget": budgets | {path.stem: budget(path) for path in trained(arguments)},
        "parts": known | found,
    }
    write_text_atomically(out, json.dumps(result, indent=1) + "\n")


def street_scenes(arguments: argparse.Namespace) -> dict[str, Any]:
    return precision(read_truth(arguments.scenes / "val"), arguments, "street scenes")


def street_photos(arguments: argparse.Namespace) -> dict[str, Any]:
    return precision(photos(arguments.data), arguments, "street photos", kinds=("inmodal",))


def reasoning(arguments: argparse.Namespace) -> dict[str, Any]:
    """What an order and one owner per pixel do to the sure finds of a network."""
    rows = [
        f"{TITLES[name]} ({how})={spec(name, arguments.models / f'{name}-seed0.safetensors', least=0.5, reasoning=how)}"
        for name in arguments.only or ("amodal-mask-rcnn", "asn")
        for how in ("none", "owners")
    ]
    truths = read_truth(arguments.scenes / "val")
    return scored(truths, rows, arguments.work / "reasoning", kinds=("det", "amodal", "inmodal"))


PARTS = {
    "street scenes": street_scenes,
    "street photos": street_photos,
    "reasoning": reasoning,
}


def precision(
    truths: list[Truth], arguments: argparse.Namespace, part: str, kinds: tuple[str, ...] = ("det", "amodal", "inmodal")
) -> dict[str, Any]:
    """AP of every network that is there."""
    rows = []
    for path in trained(arguments):
        name, _, seed = path.stem.rpartition("-seed")
        rows.append(f"{TITLES[name]} seed {seed}={spec(name, path)}")
    return scored(truths, rows, arguments.work / part.replace(" ", "-"), kinds)


def scored(truths: list[Truth], rows: list[str], work: Path, kinds: tuple[str, ...]) -> dict[str, Any]:
    comparison = compare(truths, parse_specs(rows), work, labels="none", progress=say)
    return {
        "photos": len(truths),
        "objects": sum(len(truth.scored) for truth in truths),
        "rows": {
            result.name: {
                "ap": {kind: result.precision[kind].to_json() for kind in kinds},
                "seconds_per_photo": round(result.run.seconds_per_photo, 2),
            }
            for result in comparison.results
        },
    }


def trained(arguments: argparse.Namespace) -> list[Path]:
    files = [arguments.models / f"{name}-seed{seed}.safetensors" for name in TITLES for seed in SEEDS]
    return [
        file
        for file in files
        if file.is_file() and (not arguments.only or file.stem.split("-seed")[0] in arguments.only)
    ]


def spec(name: str, model: Path, least: float = 0.05, reasoning: str = "none") -> str:
    return f"{name}:model={model},{OWN.format(least=least, reasoning=reasoning)}"


def budget(model: Path) -> dict[str, Any]:
    """Steps, batch and seconds of the run that made a model."""
    said = json.loads(model.with_suffix(".json").read_text())
    return {"steps": said["budget"]["steps"], "batch": said["budget"]["batch"], "seconds": said["seconds"]}


def photos(data: Path) -> list[Truth]:
    """Real photos of the val split; objects of other classes are neither right nor wrong."""
    truths = read_truth(data / "annotations.json", images=data / "images", split="val")
    return [of_classes(truth, CLASSES) for truth in truths]


if __name__ == "__main__":
    main()
