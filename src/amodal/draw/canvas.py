"""The sheet that pictures are drawn on: its scale to the photo, lines, and text that keeps out of the way."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
from jaxtyping import Bool, Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from amodal.draw.palette import INK, PAPER, RGB, ink_on
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Scene

LEAST_SIDE = 1000  # smaller photos are enlarged by a whole factor, so that lines and text are crisp
MOST_SIDE = 2000  # larger ones are reduced by a whole factor, so that time and memory stay bounded
SHIFT = 4  # cv2 takes coordinates as integers with this many fractional bits

Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Canvas:
    """How a photo maps to the picture drawn of it: photo pixel · enlarge / reduce = picture pixel."""

    height: int
    width: int
    enlarge: int
    reduce: int

    @property
    def scale(self) -> float:
        """Picture pixels per photo pixel."""
        return self.enlarge / self.reduce

    @property
    def unit(self) -> float:
        """The measure of lines and letters, in picture pixels: 1 for a picture of 1,000 × 640."""
        return math.sqrt(self.height * self.width) / 800

    def line(self, units: float) -> int:
        """Line width in whole picture pixels."""
        return max(1, round(units * self.unit))

    def window(self, mask: CropMask) -> Window:
        """Photo window around a mask with a little room, on whole picture pixels, inside the photo (XYXY)."""
        x0, y0, x1, y1 = mask.box
        step, room = self.reduce, 2 * self.reduce
        return (
            max(0, (x0 - room) // step * step),
            max(0, (y0 - room) // step * step),
            min(-(-mask.width // step), -(-(x1 + room) // step)) * step,
            min(-(-mask.height // step), -(-(y1 + room) // step)) * step,
        )

    def slices(self, window: Window) -> tuple[slice, slice]:
        """Rows and columns of the picture that a window of `Canvas.window` covers."""
        x0, y0, x1, y1 = (side * self.enlarge // self.reduce for side in window)
        return slice(y0, y1), slice(x0, x1)

    def scaled(self, mask: CropMask, window: Window) -> Bool[np.ndarray, "rows columns"]:
        """Cut a window out of a mask at the picture's scale, its stairs smoothed; subsets stay subsets."""
        rows, columns = self.slices(window)
        crop = mask.to_crop(window).astype(np.float32)
        # A reduced picture's last row may reach beyond the photo, where the mask says nothing.
        kept = crop[: max(1, mask.height - window[1]), : max(1, mask.width - window[0])]
        crop = np.pad(kept, [(0, a - b) for a, b in zip(crop.shape, kept.shape, strict=True)], mode="edge")
        size = (columns.stop - columns.start, rows.stop - rows.start)
        how = cv2.INTER_LINEAR if self.reduce == 1 else cv2.INTER_AREA
        smooth = np.asarray(cv2.resize(crop, size, interpolation=how))
        return np.asarray(smooth > 0.499)


def canvas_for(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> Canvas:
    """Choose the picture's scale for a photo; refuses a photo that is not the scene's."""
    expected = (scene.height, scene.width, 3)
    if photo.dtype != np.uint8 or photo.shape != expected:
        raise InputError(
            scene.image or "photo",
            "pixels",
            f"found {photo.dtype} of shape {photo.shape}",
            f"expected uint8 of shape {expected}",
        )
    longest = max(scene.height, scene.width)
    enlarge = -(-LEAST_SIDE // longest)
    reduce = -(-longest // MOST_SIDE)
    return Canvas(-(-scene.height * enlarge // reduce), -(-scene.width * enlarge // reduce), enlarge, reduce)


def letter_size(scene: Scene, canvas: Canvas) -> float:
    """Height of letters in picture pixels: smaller in a crowd."""
    return canvas.unit * float(np.clip(24 - 0.4 * len(scene.instances), 12, 20))


def enlarged(canvas: Canvas, photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "height width 3"]:
    """Return a fresh copy of the photo at the picture's scale."""
    how = cv2.INTER_CUBIC if canvas.enlarge > 1 else cv2.INTER_AREA
    return np.ascontiguousarray(cv2.resize(photo, (canvas.width, canvas.height), interpolation=how), dtype=np.uint8)


def muted(picture: UInt8[np.ndarray, "h w 3"], colour: float, light: float) -> UInt8[np.ndarray, "h w 3"]:
    """Fade a photo so that drawing on it stands out: keep a share of its colour and of its light."""
    grey = picture.astype(np.float32) @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    faded = grey[..., None] + colour * (picture - grey[..., None])
    return np.asarray(np.clip(faded * light, 0, 255), dtype=np.uint8)


def blend(
    picture: UInt8[np.ndarray, "h w 3"],
    where: Bool[np.ndarray, "h w"] | Float[np.ndarray, "h w"],
    colour: RGB,
    strength: float,
) -> None:
    """Lay a colour over part of a picture, in place."""
    weight = (np.asarray(where, dtype=np.float32) * strength)[..., None]
    picture[:] = (picture * (1 - weight) + np.array(colour, dtype=np.float32) * weight + 0.5).astype(np.uint8)


def polyline(
    picture: UInt8[np.ndarray, "h w 3"],
    points: Float[np.ndarray, "n 2"],
    colour: RGB,
    width: int,
    *,
    closed: bool = False,
) -> None:
    """Draw an anti-aliased line through points (x, y in picture pixels), in place."""
    fixed = np.round(np.asarray(points, dtype=np.float64) * 2**SHIFT).astype(np.int32)
    cv2.polylines(picture, [fixed.reshape(-1, 1, 2)], closed, colour, width, cv2.LINE_AA, SHIFT)


def polygon(picture: UInt8[np.ndarray, "h w 3"], points: Float[np.ndarray, "n 2"], colour: RGB) -> None:
    """Fill an anti-aliased polygon, in place."""
    fixed = np.round(np.asarray(points, dtype=np.float64) * 2**SHIFT).astype(np.int32)
    cv2.fillPoly(picture, [fixed.reshape(-1, 1, 2)], colour, cv2.LINE_AA, SHIFT)


def disc(picture: UInt8[np.ndarray, "h w 3"], centre: tuple[float, float], radius: float, colour: RGB) -> None:
    """Fill an anti-aliased circle, in place."""
    x, y, r = (round(value * 2**SHIFT) for value in (*centre, radius))
    cv2.circle(picture, (x, y), r, colour, -1, cv2.LINE_AA, SHIFT)


def dashes(points: Float[np.ndarray, "n 2"], dash: float, gap: float) -> list[Float[np.ndarray, "m 2"]]:
    """Cut an open line into dashes, measured along it; a line too short for one dash is returned whole."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    total = float(along[-1])
    if total <= dash:
        return [points]
    # Stretch the pattern so that the line begins and ends with a dash.
    count = max(1, round((total + gap) / (dash + gap)))
    stretch = total / (count * (dash + gap) - gap)
    pieces = []
    for number in range(count):
        start = number * (dash + gap) * stretch
        stop = min(total, start + dash * stretch)
        inside = along[(along > start) & (along < stop)]
        at = np.concatenate([[start], inside, [stop]])
        pieces.append(np.stack([np.interp(at, along, points[:, 0]), np.interp(at, along, points[:, 1])], axis=1))
    return pieces


@dataclass(frozen=True)
class Text:
    """A line of text at a place; anchor as in Pillow ("mm" middle, "lm" left middle)."""

    x: float
    y: float
    words: str
    size: float
    colour: RGB = INK
    anchor: str = "mm"


def write_texts(picture: UInt8[np.ndarray, "h w 3"], texts: Iterable[Text]) -> None:
    """Write all texts in one go, in place."""
    image = Image.fromarray(picture)
    pen = ImageDraw.Draw(image)
    for text in texts:
        pen.text((text.x, text.y), text.words, fill=text.colour, font=font(text.size), anchor=text.anchor)
    picture[:] = np.asarray(image)


def text_width(words: str, size: float) -> float:
    """Width of a line of text in pixels."""
    return float(font(size).getlength(words))


@cache
def font(size: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's own font, so that pictures are the same on every machine."""
    return ImageFont.load_default(size=max(6.0, size))


@dataclass(frozen=True)
class Chip:
    """A small label for something at `at` (x, y); `places`: centres to try, the best first."""

    words: str
    colour: RGB
    at: tuple[float, float]
    places: tuple[tuple[float, float], ...] = ()
    has_leader: bool = True


def draw_chips(
    picture: UInt8[np.ndarray, "h w 3"],
    chips: Sequence[Chip],
    size: float,
    taken: Sequence[tuple[float, float, float, float]] = (),
) -> None:
    """Draw labels where they cover each other least; one that had to move away gets a leader to its place."""
    height, width = picture.shape[:2]
    occupied = list(taken)
    boxes = []
    for chip in chips:
        half_width, half_height = text_width(chip.words, size) / 2 + 0.45 * size, 0.72 * size
        box = _free_place(chip, half_width, half_height, occupied, (width, height))
        occupied.append(box)
        boxes.append(box)
    thin = max(1, round(size / 14))
    for chip, (x0, y0, x1, y1) in zip(chips, boxes, strict=True):
        x, y = chip.at
        if chip.has_leader and not (x0 <= x <= x1 and y0 <= y <= y1):
            start = np.array([[min(max(x, x0 + size / 3), x1 - size / 3), min(max(y, y0), y1)], [x, y]])
            if np.hypot(*(start[1] - start[0])) > 1.2 * size:
                polyline(picture, start, INK, 3 * thin)
                polyline(picture, start, chip.colour, thin + 1)
                disc(picture, (x, y), size / 4.2, INK)
                disc(picture, (x, y), size / 6, chip.colour)
    for chip, box in zip(chips, boxes, strict=True):
        grown = (box[0] - thin, box[1] - thin, box[2] + thin, box[3] + thin)
        polygon(picture, _rounded(grown, size / 3 + thin), PAPER if ink_on(chip.colour) == PAPER else INK)
        polygon(picture, _rounded(box, size / 3), chip.colour)
    write_texts(
        picture,
        (
            Text((x0 + x1) / 2, (y0 + y1) / 2, chip.words, size, ink_on(chip.colour))
            for chip, (x0, y0, x1, y1) in zip(chips, boxes, strict=True)
        ),
    )


def _free_place(
    chip: Chip,
    half_width: float,
    half_height: float,
    occupied: Sequence[tuple[float, float, float, float]],
    frame: tuple[int, int],
) -> tuple[float, float, float, float]:
    others = np.array(occupied, dtype=np.float64).reshape(-1, 4)
    first = chip.places[0] if chip.places else chip.at
    ring = [
        (first[0] + far * half_height * np.cos(turn), first[1] + far * half_height * np.sin(turn))
        for far in (2.5, 4.0, 5.5, 7.0, 9.0)
        for turn in np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ]
    best, best_cost = (0.0, 0.0, 0.0, 0.0), np.inf
    for number, wanted in enumerate([*(chip.places or (chip.at,)), *ring]):
        x = min(max(wanted[0], half_width + 2), max(frame[0] - half_width - 2, half_width + 2))
        y = min(max(wanted[1], half_height + 2), max(frame[1] - half_height - 2, half_height + 2))
        box = (x - half_width, y - half_height, x + half_width, y + half_height)
        wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
        high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
        covered = float((np.clip(wide + 4, 0, None) * np.clip(high + 4, 0, None)).sum())
        away = np.hypot(x - first[0], y - first[1]) / half_height
        cost = covered / (half_width * half_height) * 20 + away + 0.01 * number
        if cost < best_cost:
            best, best_cost = box, cost
    return best


def _rounded(box: tuple[float, float, float, float], radius: float) -> Float[np.ndarray, "n 2"]:
    x0, y0, x1, y1 = box
    radius = max(0.0, min(radius, (x1 - x0) / 2, (y1 - y0) / 2))
    quarter = np.linspace(0, np.pi / 2, 7)
    corners = [
        (x1 - radius, y1 - radius),
        (x0 + radius, y1 - radius),
        (x0 + radius, y0 + radius),
        (x1 - radius, y0 + radius),
    ]
    return np.concatenate(
        [
            np.stack([x + radius * np.cos(quarter + turn), y + radius * np.sin(quarter + turn)], axis=1)
            for (x, y), turn in zip(corners, np.arange(4) * np.pi / 2, strict=True)
        ]
    )
