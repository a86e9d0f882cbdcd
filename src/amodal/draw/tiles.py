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

Swatch = Literal[
    "filled", "hatched", "solid", "dashed", "white", "foreground", "context", "occluder", "arrow", "node"
]
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


def fitted(picture: UInt8[np.ndarray, "h w 3"], width: int) -> UInt8[np.ndarray, "rows width 3"]:
    """Scale a picture to a width, keeping its proportions."""
    height = max(1, round(picture.shape[0] * width / picture.shape[1]))
    how = cv2.INTER_AREA if width < picture.shape[1] else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), dtype=np.uint8)


def shortened(words: str, size: float, width: float) -> str:
    """Cut a line of text that is too wide, ending in an ellipsis."""
    if text_width(words, size) <= width:
        return words
    while words and text_width(words + "…", size) > width:
        words = words[:-1]
    return words + "…"


def caption_height(longest: int) -> int:
    """Height of a tile's caption for its picture's longest side."""
    return max(16, longest // 11)


def captioned(tile: Tile, height: int) -> UInt8[np.ndarray, "rows w 3"]:
    """Put a tile's caption above its picture."""
    width = tile.picture.shape[1]
    strip = paper(height, width)
    size, radius = 0.66 * height, 0.2 * height
    disc(strip, (radius * 1.5, height / 2), radius, tile.colour)
    words = shortened(tile.caption, size, width - 3.6 * radius)
    write_texts(strip, [Text(radius * 3.2, height / 2, words, size, anchor="lm")])
    return np.concatenate([strip, tile.picture])


def arrange(
    pictures: Sequence[UInt8[np.ndarray, "h w 3"]], aspect: float, gap: int
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Fill rows with pictures from left to right, the whole as near as can be to width / height = aspect."""
    candidates = sorted({0, *np.cumsum([picture.shape[1] + gap for picture in pictures]).tolist()})[1:]
    layouts = [
        _rows(pictures, limit, gap) for limit in candidates if limit >= max(p.shape[1] for p in pictures)
    ]
    _, rows = min(enumerate(layouts), key=lambda pair: (abs(np.log(_aspect(pair[1], gap) / aspect)), pair[0]))
    width = max(sum(picture.shape[1] + gap for picture in row) for row in rows) - gap
    height = sum(max(picture.shape[0] for picture in row) + gap for row in rows) - gap
    sheet = paper(height, width)
    top = 0
    for row in rows:
        left = 0
        for picture in row:
            sheet[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
            left += picture.shape[1] + gap
        top += max(picture.shape[0] for picture in row) + gap
    return sheet


def legend(
    entries: Sequence[tuple[Swatch, str]], width: int, size: float
) -> UInt8[np.ndarray, "rows width 3"]:
    """Draw samples with their meaning, in as many lines as the width asks for."""
    swatch, line = 2.4 * size, round(1.75 * size)
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


def _rows(
    pictures: Sequence[UInt8[np.ndarray, "h w 3"]], limit: int, gap: int
) -> list[list[UInt8[np.ndarray, "h w 3"]]]:
    rows: list[list[UInt8[np.ndarray, "h w 3"]]] = [[]]
    used = 0
    for picture in pictures:
        if rows[-1] and used + picture.shape[1] > limit:
            rows.append([])
            used = 0
        rows[-1].append(picture)
        used += picture.shape[1] + gap
    return rows


def _aspect(rows: list[list[UInt8[np.ndarray, "h w 3"]]], gap: int) -> float:
    width = max(sum(picture.shape[1] + gap for picture in row) for row in rows)
    return float(width / sum(max(picture.shape[0] for picture in row) + gap for row in rows))


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
            polyline(
                strip, np.array([[x + start, y + height], [x + start + end, y + height - end]]), SAMPLE, thin
            )
    elif kind == "white":
        polygon(strip, box, PAPER)
        polyline(strip, box, INK, thin, closed=True)
    elif kind == "solid":
        polyline(strip, middle, INK, 3 * thin)
        polyline(strip, middle, SAMPLE, 2 * thin)
    elif kind == "dashed":
        for start in (0.0, 0.38, 0.76):
            dash = np.array(
                [[x + start * width, y + height / 2], [x + (start + 0.24) * width, y + height / 2]]
            )
            polyline(strip, dash, INK, 3 * thin)
            polyline(strip, dash, SAMPLE, 2 * thin)
    elif kind == "arrow":
        polyline(strip, middle - ((0, 0), (height * 0.7, 0)), SAMPLE, 2 * thin)
        head = np.array([[width, 0], [width - height, -height * 0.5], [width - height, height * 0.5]])
        polygon(strip, head + middle[0], SAMPLE)
    else:
        disc(strip, (x + width / 2, y + height / 2), height * 0.62, INK)
        disc(strip, (x + width / 2, y + height / 2), height * 0.5, SAMPLE)
