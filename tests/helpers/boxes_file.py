"""The smallest thing that can be learned from: one photo and some boxes on it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image


def boxes_file(folder: Path, boxes: Sequence[Sequence[float]], *, side: int = 160, blank: bool = False) -> Path:
    """One photo of noise (or of one grey) with boxes (XYWH) of one class."""
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(np.full_like(pixels, 90) if blank else pixels).save(folder / "images" / "0.png")
    content = {
        "images": [{"id": 0, "file_name": "0.png", "width": side, "height": side}],
        "annotations": [{"id": n, "image_id": 0, "category_id": 1, "bbox": list(b)} for n, b in enumerate(boxes)],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (folder / "boxes.json").write_text(json.dumps(content))
    return folder / "boxes.json"
