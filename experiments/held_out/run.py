"""Settings of learning, compared on a fifth of the training photos that is held back; validation is not touched.

    python experiments/held_out/run.py --data DIR --backgrounds DIR [--work FOLDER] [--variants NAME ...]

Every variant is learned from the other four fifths with `amodal learn` and measured with experiments/unoccluded on the
held-back part. `--work` keeps the stages of learning, so that a stopped run goes on where it was.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

VARIANTS = {
    "as shipped": [],
    "no teacher": ["--teacher", "none"],
    "two lessons": ["--lessons", "2"],
    "fine-tuned end to end, 1 epoch": ["--finetune-epochs", "1"],
}
ROWS = ("compnet modal", "compnet amodal", "grabcut modal", "grabcut amodal")
ONE_IN = 5
UNOCCLUDED = Path(__file__).resolve().parents[1] / "unoccluded" / "run.py"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotations.json and images/")
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--work", type=Path, help="where stages of learning are kept")
    parser.add_argument("--variants", nargs="+", default=list(VARIANTS), choices=list(VARIANTS))
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        held_out = Path(folder)
        (held_out / "images").symlink_to((arguments.data / "images").resolve())
        annotations = json.loads((arguments.data / "annotations.json").read_text())
        (held_out / "annotations.json").write_text(json.dumps(with_held_out_part(annotations)))
        measured = {name: _measure(name, held_out, arguments) for name in arguments.variants}
    result = {
        "command": "python experiments/held_out/run.py --data DIR --backgrounds DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "variants": measured,
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")
    for name, groups in measured.items():
        print(name, json.dumps(groups))


def with_held_out_part(annotations: dict[str, Any]) -> dict[str, Any]:
    """The training photos alone; every fifth of each source, in a seeded shuffle, now of split `dev`."""
    generator = random.Random(0)
    photos = [dict(image) for image in annotations["images"] if image["split"] == "train"]
    by_source: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for photo in photos:
        by_source[photo["source"]].append(photo)
    for group in by_source.values():
        generator.shuffle(group)
        for number, photo in enumerate(group):
            photo["split"] = "dev" if number % ONE_IN == 0 else "train"
    ids = {photo["id"] for photo in photos}
    kept = [found for found in annotations["annotations"] if found["image_id"] in ids]
    return annotations | {"images": photos, "annotations": kept}


def _measure(name: str, data: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    model, report = data / f"{name.replace(' ', '_')}.safetensors", data / "report.json"
    learn = [sys.executable, "-m", "amodal", "learn", "--data", data / "annotations.json", "--images", data / "images"]
    learn += ["--backgrounds", arguments.backgrounds, "--out", model, *VARIANTS[name]]
    learn += ["--work", arguments.work] if arguments.work else []
    subprocess.run([str(word) for word in learn], check=True)
    measure = [sys.executable, UNOCCLUDED, "--data", data, "--model", model, "--split", "dev", "--out", report]
    subprocess.run([str(word) for word in measure], check=True)
    groups = json.loads(report.read_text())["groups"]
    return {
        group: {
            "objects": entry["objects"],
            **{row: entry["miou"][row]["mean"] for row in ROWS},
            "classification": entry["classification"]["mean"],
        }
        for group, entry in groups.items()
    }


if __name__ == "__main__":
    main()
