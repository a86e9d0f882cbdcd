"""What tests of the command line need: small photos and boxes, broken ones, a look at what was written."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    code: int
    out: str
    err: str


Amodal = Callable[..., Outcome]


def save_photo(path: Path, width: int = 64, height: int = 48) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(7).integers(0, 256, (height, width, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def save_truncated_jpeg(path: Path) -> Path:
    whole = save_photo(path, 256, 256).read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    return path


def save_huge_png(path: Path, side: int = 20_000) -> Path:
    """A PNG of side² pixels by its header, a few hundred bytes long."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(100))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def save_boxes(path: Path, boxes_of: dict[str, Any], label: str | None = "car") -> Path:
    """Our simple JSON; NaN is written as Python's json does."""
    entries = [
        {"file": name, "boxes": [{"box": box} | ({"class": label} if label else {}) for box in boxes]}
        for name, boxes in boxes_of.items()
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """All that a folder holds, to see whether anything changed."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
