"""The shipped detector on real photos and on street scenes: AP of boxes and masks.

    python experiments/detector/run.py --data DIR --scenes DIR [--model FILE]

DIR holds the street data's annotations.json and images/; the val split is scored. Its boxes are of visible parts, so
the box of the visible mask that the network gives is compared with them, and beside that its own, amodal, box. On
pasted street scenes (--scenes, made by experiments/network_family/scenes.sh) both are known. Where objects lack
annotation nothing counts as wrong; small objects count as any other.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import torch
from torchvision.ops import box_iou

from amodal import load
from amodal.data.truth import Truth, read_truth
from amodal.data.write import write_text_atomically
from amodal.evaluation.ap import average_precision
from amodal.images import read_photo
from amodal.scene import Scene

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "network_family"))
from common import of_classes

HERE = Path(__file__).parent
CLASSES = ("person", "car", "truck", "bus", "motorcycle", "bicycle")
SCORES = (0.5, 0.7, 0.8)
PHOTOS_OF_DOUBLES = 100
PASTED = ("car", "person", "truck")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, required=True)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    photos = read_truth(arguments.data / "annotations.json", images=arguments.data / "images", split="val")
    photos = [of_classes(truth, CLASSES) for truth in photos]
    pasted = [replace(truth, classes=truth.classes | set(CLASSES)) for truth in read_truth(arguments.scenes / "val")]
    result = {
        "command": "python experiments/detector/run.py --data DIR --scenes DIR",
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "AP in percent",
    }
    detector = load(arguments.model, "detector", boxes="own", least_score=0.05, reasoning="none")
    rival = load("default", "mask-rcnn", boxes="own", least_score=0.05)
    networks = {"detector": (detector, photos), "modal Mask R-CNN": (rival, photos), "on scenes": (detector, pasted)}
    for name, (network, truths) in networks.items():
        scenes, seconds = found(network, truths)
        kinds = average_precision(truths, scenes)
        seen = average_precision(truths, [in_visible_boxes(scene) for scene in scenes])["det"]
        result[name] = {
            "photos": len(truths),
            "objects": sum(len(truth.scored) for truth in truths),
            "seconds_per_photo": seconds,
            "ap": {kind: value.to_json() for kind, value in kinds.items()} | {"visible boxes": seen.to_json()},
        }
        print(name, {kind: value["AP"] for kind, value in result[name]["ap"].items()}, flush=True)
    learned_by_none = read_truth(arguments.scenes / "calibration")[:PHOTOS_OF_DOUBLES]
    result["doubles"] = doubles(arguments.model, learned_by_none)
    print("doubles", result["doubles"], flush=True)
    write_text_atomically(HERE / "result.json", json.dumps(result, indent=1) + "\n")


def found(network: object, truths: Sequence[Truth]) -> tuple[list[Scene], float]:
    """What the network finds by itself, and its seconds per photo."""
    started = time.perf_counter()
    scenes = [network.segment(truth.path, np.zeros((0, 4))) for truth in truths]
    seconds = (time.perf_counter() - started) / len(truths)
    kept = [scene.with_instances([one for one in scene.instances if one.label in CLASSES]) for scene in scenes]
    return kept, round(seconds, 3)


def doubles(model: str, truths: Sequence[Truth]) -> dict[str, object]:
    """Precision and recall of what is found with some score, whole boxes at IoU 0.5, with doubles and without."""
    counts = {(score, without): np.zeros(3) for score in SCORES for without in (False, True)}
    for without in (False, True):
        network = load(model, "detector", boxes="own", least_score=min(SCORES), reasoning=("none", "owners")[without])
        for truth in truths:
            found = network.find(read_photo(truth.path))
            for score in SCORES:
                sure = [row for row in np.argsort(-found.scores, kind="stable") if found.scores[row] >= score]
                right = matched([found.boxes[row] for row in sure], [found.labels[row] for row in sure], truth)
                counts[score, without] += right, len(sure), len(truth.given)
    return {
        f"{score}, {'without' if without else 'with'} doubles": {
            "precision": round(100 * right / found, 1),
            "recall": round(100 * right / there, 1),
        }
        for (score, without), (right, found, there) in counts.items()
    }


def matched(boxes: Sequence[np.ndarray], labels: Sequence[str], truth: Truth) -> int:
    """How many of the boxes, best first, are of an object that none before was of."""
    free = list(truth.given)
    if not boxes or not free:
        return 0
    before = len(free)
    for box, label in zip(boxes, labels, strict=True):
        alike = [one for one in free if one.label == label]
        if alike:
            overlap = box_iou(torch.from_numpy(box[None]), torch.tensor([one.box for one in alike]).double())[0]
            if overlap.max() >= 0.5:
                free.remove(alike[int(overlap.argmax())])
    return before - len(free)


def in_visible_boxes(scene: Scene) -> Scene:
    """The same objects, each in the box of its visible mask."""
    return scene.with_instances(
        [replace(one, box=tuple(map(float, one.modal.box))) for one in scene.instances if not one.modal.is_empty]
    )


if __name__ == "__main__":
    main()
