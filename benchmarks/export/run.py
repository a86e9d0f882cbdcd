"""Is an exported model the same, and how fast is it? PyTorch beside onnxruntime and OpenVINO, float32 and int8.

    python benchmarks/export/run.py --data DIR [--photos 200] [--method student] [--out FOLDER]
    python benchmarks/export/run.py                    # the six shipped photos

DIR holds annotations.json with visible masks and images/; photos of its val split are drawn by --seed. All boxes are
given as boxes of whole objects, with their labels. Compared with PyTorch in float32, on the same photos:

- maps: the largest difference of any f, o or c of the compositional model, and of any posterior of the student;
- masks: IoU of visible and whole masks, mean and least, two empty ones counting 1;
- where masks are annotated: mean IoU of visible masks with them, and what that loses.

PyTorch in bfloat16, the usual way, is one of those compared: it says how much rounding alone changes. Seconds are of
`segment`, file to scene; for each photo all of them run one after the other, each photo beginning with another, and a
ratio is the median of the ratios of neighbouring runs, with quartiles. Writes result.json and result.txt.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch

import amodal
from amodal.data.boxes import pair_boxes
from amodal.data.truth import read_truth
from amodal.export.quantise import Sample
from amodal.export.write import export_model
from amodal.features import crops
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.methods.looking import look
from amodal.processor import cpu_name
from amodal.scene import Scene
from amodal.student.hints import hints_of
from amodal.student.task import batch_of, label_number

HERE = Path(__file__).resolve().parent
USUAL, REFERENCE = "torch bf16", "torch fp32"
LEAST_IOU, MOST_DIFFERENCE = 0.995, 1e-3
CALIBRATED_ON = 32  # photos of the train split, for int8


@dataclass(frozen=True)
class Photo:
    """A photo, boxes, labels, and the annotated visible masks where there are any."""

    path: Path
    boxes: np.ndarray
    labels: tuple[str, ...]
    visible: tuple[CropMask, ...] | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of annotated photos; the shipped photos if not given")
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--model", default="default")
    parser.add_argument("--method", default="student", choices=["student", "orm"])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    load_before = os.getloadavg()[0]
    photos = photos_of(arguments.data, "val", arguments.photos, arguments.seed)
    samples = [
        Sample(one.path, one.boxes, one.labels)
        for one in photos_of(arguments.data, "train", CALIBRATED_ON, arguments.seed)
    ]
    with tempfile.TemporaryDirectory() as place:
        folders = exported(arguments.model, arguments.method, samples, Path(place))
        result = measure(arguments.model, arguments.method, folders, photos)
    result = {
        "command": command(arguments.data),
        "date": date.today().isoformat(),
        "seed": arguments.seed,
        "model": arguments.model,
        "method": arguments.method,
        "photos": len(photos),
        "objects": sum(len(one.boxes) for one in photos),
        "int8_ranges_from": f"{len(samples)} photos",
        "machine": machine(load_before),
        **result,
    }
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / "result.json").write_text(json.dumps(result, indent=1) + "\n")
    (arguments.out / "result.txt").write_text(table(result))
    print(table(result), end="")


def command(data: Path | None) -> str:
    """As it was given; where somebody keeps photos concerns nobody."""
    said = ("DIR" if data is not None and Path(word) == data else word for word in sys.argv[1:])
    return " ".join(["python benchmarks/export/run.py", *said])


def photos_of(data: Path | None, split: str, most: int, seed: int) -> list[Photo]:
    if data is None:
        demo = Path(str(files("amodal") / "demo"))
        paths = sorted((demo / "photos").glob("*.jpg"))[:most]
        boxed = pair_boxes(demo / "boxes.json", paths).photos
        return [Photo(one.path, one.boxes, tuple(str(label) for label in one.labels), None) for one in boxed]
    truths = [
        truth
        for truth in read_truth(data / "annotations.json", images=data / "images", split=split)
        if truth.path is not None and len(truth.scene)
    ]
    chosen = np.random.default_rng(seed).permutation(len(truths))[:most]
    return [
        Photo(
            Path(truth.path or ""),
            np.array([one.box for one in truth.scene.instances], np.float64),
            tuple(one.label for one in truth.scene.instances),
            tuple(one.modal for one in truth.scene.instances),
        )
        for truth in (truths[n] for n in sorted(chosen))
    ]


def exported(model: str, method: str, samples: Sequence[Sample], place: Path) -> dict[str, Path]:
    folders = {}
    for engine in ("onnx", "openvino"):
        for precision, own in (("fp32", ()), ("int8", samples)):
            name = f"{engine} {precision}"
            folders[name] = place / name.replace(" ", "-")
            export_model(model, folders[name], engine=engine, method=method, samples=own)
    return folders


def measure(model: str, method: str, folders: Mapping[str, Path], photos: Sequence[Photo]) -> dict[str, Any]:
    settings = {"refine": "none"}
    ours = amodal.load(model, method=method, **settings)
    calls: dict[str, Callable[[Photo], Scene]] = {
        USUAL: lambda one: ours.segment(one.path, one.boxes, list(one.labels)),
        REFERENCE: lambda one: in_full(ours, one),
    }
    segmenters = {name: amodal.load(folder, method=method, **settings) for name, folder in folders.items()}
    for name, segmenter in segmenters.items():
        calls[name] = lambda one, own=segmenter: own.segment(one.path, one.boxes, list(one.labels))
    for call in calls.values():
        call(photos[0])
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    overlaps: dict[str, list[float]] = {name: [] for name in calls}
    with_truth: dict[str, list[float]] = {name: [] for name in calls}
    maps: dict[str, list[float]] = {name: [] for name in (USUAL, "onnx fp32", "openvino fp32")}
    fine: dict[str, list[float]] = {name: [] for name in maps}
    names = list(calls)
    for number, photo in enumerate(photos):
        scenes = {}
        first = number % len(names)
        for name in names[first:] + names[:first]:
            start = time.perf_counter()
            scenes[name] = calls[name](photo)
            seconds[name].append(time.perf_counter() - start)
        for name, scene in scenes.items():
            overlaps[name] += ious(scene, scenes[REFERENCE])
            if photo.visible is not None:
                with_truth[name] += [
                    one.modal.iou(mask) for one, mask in zip(scene.instances, photo.visible, strict=True)
                ]
        for name, (own, posterior) in differences(ours, segmenters, photo).items():
            maps[name].append(own)
            fine[name].append(posterior)
        if number % 20 == 19:
            print(f"{number + 1} of {len(photos)} photos", file=sys.stderr, flush=True)
    return {
        "rows": {
            name: {
                "seconds": spread(seconds[name]),
                "over_usual": spread([a / b for a, b in zip(seconds[name], seconds[USUAL], strict=True)]),
                "over_reference": spread([a / b for a, b in zip(seconds[name], seconds[REFERENCE], strict=True)]),
                "iou": {
                    "mean": round(statistics.mean(overlaps[name]), 5),
                    "least": round(min(overlaps[name]), 5),
                    "share_above": round(float(np.mean(np.array(overlaps[name]) >= LEAST_IOU)), 4),
                    "n": len(overlaps[name]),
                },
                "largest_map_difference": max(maps[name]) if name in maps else None,
                "largest_posterior_difference": max(fine[name]) if method == "student" and name in fine else None,
                "miou_with_annotated": round(statistics.mean(with_truth[name]), 4) if with_truth[name] else None,
            }
            for name in names
        }
    }


def differences(ours: Any, segmenters: Mapping[str, Any], photo: Photo) -> dict[str, tuple[float, float]]:
    """Largest difference of any log map, and of any posterior of the student, from PyTorch in float32."""
    picture, student = read_photo(photo.path), getattr(ours, "student", None)
    given = [picture], [photo.boxes], [list(photo.labels)]

    def looked(exact: bool) -> tuple[list[np.ndarray], list[np.ndarray]]:
        with full_precision(ours) if exact else nullcontext():
            seen = look(ours.model, *given, finer=student.finer if student else ())[0]
            posteriors = [] if student is None else fine_of(ours, seen)
        found = [part.numpy() for one in seen for own in one.maps
                 for part in (own.foreground[0], own.occluded, own.context[0])]  # fmt: skip
        return found, posteriors

    reference = looked(exact=True)
    found = {USUAL: looked(exact=False)}
    for name in ("onnx fp32", "openvino fp32"):
        looker = segmenters[name].looker
        seen = looker.look(*given)
        parts = [part for one in seen[0] for own in one.maps for part in (own.foreground, own.occluded, own.context)]
        found[name] = parts, looker.student_posteriors(seen)[0] if student else []
    return {
        name: (largest(own, reference[0]), largest(posteriors, reference[1]))
        for name, (own, posteriors) in found.items()
    }


def fine_of(ours: Any, seen: Sequence[Any]) -> list[np.ndarray]:
    """The student's posteriors of each object, as precise as the student is at present."""
    hints = hints_of(ours.model, seen)
    rows = []
    for one, hint in zip(seen, hints, strict=True):
        label = one.label if ours.student.inputs.label else ""
        logits = ours.student.logits(*batch_of([(one, hint, label_number(ours.model, label))], ours.student.inputs))
        rows.append(torch.softmax(logits / ours.student.temperature, 1)[0].numpy())
    return rows


def largest(ours: Sequence[np.ndarray], theirs: Sequence[np.ndarray]) -> float:
    return max((float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True)), default=0.0)


def ious(ours: Scene, theirs: Scene) -> list[float]:
    pairs = [pair for a, b in zip(ours.instances, theirs.instances, strict=True)
             for pair in ((a.modal, b.modal), (a.amodal, b.amodal))]  # fmt: skip
    return [1.0 if a.is_empty and b.is_empty else a.iou(b) for a, b in pairs]


def in_full(segmenter: Any, photo: Photo) -> Scene:
    with full_precision(segmenter):
        return segmenter.segment(photo.path, photo.boxes, list(photo.labels))


@contextmanager
def full_precision(segmenter: Any) -> Iterator[None]:
    """Backbone and student in float32; the usual way is bfloat16."""
    usual, student = crops.run_backbone, getattr(segmenter, "student", None)

    def run_backbone(backbone: Any, batch: np.ndarray) -> Any:
        with torch.inference_mode():
            pixels = torch.from_numpy(batch).permute(0, 3, 1, 2).float()
            return backbone.with_finer(pixels)

    kept = None if student is None else student._fast
    crops.run_backbone = run_backbone
    if student is not None:
        student.__dict__["_fast"] = student.network
    try:
        yield
    finally:
        crops.run_backbone = usual
        if student is not None:
            student.__dict__["_fast"] = kept


def spread(values: Sequence[float]) -> dict[str, Any]:
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return {"median": round(median, 4), "quartiles": [round(low, 4), round(high, 4)], "n": len(values)}


def machine(load_before: float) -> dict[str, Any]:
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "load_before": round(load_before, 2),
        "threads": os.environ.get("OMP_NUM_THREADS", "as each takes"),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "onnx", "onnxruntime", "openvino")},
    }


def table(result: dict[str, Any]) -> str:
    host = result["machine"]
    lines = [
        f"{result['command']}   {result['date']}",
        f"{host['cpu']}, {host['cores']} cores (load {host['load_before']} before); torch {host['torch']}, "
        f"onnxruntime {host['onnxruntime']}, openvino {host['openvino']}",
        f"model {result['model']}, method {result['method']}, {result['photos']} photos, {result['objects']} objects",
        "",
        f"{'':14} seconds  / torch bf16         / torch fp32         IoU mean  least    max|d map|  max|d post|  mIoU",
    ]
    for name, row in result["rows"].items():
        iou, truth = row["iou"], row["miou_with_annotated"]
        apart = [row["largest_map_difference"], row["largest_posterior_difference"]]
        shown = "  ".join(f"{'-' if one is None else f'{one:.1e}':>10}" for one in apart)
        lines.append(
            f"{name:14} {row['seconds']['median']:7.4f}  {ratio(row['over_usual'])}  {ratio(row['over_reference'])}  "
            f"{iou['mean']:.5f}  {iou['least']:.4f}  {shown}  {'-' if truth is None else f'{truth:.4f}'}"
        )
    exact = [result["rows"][name] for name in ("onnx fp32", "openvino fp32")]
    worst = max(row[f"largest_{kind}_difference"] or 0.0 for row in exact for kind in ("map", "posterior"))
    least = min(row["iou"]["mean"] for row in exact)
    return "\n".join([
        *lines, "",
        f"{met(worst <= MOST_DIFFERENCE)}  maps in float32 as PyTorch's to {MOST_DIFFERENCE}: {worst:.1e}",
        f"{met(least >= LEAST_IOU)}  masks in float32 at mean IoU {LEAST_IOU} or more: {least:.5f}",
    ]) + "\n"  # fmt: skip


def ratio(values: dict[str, Any]) -> str:
    low, high = values["quartiles"]
    return f"{values['median']:5.2f} [{low:5.2f}-{high:5.2f}]"


def met(holds: bool) -> str:
    return "met   " if holds else "MISSED"


if __name__ == "__main__":
    main()
