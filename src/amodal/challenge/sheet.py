"""Sheet: a page of small scenes with the outlines of whole objects, nearer ones warmer, hidden parts tinted."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool
from PIL import Image, ImageDraw

from amodal.images import read_photo
from amodal.masks import CropMask

SHEET = "sheet.jpg"
_COLUMNS, _MOST, _TILE = 5, 30, (384, 288)
# From the front to the back: Okabe and Ito's colours, told apart by all eyes.
_COLOURS = ((213, 94, 0), (230, 159, 0), (0, 158, 115), (86, 180, 233), (0, 114, 178), (204, 121, 167))
_UNKNOWN = (240, 228, 66)
_PAPER, _INK = (30, 30, 30), (255, 255, 255)


def chosen(scenes: int) -> set[int]:
    """Numbers of up to 30 scenes, evenly spread."""
    return set(np.linspace(0, scenes - 1, min(_MOST, scenes)).astype(int).tolist())


def sheet(folder: Path, scenes: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> bytes:
    """A JPEG file of scenes, each as our file holds it with its record; photos are below `folder`."""
    rows = -(-len(scenes) // _COLUMNS)
    page = Image.new("RGB", (_COLUMNS * _TILE[0], rows * _TILE[1]), _PAPER)
    for place, (content, record) in enumerate(scenes):
        page.paste(_tile(folder, content, record), (place % _COLUMNS * _TILE[0], place // _COLUMNS * _TILE[1]))
    stream = io.BytesIO()
    page.save(stream, "JPEG", quality=88)
    return stream.getvalue()


def _tile(folder: Path, content: Mapping[str, Any], record: Mapping[str, Any]) -> Image.Image:
    image = content["images"][0]
    photo = read_photo(folder / image["file_name"]).copy()
    depth_of = {placed["id"]: depth for depth, placed in enumerate(reversed(record["placed"]))}
    words = []
    for annotation in content["annotations"]:
        depth, meta = depth_of[annotation["instance_id"]], annotation["meta"]
        colour = _COLOURS[depth % len(_COLOURS)] if meta["known"] else _UNKNOWN
        whole = CropMask.from_coco_rle(annotation["segmentation"])
        hidden = whole.subtract(CropMask.from_coco_rle(annotation["visible_segmentation"])).to_dense()
        photo[hidden] = (photo[hidden].astype(np.uint16) * 3 + np.array(colour, np.uint16)) // 4
        photo[_outline(whole.to_dense())] = colour
        words.append((depth, meta["level"] if meta["known"] else "unknown"))
    tile = Image.fromarray(photo)
    tile.thumbnail((_TILE[0] - 4, _TILE[1] - 4))
    text = f"{record['index']}: " + ", ".join(word for _, word in sorted(words, key=lambda pair: pair[0]))
    brush = ImageDraw.Draw(tile)
    brush.rectangle((0, 0, 8 + 6 * len(text), 12), _PAPER)
    brush.text((3, 1), text, _INK)
    return tile


def _outline(mask: Bool[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels of a mask with a neighbour outside, made two wide so that they survive being made small."""
    padded = np.pad(mask, 2)
    inside = padded[2:-2, 2:-2].copy()
    for down, across in ((0, 2), (4, 2), (2, 0), (2, 4)):
        inside &= padded[down : down + mask.shape[0], across : across + mask.shape[1]]
    edge: Bool[np.ndarray, "h w"] = mask & ~inside
    return edge
