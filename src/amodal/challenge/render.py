"""Render: a record's picture and its exact truth, the same to the last bit wherever it is done.

Resizing is Pillow's fixed-point arithmetic, everything else whole numbers.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, UInt8
from PIL import Image

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.record import Placed, Record
from amodal.challenge.sources import Sources
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

HARD = 128  # a pixel belongs to a thing when at least half of it does
UNKNOWN = "unknown"


def render(record: Record, sources: Sources, backgrounds: Backgrounds) -> tuple[UInt8[np.ndarray, "h w 3"], Scene]:
    """Paint a scene from back to front and write down what is hidden by what.

    Raises:
        InputError: a source or background is missing or not the one the record was made with.
    """
    photo = background_of(record, backgrounds).copy()
    owner = np.zeros((record.height, record.width), np.uint8)  # 1 + place in the painting order
    shapes: list[tuple[tuple[int, int, int, int], Bool[np.ndarray, "h w"]]] = []
    for depth, placed in enumerate(record.placed):
        rgba = thing(placed, sources, backgrounds)
        seen, cut = overlap(placed.x, placed.y, placed.width, placed.height, record.width, record.height)
        hard = rgba[:, :, 3] >= HARD
        _blend(photo[seen], rgba[cut], placed.gain)
        owner[seen][hard[cut]] = depth + 1
        shapes.append((_box(placed, hard), hard))
    return photo, _scene(record, owner, shapes)


def paste(
    photo: UInt8[np.ndarray, "h w 3"], placed: Placed, sources: Sources, backgrounds: Backgrounds
) -> Bool[np.ndarray, "h w"]:
    """Paint one thing onto a photo, in place; which of its pixels the thing has now."""
    rgba = thing(placed, sources, backgrounds)
    height, width = photo.shape[:2]
    seen, cut = overlap(placed.x, placed.y, placed.width, placed.height, width, height)
    _blend(photo[seen], rgba[cut], placed.gain)
    covered = np.zeros((height, width), bool)
    covered[seen] = rgba[cut][:, :, 3] >= HARD
    return covered


def background_of(record: Record, backgrounds: Backgrounds) -> UInt8[np.ndarray, "h w 3"]:
    """The window of the background, mirrored if the record says so; a view where possible."""
    whole = backgrounds.photo(record.background)
    x1, y1 = record.x + record.width, record.y + record.height
    if min(record.x, record.y) < 0 or whole.shape[0] < y1 or whole.shape[1] < x1:
        found = f"is {whole.shape[1]} x {whole.shape[0]} px"
        raise InputError(record.background, "background", found, f"expected at least {x1} x {y1} for this record")
    window: UInt8[np.ndarray, "h w 3"] = whole[record.y : y1, record.x : x1]
    return window[:, ::-1] if record.flip else window


def thing(placed: Placed, sources: Sources, backgrounds: Backgrounds) -> UInt8[np.ndarray, "h w 4"]:
    """The pixels of a thing at its size, with soft coverage; colours are free of what was around it."""
    if placed.kind == "texture":
        return _patch(placed, backgrounds)
    rgba = sources.pixels(placed.kind, int(placed.source))
    # Pillow resizes RGBA with premultiplied colours, so that nothing from outside the mask bleeds in.
    image = Image.fromarray(rgba).resize((placed.width, placed.height), Image.Resampling.BICUBIC)
    pixels: UInt8[np.ndarray, "h w 4"] = np.asarray(image)
    return pixels[:, ::-1] if placed.flip else pixels


def silhouette(placed: Placed, sources: Sources) -> Bool[np.ndarray, "h w"]:
    """The hard mask that `render` will give to a thing, without its colours."""
    if placed.kind == "texture":
        return patch_coverage(placed) >= HARD
    alpha = Image.fromarray(np.ascontiguousarray(sources.pixels(placed.kind, int(placed.source))[:, :, 3]))
    hard = np.asarray(alpha.resize((placed.width, placed.height), Image.Resampling.BICUBIC)) >= HARD
    return hard[:, ::-1] if placed.flip else hard


def patch_coverage(placed: Placed) -> UInt8[np.ndarray, "h w"]:
    """How far each pixel of a texture's patch lies inside its outlines, 0 to 255."""
    outlines = [[float(number) for number in outline] for outline in placed.outlines]
    fine = CropMask.from_polygons(outlines, 2 * placed.height, 2 * placed.width, "outlines").to_dense()
    quarters = fine.reshape(placed.height, 2, placed.width, 2).sum(axis=(1, 3), dtype=np.uint16)
    coverage: UInt8[np.ndarray, "h w"] = (quarters * 255 // 4).astype(np.uint8)
    return coverage


def overlap(
    x: int, y: int, width: int, height: int, frame_width: int, frame_height: int
) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Rows and columns of a box that lie in the frame: as seen in the frame, and in the box itself."""
    top, bottom = max(0, y), max(0, min(frame_height, y + height))
    left, right = max(0, x), max(0, min(frame_width, x + width))
    inside = (slice(top - y, max(top, bottom) - y), slice(left - x, max(left, right) - x))
    return (slice(top, max(top, bottom)), slice(left, max(left, right))), inside


def _patch(placed: Placed, backgrounds: Backgrounds) -> UInt8[np.ndarray, "h w 4"]:
    whole = backgrounds.photo(placed.source)
    x, y = placed.cut
    patch = whole[y : y + placed.height, x : x + placed.width]
    if min(x, y) < 0 or patch.shape[:2] != (placed.height, placed.width):
        found = f"is {whole.shape[1]} x {whole.shape[0]} px"
        expected = f"expected at least {x + placed.width} x {y + placed.height} for this record"
        raise InputError(placed.source, "texture", found, expected)
    return np.dstack([patch[:, ::-1] if placed.flip else patch, patch_coverage(placed)])


def _blend(target: UInt8[np.ndarray, "h w 3"], rgba: UInt8[np.ndarray, "h w 4"], gain: int) -> None:
    """Paint over `target` in place; a seam is as soft as resampling made it, about a pixel."""
    colour = np.minimum(rgba[:, :, :3].astype(np.uint32) * gain >> 8, 255)
    alpha = rgba[:, :, 3:].astype(np.uint32)
    target[...] = ((colour * alpha + target * (255 - alpha) + 127) // 255).astype(np.uint8)


def _box(placed: Placed, hard: Bool[np.ndarray, "h w"]) -> tuple[int, int, int, int]:
    """The tight box of the hard mask, XYXY in the scene; it may leave the picture."""
    rows, columns = np.flatnonzero(hard.any(axis=1)), np.flatnonzero(hard.any(axis=0))
    if not rows.size:
        raise InputError(f"{placed.kind} {placed.source}", "mask", "has no pixel left at this size", "expected some")
    x0, y0 = placed.x + int(columns[0]), placed.y + int(rows[0])
    return x0, y0, placed.x + int(columns[-1]) + 1, placed.y + int(rows[-1]) + 1


def _scene(
    record: Record,
    owner: UInt8[np.ndarray, "h w"],
    shapes: list[tuple[tuple[int, int, int, int], Bool[np.ndarray, "h w"]]],
) -> Scene:
    instances: list[Instance] = []
    for depth, (placed, (box, hard)) in enumerate(zip(record.placed, shapes, strict=True)):
        seen, _ = overlap(placed.x, placed.y, placed.width, placed.height, record.width, record.height)
        amodal = CropMask.from_crop(hard, placed.x, placed.y, record.height, record.width)
        x, y = seen[1].start, seen[0].start
        modal = CropMask.from_crop(owner[seen] == depth + 1, x, y, record.height, record.width)
        label = placed.label if placed.known else UNKNOWN
        meta = {"scored": False, "known": placed.known, "source": placed.source}
        instance = Instance(placed.id, label, tuple(map(float, box)), 1.0, modal, amodal, meta=meta)  # type: ignore[arg-type]
        instances.append(instance)
    edges = tuple(
        OrderEdge(front.id, behind.id)
        for place, behind in enumerate(instances)
        for front in instances[place + 1 :]
        if front.amodal.intersection_area(behind.amodal)
    )
    return Scene(
        height=record.height,
        width=record.width,
        instances=tuple(sorted(map(_with_level, instances), key=lambda instance: instance.id)),
        order=OrderGraph(edges),
        image=f"images/{record.index:06d}.jpg",
        method="challenge",
    )


def _with_level(instance: Instance) -> Instance:
    level = instance.level
    scored = bool(instance.meta["known"]) and level is not None and not instance.modal.is_empty
    meta = {**instance.meta, "scored": scored, "level": level}
    return Instance(
        instance.id, instance.label, instance.box, instance.score, instance.modal, instance.amodal, meta=meta
    )
