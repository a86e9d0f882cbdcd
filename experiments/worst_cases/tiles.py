"""Pictures of single objects: the photo around it, and the same with what is true and what was said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from amodal.draw.html import data_uri, safe, write_document
from amodal.masks import CropMask
from amodal.scene import Instance

TILE_PX, MARGIN, LINE_PX = 420, 0.35, 2
TRUE, SAID, WHOLE, BOX = (0, 230, 255), (255, 0, 200), (255, 170, 0), (255, 255, 255)
LEGEND = (
    "White: the box that was given; cyan: the true visible outline; pink: the visible one found; orange: the whole."
)
TILES_ON_A_SHEET, COLUMNS = 10, 2


def tile_of(photo: np.ndarray, true: Instance, said: Instance | None) -> np.ndarray:
    """Photo and outlines side by side, uint8 RGB, 2 * TILE_PX wide at most."""
    x0, y0, x1, y1 = true.box
    pad = MARGIN * max(x1 - x0, y1 - y0)
    height, width = photo.shape[:2]
    left, top = max(0, int(x0 - pad)), max(0, int(y0 - pad))
    right, bottom = min(width, int(np.ceil(x1 + pad))), min(height, int(np.ceil(y1 + pad)))
    scale = TILE_PX / max(right - left, bottom - top)
    size = (max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale)))
    plain = cv2.resize(np.ascontiguousarray(photo[top:bottom, left:right]), size, interpolation=cv2.INTER_CUBIC)
    drawn = plain.copy()
    corners = [round((value - offset) * scale) for value, offset in zip(true.box, (left, top) * 2, strict=True)]
    cv2.rectangle(drawn, tuple(corners[:2]), tuple(corners[2:]), BOX, 1)
    masks = [(true.modal, TRUE)]
    if said is not None:
        masks = [(said.amodal, WHOLE), *masks, (said.modal, SAID)]
    for mask, colour in masks:
        outline(drawn, mask, (left, top, right, bottom), size, colour)
    return np.hstack([plain, drawn])


def outline(
    picture: np.ndarray, mask: CropMask, window: tuple[int, int, int, int], size: tuple[int, int], colour: tuple
) -> None:
    left, top, right, bottom = window
    crop = mask.to_dense()[top:bottom, left:right].astype(np.uint8)
    large = cv2.resize(crop, size, interpolation=cv2.INTER_NEAREST)
    contours, _ = cv2.findContours(large, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, contours, -1, colour, LINE_PX)


def write_page(folder: Path, titles: Sequence[str], tiles: Sequence[np.ndarray]) -> None:
    """index.html with all of them, and sheets of ten as PNG."""
    folder.mkdir(parents=True, exist_ok=True)
    body = [f"<h1>Worst cases</h1><p>{LEGEND}</p>"]
    body += [
        f"<h3>{safe(title)}</h3><img src='{data_uri(tile, 2 * TILE_PX)}' alt=''>"
        for title, tile in zip(titles, tiles, strict=True)
    ]
    write_document(folder / "index.html", "Worst cases", body)
    for start in range(0, len(tiles), TILES_ON_A_SHEET):
        some = [
            framed(tile, title)
            for tile, title in zip(tiles[start:][:TILES_ON_A_SHEET], titles[start:][:TILES_ON_A_SHEET], strict=True)
        ]
        some += [np.full_like(some[0], 255)] * (-len(some) % COLUMNS)
        rows = [np.hstack(some[n : n + COLUMNS]) for n in range(0, len(some), COLUMNS)]
        sheet = cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"sheet-{start // TILES_ON_A_SHEET + 1}.png"), sheet)


def framed(tile: np.ndarray, title: str) -> np.ndarray:
    """The tile on white paper of one size, its title above it."""
    paper = np.full((TILE_PX + 30, 2 * TILE_PX + 10, 3), 255, np.uint8)
    paper[26 : 26 + tile.shape[0], : tile.shape[1]] = tile
    cv2.putText(paper, title, (4, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return paper
