"""Can every network learn ten scenes by heart? Mask AP on the very scenes that it was taught should exceed 80.

    python experiments/network_family/overfit.py --data DIR --backgrounds DIR --work DIR

Ten scenes of two objects each, one before the other, seen again and again as they are; none where two objects of one
class have boxes that overlap by more than half, since suppression keeps but one of such. --data holds annotations.json
and images/. Where AP of whole masks does not exceed 80, the network is trained anew with more steps, then on. A stopped
run goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
from dataclasses import asdict, replace
from datetime import date
from pathlib import Path

import torch
from common import digest, precision_of, say
from torchvision.ops import box_iou

from amodal.challenge import ChallengeConfig, generate
from amodal.data.truth import Truth, read_truth
from amodal.data.write import write_text_atomically
from amodal.networks.plans import Choices, family_task
from amodal.networks.registry import FAMILY
from amodal.training.config import TrainConfig
from amodal.training.loop import train

HERE = Path(__file__).parent
ENOUGH = 80.0
STEPS = (800, 2000, 2000)  # from the start, from the start, on from there
SCENES = 10
SUPPRESSED = 0.5  # IoU


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("data", "backgrounds", "work"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--only", nargs="+", choices=list(FAMILY), help="share the work; nothing is written")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    folder = arguments.work / "scenes"
    generate(
        ChallengeConfig(
            objects=arguments.data / "annotations.json",
            images=arguments.data / "images",
            backgrounds=arguments.backgrounds,
            classes=("car", "person", "truck"),
            split="train",
            scenes=4 * SCENES,
            seed=5,
        ),
        folder,
    )
    truths = [truth for truth in read_truth(folder) if separable(truth)][:SCENES]
    networks = {}
    for name in arguments.only or FAMILY:
        networks[name] = learned(name, folder / "scenes.json", truths, arguments.work)
        print(name, networks[name], flush=True)
    if arguments.only:
        return
    result = {
        "command": "python experiments/network_family/overfit.py --data DIR --backgrounds DIR --work DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "AP in percent, on the ten scenes that were learned",
        "objects": sum(len(truth.scored) for truth in truths),
        "networks": networks,
    }
    write_text_atomically(HERE / "overfit.json", json.dumps(result, indent=1) + "\n")


def separable(truth: Truth) -> bool:
    """Whether suppression, which goes by class, can keep every object."""
    boxes = torch.tensor([one.box for one in truth.given], dtype=torch.float32)
    alike = torch.tensor([[one.label == other.label for other in truth.given] for one in truth.given])
    return bool((box_iou(boxes, boxes).fill_diagonal_(0)[alike] <= SUPPRESSED).all())


def learned(name: str, scenes: Path, truths: list[Truth], work: Path) -> dict[str, float]:
    """Train until whole masks are good enough; every length is a run of its own, so that its rate falls to the end."""
    found: dict[str, float] = {}
    model = work / f"{name}.safetensors"
    for number, steps in enumerate(STEPS):
        start = model if number == 2 else None
        config = TrainConfig(steps=steps, batch=2, rate=1e-3)
        task = replace(family_task(name, Choices((scenes,), start=start)), varied=False)
        task = replace(task, pictures=replace(task.pictures, truths=tuple(truths)))
        recipe = digest(truths, asdict(task.settings), config.budget())
        kept = work / f"{name}-{steps}{'-more' if start else ''}-{recipe}.json"
        if kept.is_file():
            found = json.loads(kept.read_text())
        else:
            trained = train(task, config, model, work / "runs", say)
            spent = {"steps": steps, "seconds": round(trained.seconds)}
            spent = {key: value + (int(found[key]) if start else 0) for key, value in spent.items()}
            found = precision_of(name, model, truths) | spent
            write_text_atomically(kept, json.dumps(found))
        if found["amodal"] > ENOUGH:
            break
    return found


if __name__ == "__main__":
    main()
