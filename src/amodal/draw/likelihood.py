"""Three-colour likelihood maps: blue the object, green what is around it, red what hides it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import cv2
import numpy as np
from jaxtyping import Float32, UInt8

from amodal.draw.canvas import canvas_for, dashes, polyline
from amodal.draw.palette import CONTEXT, FOREGROUND, INK, OCCLUDER, PAPER, scene_colours
from amodal.draw.tiles import Tile, captioned, in_rows, paper, rows_of
from amodal.scene import Instance, Scene

SMALLEST = 100  # height of a map in pixels
WIDEST = 2.2  # width of a map by the height of its row
MATTE = (120, 122, 126)


def likelihood_colours(maps: Float32[np.ndarray, "3 h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """Colour P(visible), P(context), P(occluded): hue: the likeliest; brightness: its margin."""
    first, second = np.sort(maps, axis=0)[:0:-1]
    hue = np.array([FOREGROUND, CONTEXT, OCCLUDER], dtype=np.float32)[maps.argmax(axis=0)]
    return np.asarray(np.clip(hue * (first - second)[..., None] + 0.5, 0, 255), dtype=np.uint8)


def draw_likelihood(instance: Instance, height: int = 360) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw an object's three-colour map over its crop window, with its box dashed; grey if it has no maps."""
    rows, columns = _tile_size(instance, height)
    if instance.posterior is None:
        return np.full((rows, columns, 3), MATTE, dtype=np.uint8)
    maps = np.moveaxis(instance.posterior.maps.astype(np.float32), 0, -1)
    smooth = np.asarray(cv2.resize(maps, (columns, rows), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    picture = np.ascontiguousarray(likelihood_colours(np.moveaxis(smooth, -1, 0)))
    _dash_box(picture, instance)
    return picture


def draw_likelihoods(
    scene: Scene,
    photo: UInt8[np.ndarray, "height width 3"],
    *,
    most: int | None = None,
    size: tuple[int, int] = (1280, 960),
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw all objects' maps beside their crops of the photo, on white; with `most`, of the most hidden.

    `size` is width and height in pixels. The width is kept; many objects make it higher.
    """
    canvas_for(scene, photo)  # refuses a photo that is not the scene's
    chosen = [instance for instance in scene.instances if instance.posterior is not None]
    if most is not None and len(chosen) > most:
        chosen = sorted(chosen, key=lambda instance: (-instance.occlusion, instance.id))[:most]
    chosen.sort(key=lambda instance: instance.id)
    colours = scene_colours(scene)
    caption, gap = max(22, size[0] // 36), max(8, size[0] // 60)
    height = _largest_height(chosen, size, caption, gap)
    tiles = []
    for instance in chosen:
        crop = photo_crop(instance, photo, height)
        between = np.full((crop.shape[0], gap // 4, 3), 255, dtype=np.uint8)
        pair = np.concatenate([crop, between, draw_likelihood(instance, height)], axis=1)
        tiles.append(captioned(Tile(f"{instance.id} {instance.label}", pair, colours[instance.id]), caption))
    if not tiles:
        tiles = [captioned(Tile("no likelihood maps", paper(caption, size[0]), MATTE), caption)]
    return in_rows(tiles, size[0], gap)


def photo_crop(
    instance: Instance, photo: UInt8[np.ndarray, "height width 3"], tile_height: int
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Return the photo under an object's map, grey outside the photo, with the object's box dashed."""
    height, width = _tile_size(instance, tile_height)
    x0, y0, x1, y1 = _window(instance)
    # Half a pixel apart: pixel centres are at whole numbers for warpAffine, at halves for us.
    to_photo = np.array(
        [
            [(x1 - x0) / width, 0, x0 - 0.5 + 0.5 * (x1 - x0) / width],
            [0, (y1 - y0) / height, y0 - 0.5 + 0.5 * (y1 - y0) / height],
        ]
    )
    shrink = max(1, int((x1 - x0) / width))
    source = cv2.blur(photo, (shrink, shrink)) if shrink > 1 else photo
    crop = cv2.warpAffine(
        source,
        to_photo,
        (width, height),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=MATTE,
    )
    picture = np.ascontiguousarray(crop, dtype=np.uint8).reshape(height, width, 3)
    _dash_box(picture, instance)
    return picture


def _window(instance: Instance) -> tuple[float, float, float, float]:
    return instance.box if instance.posterior is None else instance.posterior.box


def _tile_size(instance: Instance, height: int) -> tuple[int, int]:
    """Rows and columns of an object's map: all maps are equally high, but for very wide ones."""
    x0, y0, x1, y1 = _window(instance)
    scale = min(height / max(y1 - y0, 1e-6), WIDEST * height / max(x1 - x0, 1e-6))
    return max(8, round((y1 - y0) * scale)), max(8, round((x1 - x0) * scale))


def _largest_height(instances: Sequence[Instance], size: tuple[int, int], caption: int, gap: int) -> int:
    """Height of maps with which all of them just fit, but never so small that nothing can be seen."""
    height = size[1] - caption
    while height > SMALLEST:
        widths = [2 * _tile_size(instance, height)[1] + gap // 4 for instance in instances]
        lines = len(rows_of(widths, size[0], gap))
        if max(widths, default=0) <= size[0] and lines * (height + caption + gap) - gap <= size[1]:
            break
        height = math.floor(0.97 * height)
    return max(height, SMALLEST)


def _dash_box(picture: UInt8[np.ndarray, "h w 3"], instance: Instance) -> None:
    x0, y0, x1, y1 = _window(instance)
    height, width = picture.shape[:2]
    scale = np.array([width / (x1 - x0), height / (y1 - y0)])
    left, top = (np.array(instance.box[:2]) - (x0, y0)) * scale
    right, bottom = (np.array(instance.box[2:]) - (x0, y0)) * scale
    corners = np.array([[left, top], [right, top], [right, bottom], [left, bottom], [left, top]])
    unit = max(height, width) / 200
    for side in range(4):
        for piece in dashes(corners[side : side + 2], max(3.0, 4 * unit), max(3.0, 4 * unit)):
            polyline(picture, piece, INK, max(2, round(2 * unit)))
            polyline(picture, piece, PAPER, max(1, round(unit)))
