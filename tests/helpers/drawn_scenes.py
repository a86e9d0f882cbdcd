"""Small scenes to draw, made by hand: two squares, the second behind the first."""

from __future__ import annotations

import numpy as np
from jaxtyping import UInt8

from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Posterior, Scene

HEIGHT, WIDTH = 100, 120  # drawn 9 times as large
SCALE = 9


def square(x0: int, y0: int, x1: int, y1: int) -> CropMask:
    mask = np.zeros((HEIGHT, WIDTH), dtype=bool)
    mask[y0:y1, x0:x1] = True
    return CropMask.from_dense(mask)


def two_squares(labels: tuple[str, str] = ("car", "person"), image: str | None = "street.jpg") -> Scene:
    """Object 1 covers x 20..60, y 30..80 whole; object 2 is x 40..100, y 20..70, hidden where 1 is."""
    front, whole = square(20, 30, 60, 80), square(40, 20, 100, 70)
    maps = np.full((3, 5, 6), 0.1, dtype=np.float32)
    maps[0, :, :2] = maps[1, :, 2:4] = maps[2, :, 4:] = 0.8
    first = Instance(1, labels[0], (20, 30, 60, 80), 0.9, front, front, Posterior((14, 24, 66, 86), maps), front)
    second = Instance(
        2, labels[1], (40, 20, 100, 70), 0.8, whole - front, whole, Posterior((34, 14, 106, 76), maps), whole
    )
    order = OrderGraph((OrderEdge(1, 2, 0.97),))
    return Scene(HEIGHT, WIDTH, (first, second), order, image=image, method="orm").validate()


def grey_photo(height: int = HEIGHT, width: int = WIDTH) -> UInt8[np.ndarray, "height width 3"]:
    return np.full((height, width, 3), 110, dtype=np.uint8)


def at(picture: UInt8[np.ndarray, "h w 3"], x: float, y: float, scale: int = SCALE) -> tuple[int, int, int]:
    """Colour of the picture at a place of the photo."""
    red, green, blue = picture[round(y * scale), round(x * scale)]
    return int(red), int(green), int(blue)
