"""Does memory stay flat over many photos? RSS of a run in one process, as its photos are done, and the slope of it.

    python benchmarks/scale/memory.py [--photos 10000]
    python benchmarks/scale/memory.py --photos 100000 --precomputed

The photos are small (96 × 64, two objects, from one shard of tar). With `--precomputed` the backbone is left out: for
each shape of crop it ran once, and all else (decoding, crops, maps, reasoning, encoding, parts, ledger) is done with
what it gave. The first tenth of the run is warming up. Writes memory.json, or
memory_precomputed.json, beside this file.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from amodal.bench.machine import machine, resident_mb
from amodal.features import crops
from amodal.scale.run import predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked
from amodal.scale.workers import set_threads

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT = 96, 64
WARMING_UP = 0.1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=10_000)
    parser.add_argument("--precomputed", action="store_true", help="features computed once for each shape of crop")
    parser.add_argument("--out", type=Path, default=HERE, help="where the result goes")
    arguments = parser.parse_args()
    set_threads(1)
    host = machine()
    if arguments.precomputed:
        compute_once()
    samples: list[tuple[int, float]] = []

    def sample(_stage: str, done: int, _total: int) -> None:
        samples.append((done, resident_mb() or float("nan")))

    with tempfile.TemporaryDirectory() as folder:
        shard = make_shard(Path(folder) / "photos.tar", arguments.photos)
        started = time.perf_counter()
        asked = Asked("default", "orm", {"refine": "none"}, None)
        predict_many(open_sources([shard]), asked, Path(folder) / "out", workers=0, progress=sample)
        seconds = time.perf_counter() - started
    kept = np.array([one for one in samples if one[0] > WARMING_UP * arguments.photos])
    slope, _ = np.polyfit(kept[:, 0], kept[:, 1], 1)
    result = {
        "command": " ".join(["python benchmarks/scale/memory.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "seed": 0,
        "machine": host,
        "photos": arguments.photos,
        "photos_per_second": round(arguments.photos / seconds, 1),
        "rss_mb": {"after warming up": round(kept[0, 1], 1), "at the end": round(kept[-1, 1], 1)},
        "rss_most_mb": round(float(kept[:, 1].max()), 1),
        "slope_kb_per_photo": round(float(slope) * 1000, 4),
        "slope_mb_over_the_run": round(float(slope) * arguments.photos, 2),
    }
    name = "memory_precomputed.json" if arguments.precomputed else "memory.json"
    arguments.out.mkdir(parents=True, exist_ok=True)
    (arguments.out / name).write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def make_shard(path: Path, photos: int) -> Path:
    """Noise with two overlapping boxes in each photo."""
    random = np.random.default_rng(0)
    with tarfile.open(path, "w") as shard:
        for number in range(photos):
            content = io.BytesIO()
            Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(content, "JPEG")
            x, y = random.integers(0, 20, 2).tolist()
            boxes = [{"box": [x, y, x + 40, y + 36], "class": "car"}, {"box": [x + 20, y + 4, x + 50, y + 40]}]
            boxes[1]["class"] = "person"
            for name, data in ((f"{number:07d}.jpg", content.getvalue()), (f"{number:07d}.json", _json(boxes))):
                member = tarfile.TarInfo(name)
                member.size = len(data)
                shard.addfile(member, io.BytesIO(data))
    return path


def compute_once() -> None:
    """From now on the backbone gives for each shape of a batch what it gave for the first one."""
    whole, given = crops.run_backbone, dict[tuple[int, ...], Any]()

    def precomputed(backbone: Any, batch: np.ndarray) -> Any:
        if batch.shape not in given:
            given[batch.shape] = whole(backbone, batch)
        return given[batch.shape]

    crops.run_backbone = precomputed


def _json(value: object) -> bytes:
    return json.dumps(value).encode()


if __name__ == "__main__":
    main()
