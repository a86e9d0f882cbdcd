"""Pictures side by side on white paper: captions, rows of tiles, and legends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import cv2
import numpy as np
from jaxtyping import UInt8

from amodal.draw.canvas import Text, disc, polygon, polyline, text_width, write_texts
from amodal.draw.palette import CONTEXT, FOREGROUND, INK, OCCLUDER, PAPER, RGB

Swatch = Literal["filled", "hatched", "solid", "dashed", "white", "foreground", "context", "occluder", "arrow", "node"]
SAMPLE: RGB = (230, 159, 0)


@dataclass(frozen=True)
class Tile:
    """A picture with a caption and a colour to know it by."""

    caption: str
    picture: UInt8[np.ndarray, "h w 3"]
    colour: RGB


def paper(height: int, width: int) -> UInt8[np.ndarray, "height width 3"]:
    """Return a white sheet."""
    return np.full((height, width, 3), 255, dtype=np.uint8)


def fitted(picture: UInt8[np.ndarray, "h w 3"], width: int, most_height: int) -> UInt8[np.ndarray, "rows width 3"]:
    """Scale a picture to a width, keeping its proportions; too high a one stands between white."""
    rows, columns = picture.shape[:2]
    scale = min(width / columns, most_height / rows)
    size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    sheet = paper(size[1], width)
    left = (width - size[0]) // 2
    sheet[:, left : left + size[0]] = cv2.resize(picture, size, interpolation=how)
    return sheet


def shortened(words: str, size: float, width: float) -> str:
    """Cut a line of text that is too wide, ending in an ellipsis."""
    if text_width(words, size) <= width:
        return words
    while words and text_width(words + "…", size) > width:
        words = words[:-1]
    return words + "…"


def captioned(tile: Tile, height: int) -> UInt8[np.ndarray, "rows w 3"]:
    """Put a tile's caption above its picture."""
    width = tile.picture.shape[1]
    strip = paper(height, width)
    size, radius = 0.66 * height, 0.2 * height
    disc(strip, (radius * 1.5, height / 2), radius, tile.colour)
    words = shortened(tile.caption, size, width - 3.6 * radius)
    write_texts(strip, [Text(radius * 3.2, height / 2, words, size, anchor="lm")])
    return np.concatenate([strip, tile.picture])


def in_rows(pictures: Sequence[UInt8[np.ndarray, "h w 3"]], width: int, gap: int) -> UInt8[np.ndarray, "rows width 3"]:
    """Fill rows of a white sheet with pictures, from left to right."""
    rows = rows_of([picture.shape[1] for picture in pictures], width, gap)
    heights = [max(pictures[number].shape[0] for number in row) for row in rows]
    sheet = paper(sum(heights) + gap * (len(rows) - 1), width)
    top = 0
    for row, height in zip(rows, heights, strict=True):
        left = 0
        for number in row:
            picture = pictures[number][:, : width - left]
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1] + gap
        top += height + gap
    return sheet


def rows_of(widths: Sequence[int], limit: int, gap: int) -> list[list[int]]:
    """Number the pictures of each row, as many as fit; one that is too wide for any row gets its own."""
    rows: list[list[int]] = []
    used = limit + 1
    for number, width in enumerate(widths):
        if used + width > limit:
            rows.append([])
            used = 0
        rows[-1].append(number)
        used += width + gap
    return rows


def legend(entries: Sequence[tuple[Swatch, str]], width: int, size: float) -> UInt8[np.ndarray, "rows width 3"]:
    """Draw samples with their meaning, in as many lines as the width asks for."""
    swatch, line = 2.7 * size, round(1.75 * size)
    placed: list[tuple[float, int, Swatch, str]] = []
    left, row = 0.0, 0
    for kind, words in entries:
        needed = swatch + 0.5 * size + text_width(words, size)
        if left and left + needed > width:
            left, row = 0.0, row + 1
        placed.append((left, row, kind, words))
        left += needed + 1.4 * size
    strip = paper((row + 1) * line, width)
    for left, row, kind, _ in placed:
        _draw_swatch(strip, kind, left + 2, row * line + 0.28 * line, swatch - 4, 0.5 * line)
    write_texts(
        strip,
        [
            Text(
                left + swatch + 0.5 * size,
                (row + 0.53) * line,
                shortened(words, size, width - swatch),
                size,
                anchor="lm",
            )
            for left, row, _, words in placed
        ],
    )
    return strip


def _draw_swatch(
    strip: UInt8[np.ndarray, "h w 3"], kind: Swatch, x: float, y: float, width: float, height: float
) -> None:
    """Draw one sample of a legend, the way the pictures draw it."""
    box = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    middle = np.array([[x, y + height / 2], [x + width, y + height / 2]])
    thin = max(1, round(height / 7))
    ramps = {"foreground": FOREGROUND, "context": CONTEXT, "occluder": OCCLUDER}
    if kind in ramps:
        steps = np.linspace(0, 1, 24)
        for dark, light in pairwise(steps):
            colour = (
                round(ramps[kind][0] * light),
                round(ramps[kind][1] * light),
                round(ramps[kind][2] * light),
            )
            part = box * (0, 1) + np.array([[dark], [light], [light], [dark]]) * (width, 0) + (x, 0)
            polygon(strip, part, colour)
    elif kind == "filled":
        polygon(strip, box, (236, 200, 120))
        polyline(strip, box, SAMPLE, thin, closed=True)
    elif kind == "hatched":
        for start in np.arange(0, width, 0.5 * height):
            end = min(height, width - start)
            polyline(strip, np.array([[x + start, y + height], [x + start + end, y + height - end]]), SAMPLE, thin)
    elif kind == "white":
        polygon(strip, box, PAPER)
        polyline(strip, box, INK, thin, closed=True)
    elif kind == "solid":
        polyline(strip, middle, INK, 3 * thin)
        polyline(strip, middle, SAMPLE, 2 * thin)
    elif kind == "dashed":
        for start in (0.0, 0.38, 0.76):
            dash = np.array([[x + start * width, y + height / 2], [x + (start + 0.24) * width, y + height / 2]])
            polyline(strip, dash, INK, 3 * thin)
            polyline(strip, dash, SAMPLE, 2 * thin)
    elif kind == "arrow":
        shaft = middle - ((0, 0), (height * 0.7, 0))
        head = np.array([[width, 0], [width - height, -height * 0.5], [width - height, height * 0.5]]) + middle[0]
        polyline(strip, shaft, INK, 4 * thin)
        polyline(strip, head, INK, 2 * thin, closed=True)
        polyline(strip, shaft, PAPER, 2 * thin)
        polygon(strip, head, PAPER)
    else:
        disc(strip, (x + width / 2, y + height / 2), height * 0.62, INK)
        disc(strip, (x + width / 2, y + height / 2), height * 0.5, SAMPLE)
