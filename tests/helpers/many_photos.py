"""Many small photos with boxes, in every kind of source that `amodal predict` takes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 64, 48


@dataclass(frozen=True)
class Photos:
    """A folder of photos, and each one's entry as our simple JSON has it."""

    folder: Path
    entries: tuple[dict[str, Any], ...]

    def path(self, number: int) -> Path:
        return self.folder / self.entries[number]["file"]


def save_photos(folder: Path, count: int) -> Photos:
    """Noise, in two folders; one to three boxes in each."""
    random = np.random.default_rng(5)
    entries = []
    for number in range(count):
        name = f"{'ab'[number % 2]}/{number:03d}.png"
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)).save(folder / name)
        boxes = [
            {"box": [x, y, x + 20, y + 18], "class": "car"}
            for x, y in random.integers(0, 25, (1 + number % 3, 2)).tolist()
        ]
        entries.append({"file": name, "boxes": boxes})
    return Photos(folder, tuple(sorted(entries, key=lambda entry: entry["file"])))


def save_simple(photos: Photos, path: Path) -> Path:
    path.write_text(json.dumps(list(photos.entries)))
    return path


def save_coco(photos: Photos, path: Path) -> Path:
    images = [{"id": n, "file_name": entry["file"]} for n, entry in enumerate(photos.entries)]
    boxes = [(n, one["box"]) for n, entry in enumerate(photos.entries) for one in entry["boxes"]]
    annotations = [
        {"id": n, "image_id": image, "category_id": 3, "bbox": [x0, y0, x1 - x0, y1 - y0]}
        for n, (image, (x0, y0, x1, y1)) in enumerate(boxes)
    ]
    content = {"images": images, "annotations": annotations, "categories": [{"id": 3, "name": "car"}]}
    path.write_text(json.dumps(content))
    return path


def save_list(photos: Photos, path: Path) -> Path:
    path.write_text("".join(f"{entry['file']}\n" for entry in photos.entries))
    return path


def save_jsonl(photos: Photos, path: Path) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in photos.entries))
    return path


def save_parquet(photos: Photos, path: Path, *, pictures: bool) -> Path:
    """With the pictures inside, in two row groups, or with their names."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Sequence[Any]] = {
        "boxes": [[one["box"] for one in entry["boxes"]] for entry in photos.entries],
        "labels": [[one["class"] for one in entry["boxes"]] for entry in photos.entries],
    }
    if pictures:
        columns["image"] = [photos.path(n).read_bytes() for n in range(len(photos.entries))]
        columns["key"] = [entry["file"] for entry in photos.entries]
    else:
        columns["file"] = [entry["file"] for entry in photos.entries]
    pq.write_table(pa.table(columns), path, row_group_size=1 + len(photos.entries) // 2)
    return path


def save_tar(photos: Photos, path: Path) -> Path:
    """As WebDataset has it."""
    with tarfile.open(path, "w") as shard:
        for number, entry in enumerate(photos.entries):
            add_to_tar(shard, entry["file"], photos.path(number).read_bytes())
            beside = json.dumps({"boxes": entry["boxes"]}).encode()
            add_to_tar(shard, str(Path(entry["file"]).with_suffix(".json")), beside)
    return path


def add_to_tar(shard: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    shard.addfile(member, io.BytesIO(content))
