"""Tables 5, 6 and 7 of the KINS paper: what each part of ASN is worth, from one trunk and with one budget.

    python experiments/network_family/ablations.py --scenes DIR --trunk FILE --work DIR

--scenes holds what scenes.sh makes. --trunk is a trained amodal-mask-rcnn: every row begins with its backbone, pyramid
and proposals, and with fresh heads, so that none is ahead of another; the backbone is held fixed. Rows are kept in
--work; a stopped run goes on, and several runs with different --rows share the work.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from common import digest, precision_of

from amodal import load
from amodal.data.truth import Truth, read_truth
from amodal.data.write import write_text_atomically
from amodal.networks.ablations import TABLES, ablation
from amodal.networks.asn import Asn, AsnSettings
from amodal.networks.task import FamilyTask, Start
from amodal.training.config import TrainConfig
from amodal.training.files import NetworkFile
from amodal.training.loop import train
from amodal.training.truths import read_pictures

HERE = Path(__file__).parent
TRUNK = ("backbone.", "pyramid.", "rpn.")
FIXED = 8  # more stages than any backbone has


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--trunk", type=Path, required=True, help="a trained amodal-mask-rcnn")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--photos", type=int, default=100, help="val scenes that are scored, spread evenly")
    parser.add_argument("--rows", nargs="+", help="only these, to share the work; nothing is written beside this file")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = {row: settings for table in TABLES.values() for row, settings in table.items()}
    # A row may stand in two tables under two names.
    names = {json.dumps(settings, sort_keys=True): row for row, settings in reversed(rows.items())}
    truths = read_truth(arguments.scenes / "val")
    truths = [truths[i] for i in np.linspace(0, len(truths) - 1, arguments.photos).round().astype(int)]
    measured = {}
    for row in arguments.rows or names.values():
        table = next(number for number, table in TABLES.items() if row in table)
        measured[row] = measure(table, row, truths, arguments)
        print(row, measured[row], flush=True)
    if arguments.rows:
        return
    tables = {
        str(number): {row: measured[names[json.dumps(settings, sort_keys=True)]] for row, settings in table.items()}
        for number, table in TABLES.items()
    }
    result = {
        "command": "python experiments/network_family/ablations.py --scenes DIR --trunk FILE --work DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "AP in percent; occlusion: share of the true objects that the branch judges right, in percent",
        "steps": arguments.steps,
        "photos": arguments.photos,
        "all_negative": {f"{percent} %": all_negative(truths, percent / 100) for percent in (0, 5, 15, 20)},
        "tables": tables,
    }
    write_text_atomically(HERE / "ablations.json", json.dumps(result, indent=1) + "\n")


def measure(table: int, row: str, truths: list[Truth], arguments: argparse.Namespace) -> dict[str, float]:
    """Train the row and score it, unless that was done before."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    stem = "".join(letter if letter.isalnum() else "-" for letter in row)
    settings = replace(ablation(AsnSettings(), table, row), frozen_stages=FIXED)
    pictures = read_pictures([arguments.scenes / "train"])
    config = TrainConfig(steps=arguments.steps, batch=2, rate=1e-3)
    recipe = digest(truths, asdict(settings), config.budget(), pictures.digest, files=[arguments.trunk])
    kept = arguments.work / f"{stem}-{arguments.steps}-{recipe}.json"
    if kept.is_file():
        return json.loads(kept.read_text())
    start = Start.read(arguments.trunk, "amodal-mask-rcnn")
    trunk = {name: tensor for name, tensor in start.file.tensors.items() if name.startswith(TRUNK)}
    start = replace(start, file=NetworkFile(trunk, start.file.metadata))
    out = arguments.work / f"{stem}.safetensors"
    trained = train(FamilyTask("asn", Asn, settings, pictures, start=start), config, out, arguments.work / "runs")
    found = scored(out, settings, truths) | {"seconds": round(trained.seconds)}
    write_text_atomically(kept, json.dumps(found))
    return found


def scored(model: Path, settings: AsnSettings, truths: list[Truth]) -> dict[str, float]:
    values = precision_of("asn", model, truths)
    for kind in ("amodal", "inmodal"):
        if kind not in settings.masks:
            values.pop(kind)
    if settings.occlusion and settings.coding is None:  # as in Table 6
        given = load(model, "asn", reasoning="none")
        right = []
        for truth in truths:
            boxes, labels = [one.box for one in truth.given], [one.label for one in truth.given]
            said = given.segment(truth.path, boxes, labels)
            right += [
                (one.meta["occluded"] > 0.5) == (true.occlusion > settings.occlusion_threshold)
                for one, true in zip(said.instances, truth.given, strict=True)
            ]
        values["occlusion"] = round(100 * float(np.mean(right)), 1)
    return values


def all_negative(truths: list[Truth], threshold: float) -> float:
    """Share of right answers of who calls no object occluded."""
    shares = [one.occlusion <= threshold for truth in truths for one in truth.given]
    return round(100 * float(np.mean(shares)), 1)


if __name__ == "__main__":
    main()
