"""How fast method `orm` is on a device, from decoded photos to scenes, beside the backbone alone on the same crops.

    python benchmarks/device/run.py --device cuda
    python benchmarks/device/run.py --device cpu --photos 8 --batch 8

Streets of 375 × 1242 px with 13 objects each of various sizes, classes given, no refinement. In turns, there and back:
(whole) photos in the host's memory to scenes with masks as run lengths; and
(backbone) the passes of the same crops, which lie on the device already, and nothing else; on the processor also
(usual) the method as it is without a device.
Then once more with a clock around every stage, the device waited for before and after each; how often the host waits in
a batch, by its own account and, on a GPU, by CUDA's.

Writes result_DEVICE.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

import amodal
from amodal.bench.machine import MEGABYTE, machine
from amodal.bench.street import make_street
from amodal.bench.timing import ratios, taken_in_turns
from amodal.device import segmenter
from amodal.device.looked import DeviceModel
from amodal.device.segmenter import DeviceSegmenter, load_orm
from amodal.images import read_photo

HERE = Path(__file__).resolve().parent
OBJECTS = 13
SIZES = (0.3, 0.45, 0.6, 0.75, 0.9)  # of a street's objects: at 0.6 cars are 72 to 114 px high
WANTED = {"on": "a GPU of the H200's class", "photos_per_second": 250, "reasoning_over_forward": 0.1}
Given = tuple[list[np.ndarray], list[np.ndarray], list[Sequence[str]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, cpu")
    parser.add_argument("--model", default="default")
    parser.add_argument("--photos", type=int, default=160)
    parser.add_argument("--batch", type=int, default=32, help="photos at once")
    parser.add_argument("--seconds", type=float, default=60.0, help="of taking turns")
    parser.add_argument("--uncompiled", action="store_true", help="no torch.compile on a GPU")
    parser.add_argument("--threads", type=int, help="of the processor")
    parser.add_argument("--out", type=Path, default=HERE)
    arguments = parser.parse_args()
    if arguments.threads:
        torch.set_num_threads(arguments.threads)
    host = machine()
    compiled = False if arguments.uncompiled else None
    own = load_orm(arguments.model, device=arguments.device, refine="none", compiled=compiled)
    given = streets(arguments.photos)
    batches = [tuple(part[k : k + arguments.batch] for part in given) for k in range(0, len(given[0]), arguments.batch)]
    result = {
        "command": " ".join(["python benchmarks/device/run.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "seed": "none: the photos are always the same",
        "machine": host,
        "device": arguments.device,
        "compiled": own.model.is_compiled,
        "wanted": WANTED,
        "photos": arguments.photos,
        "objects_a_photo": OBJECTS,
        "photos_a_batch": arguments.batch,
        **speeds(own, batches, arguments),
        **stages(own, batches),
        **waits(own, batches[0]),
    }
    on_gpu = own.wire.device.type == "cuda"
    result["device_mb"] = round(torch.cuda.max_memory_allocated(own.wire.device) / MEGABYTE) if on_gpu else None
    arguments.out.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, indent=1) + "\n"
    (arguments.out / f"result_{arguments.device.replace(':', '_')}.json").write_text(text)
    print(text, end="")


def streets(count: int) -> Given:
    """So many decoded photos with boxes and labels; of a few streets, and these turned left to right."""
    photos, boxes, labels = [], [], []
    with tempfile.TemporaryDirectory() as folder:
        for size in SIZES:
            street = make_street(OBJECTS, Path(folder), size=size)
            picture = read_photo(street.path)
            width = picture.shape[1]
            photos += [picture, np.ascontiguousarray(picture[:, ::-1])]
            boxes += [street.boxes, np.stack([width - street.boxes[:, 2], street.boxes[:, 1],
                                              width - street.boxes[:, 0], street.boxes[:, 3]], 1)]  # fmt: skip
            labels += [street.labels] * 2
    chosen = [k % len(photos) for k in range(count)]
    return [photos[k] for k in chosen], [boxes[k] for k in chosen], [labels[k] for k in chosen]


def speeds(own: DeviceSegmenter, batches: Sequence[Given], arguments: argparse.Namespace) -> dict[str, Any]:
    """Photos a second of all in turns."""
    crops = passes_of(own, batches)

    def backbone() -> None:
        with torch.inference_mode():
            for one in crops:
                own.model.features_of(one)
        finished(own)

    calls: dict[str, Callable[[], object]] = {
        "whole": lambda: [own.segment_batch(*given) for given in batches],
        "backbone": backbone,
    }
    if own.wire.device.type == "cpu":
        usual = amodal.load(arguments.model, "orm", refine="none")
        calls["usual"] = lambda: [usual.segment_batch(*given) for given in batches]
    taken = taken_in_turns(calls, arguments.seconds)
    shares = ratios(taken["backbone"], taken["whole"])
    low, middle, high = statistics.quantiles(shares, n=4, method="inclusive")
    rate = {what: round(arguments.photos / statistics.median(seconds), 2) for what, seconds in taken.items()}
    return {
        "rounds": len(shares),
        "passes": len(crops),
        "crops": sum(map(len, crops)),
        "photos_per_second": rate,
        "whole_over_backbone": {"median": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)]},
    }


def passes_of(own: DeviceSegmenter, batches: Sequence[Given]) -> list[Tensor]:
    """The crops of every pass, as they were given to it."""
    seen: list[Tensor] = []
    original = own.model.features_of

    def record(crops: Tensor) -> Tensor:
        seen.append(crops.clone())
        return original(crops)

    own.model.features_of = record
    try:
        for given in batches:
            own.segment_batch(*given)
    finally:
        own.model.features_of = original
    return seen


def stages(own: DeviceSegmenter, batches: Sequence[Given], rounds: int = 3) -> dict[str, Any]:
    """Milliseconds a photo of each stage, and reasoning as a share of the forward pass."""
    taken: dict[str, float] = defaultdict(float)
    with clocked(own, taken, [(segmenter, "lay_out"), (segmenter, "run_batch"), (DeviceModel, "look")]):
        started = time.perf_counter()
        for _ in range(rounds):
            for given in batches:
                own.segment_batch(*given)
        whole = time.perf_counter() - started
    count = rounds * sum(len(given[0]) for given in batches)
    forward, reasoning = taken["look"], taken["run_batch"] - taken["look"]
    parts = {
        "laying out, on the host": taken["lay_out"],
        "forward pass: crops, backbone, maps, classes": forward,
        "reasoning, the host's part of it included": reasoning,
        "masks and scenes, on the host": whole - taken["lay_out"] - taken["run_batch"],
    }
    return {
        "milliseconds_a_photo": {name: round(1000 * seconds / count, 3) for name, seconds in parts.items()},
        "reasoning_over_forward": round(reasoning / forward, 3),
    }


@contextmanager
def clocked(own: DeviceSegmenter, taken: dict[str, float], names: Sequence[tuple[Any, str]]) -> Iterator[None]:
    """A clock around each of these functions."""
    originals = [(where, name, getattr(where, name)) for where, name in names]

    def watched(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*given: Any, **more: Any) -> Any:
            finished(own)
            started = time.perf_counter()
            found = original(*given, **more)
            finished(own)
            taken[name] += time.perf_counter() - started
            return found

        return call

    for where, name, original in originals:
        setattr(where, name, watched(name, original))
    try:
        yield
    finally:
        for where, name, original in originals:
            setattr(where, name, original)


def waits(own: DeviceSegmenter, given: Given) -> dict[str, Any]:
    """How often the host waits for the device in one batch."""
    before = own.wire.waits
    if own.wire.device.type != "cuda":
        own.segment_batch(*given)
        return {"waits_a_batch": own.wire.waits - before, "other_waits_a_batch": None}
    torch.cuda.set_sync_debug_mode("warn")
    try:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            own.segment_batch(*given)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    others = sum("synchroniz" in str(one.message) for one in told)
    return {"waits_a_batch": own.wire.waits - before, "other_waits_a_batch": others}


def finished(own: DeviceSegmenter) -> None:
    """Wait until the device has done what it was told."""
    if own.wire.device.type == "cuda":
        torch.cuda.synchronize(own.wire.device)


if __name__ == "__main__":
    main()
