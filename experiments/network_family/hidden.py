"""Figure 5 of the KINS paper: do hidden parts get lost as training goes on, with and without ASN?

    python experiments/network_family/hidden.py --data DIR --backgrounds DIR --work DIR

Both networks see the same 120 street scenes again and again, some 20 epochs, as many as the paper's schedule gives to
KINS; from time to time their masks are asked for in the true boxes of 40 val scenes. --data holds annotations.json and
images/. A stopped run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from datetime import date
from pathlib import Path

import torch
from common import say

from amodal.challenge import ChallengeConfig, generate
from amodal.data.write import write_text_atomically
from amodal.networks.plans import Choices, family_task
from amodal.networks.watching import Validation, read_validation
from amodal.training.config import TrainConfig
from amodal.training.loop import train

HERE = Path(__file__).parent
NETWORKS = {"Mask R-CNN": "amodal-mask-rcnn", "Mask R-CNN + ASN": "asn"}
CLASSES = ("car", "person", "truck")
NUMBERS = ("hidden_iou", "amodal_iou", "modal_iou", "amodal_ap", "inmodal_ap")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "backgrounds", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--every", type=int, default=120)
    parser.add_argument("--only", nargs="+", choices=list(NETWORKS), help="share the work; nothing is written")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    few = scenes(arguments, "train", 120, 3)
    held = read_validation(scenes(arguments, "val", 40, 4), None, None, CLASSES, most=40)
    curves = {}
    for title in arguments.only or NETWORKS:
        task = family_task(NETWORKS[title], Choices((few,)))
        watch = Validation(task.name, CLASSES, task.settings, held, every=arguments.every, drawn=3)
        # A constant rate but for a late drop, as published: a cosine would end the forgetting by itself.
        drops = (round(arguments.steps * 20 / 24), round(arguments.steps * 22 / 24))
        config = TrainConfig(steps=arguments.steps, batch=2, rate=5e-4, drops=drops)
        out = arguments.work / f"{task.name}.safetensors"
        trained = train(task, config, out, arguments.work / "runs", say, watch=watch)
        curves[title] = [{key: seen.get(key) for key in ("step", *NUMBERS)} for seen in trained.watched]
    if arguments.only:
        return
    result = {
        "command": "python experiments/network_family/hidden.py --data DIR --backgrounds DIR --work DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "IoU and AP in percent; hidden_iou of the parts that something hides, in true boxes",
        "scenes": 120,
        "objects": sum(len(truth.scored) for truth in held),
        "curves": curves,
    }
    write_text_atomically(HERE / "hidden.json", json.dumps(result, indent=1) + "\n")


def scenes(arguments: argparse.Namespace, split: str, count: int, seed: int) -> Path:
    folder = arguments.work / f"scenes-{split}"
    config = ChallengeConfig(
        objects=arguments.data / "annotations.json",
        images=arguments.data / "images",
        backgrounds=arguments.backgrounds,
        background_names="camvid_*",
        background_part="train" if split == "train" else "test",
        scenario="street",
        layout="ground",
        classes=CLASSES,
        split=split,
        scenes=count,
        seed=seed,
    )
    generate(config, folder)
    return folder / "scenes.json"


if __name__ == "__main__":
    main()
