"""Boxes and masks on the photo: visible parts filled, hidden parts hatched, outlines dashed where hidden."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from jaxtyping import Bool, Float, Float32, UInt8

from amodal.draw.canvas import (
    Canvas,
    Chip,
    blend,
    canvas_for,
    dashes,
    draw_chips,
    enlarged,
    letter_size,
    muted,
    polyline,
)
from amodal.draw.order import back_to_front
from amodal.draw.palette import CONFLICT, INK, RGB, scene_colours
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

FILL = 0.42
HATCH = 0.75
MANY, TOO_MANY = 12, 40  # objects, from where on labels say less


def draw_boxes(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw the photo with the boxes that were given; sides that leave the photo are dashed along its edge."""
    canvas = canvas_for(scene, photo)
    picture = enlarged(canvas, photo)
    colours = scene_colours(scene)
    chips = []
    for instance in scene.instances:
        edges = _box_edges(canvas, instance)
        for width, colour in ((canvas.line(5), INK), (canvas.line(2.6), colours[instance.id])):
            for edge, is_cut in edges:
                for piece in dashes(edge, *_dash(canvas)) if is_cut else [edge]:
                    polyline(picture, piece, colour, width)
        (x0, y0), (x1, y1) = edges[0][0][0], edges[2][0][0]
        words = box_words(instance, len(scene.instances))
        inset = 0.3 * letter_size(scene, canvas) * len(words)
        chips.append(
            Chip(
                words,
                colours[instance.id],
                (x0, y0),
                tuple((x + d, y) for y in (y0, y1) for x, d in ((x0, inset), (x1, -inset))),
            )
        )
    draw_chips(picture, chips, letter_size(scene, canvas))
    return picture


def draw_masks(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw the visible masks filled, and the whole objects' outlines, dashed where hidden."""
    canvas = canvas_for(scene, photo)
    picture = paint_masks(scene, photo, canvas)
    colours = scene_colours(scene)
    chips = [
        Chip(
            f"{instance.id} {mask_words(instance, len(scene.instances))}".strip(),
            colours[instance.id],
            label_point(canvas, instance),
        )
        # Small objects have least room and choose first.
        for instance in sorted(scene.instances, key=lambda instance: (instance.modal.area, instance.id))
        if not instance.amodal.is_empty
    ]
    draw_chips(picture, chips, letter_size(scene, canvas))
    return picture


def paint_masks(
    scene: Scene, photo: UInt8[np.ndarray, "height width 3"], canvas: Canvas
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw the masks as `draw_masks` does, without labels."""
    picture = muted(enlarged(canvas, photo), colour=0.45, light=0.95)
    colours = scene_colours(scene)
    traced = [(instance, trace(canvas, instance)) for instance in back_to_front(scene)]
    for instance, shape in traced:
        shape.fill(picture, colours[instance.id])
    for instance, shape in traced:
        hatch = hatching(canvas, shape.slices, rising=instance.id % 2 == 0)
        blend(picture[shape.slices], hatch * (shape.amodal & ~shape.modal), colours[instance.id], HATCH)
    for is_hidden in (True, False):
        for instance, shape in traced:
            shape.outline(picture, canvas, colours[instance.id], is_hidden=is_hidden)
    return picture


def draw_claims(
    scene: Scene, photo: UInt8[np.ndarray, "height width 3"], masks: Mapping[int, CropMask]
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw one flat mask per instance id, and in white what two or more of them claim."""
    canvas = canvas_for(scene, photo)
    picture = muted(enlarged(canvas, photo), colour=0.0, light=0.5)
    colours = scene_colours(scene)
    claims = np.zeros(picture.shape[:2], dtype=np.uint16)
    crops = []
    for instance in back_to_front(scene):
        mask = masks[instance.id]
        if mask.is_empty:
            continue
        window = canvas.window(mask)
        where, crop = canvas.slices(window), canvas.scaled(mask, window)
        claims[where] += crop
        crops.append((where, crop, colours[instance.id]))
    for where, crop, colour in crops:
        blend(picture[where], crop, colour, 0.72)
    conflict = claims >= 2
    blend(picture, conflict, CONFLICT, 1.0)
    for where, crop, colour in crops:
        for points in _contours(crop, canvas, where):
            polyline(picture, points, INK, canvas.line(3.4), closed=True)
            polyline(picture, points, colour, canvas.line(1.8), closed=True)
    return picture


@dataclass(frozen=True)
class Shape:
    """An object's two masks at the picture's scale, on one window of the picture."""

    slices: tuple[slice, slice]
    modal: Bool[np.ndarray, "h w"]
    amodal: Bool[np.ndarray, "h w"]
    # The outline's stretches (x, y in picture pixels), and whether each is hidden.
    stretches: tuple[tuple[Float[np.ndarray, "n 2"], bool], ...]

    def fill(self, picture: UInt8[np.ndarray, "rows columns 3"], colour: RGB) -> None:
        """Tint the visible part."""
        blend(picture[self.slices], self.modal, colour, FILL)

    def outline(
        self, picture: UInt8[np.ndarray, "rows columns 3"], canvas: Canvas, colour: RGB, *, is_hidden: bool
    ) -> None:
        """Draw the hidden stretches of the outline, dashed, or the visible ones, solid."""
        for width, ink in ((canvas.line(5), INK), (canvas.line(2.6), colour)):
            for points, hidden in self.stretches:
                if hidden is is_hidden:
                    for piece in dashes(points, *_dash(canvas)) if hidden else [points]:
                        polyline(picture, piece, ink, width)


def trace(canvas: Canvas, instance: Instance) -> Shape:
    """Bring an object's masks to the picture's scale and part its outline into seen and hidden stretches."""
    window = canvas.window(instance.amodal)
    if instance.amodal.is_empty:
        empty = np.zeros((0, 0), dtype=bool)
        return Shape((slice(0, 0), slice(0, 0)), empty, empty, ())
    slices = canvas.slices(window)
    amodal = canvas.scaled(instance.amodal, window)
    modal = canvas.scaled(instance.modal, window) & amodal
    near = 2 * max(1, round(canvas.scale)) + 1
    seen = cv2.dilate(modal.astype(np.uint8), np.ones((near, near), dtype=np.uint8))
    stretches: list[tuple[Float[np.ndarray, "n 2"], bool]] = []
    for points in _contours(amodal, canvas, slices):
        columns = np.clip(np.round(points[:, 0] - slices[1].start - 0.5), 0, amodal.shape[1] - 1).astype(int)
        rows = np.clip(np.round(points[:, 1] - slices[0].start - 0.5), 0, amodal.shape[0] - 1).astype(int)
        stretches.extend(_stretches(points, seen[rows, columns] == 0))
    return Shape(slices, modal, amodal, tuple(stretches))


def label_point(canvas: Canvas, instance: Instance) -> tuple[float, float]:
    """Return the middle of the visible part's thickest place, or of the whole object's if none is seen."""
    mask = instance.amodal if instance.modal.is_empty else instance.modal
    inside = cv2.distanceTransform(np.pad(mask.to_crop(), 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    # Of nearly equally thick places the one nearest to their middle, so that labels do not jitter.
    rows, columns = np.nonzero(inside >= 0.92 * inside.max())
    nearest = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
    x, y = mask.box[0] + int(columns[nearest]) + 0.5, mask.box[1] + int(rows[nearest]) + 0.5
    return x * canvas.scale, y * canvas.scale


def hatching(canvas: Canvas, slices: tuple[slice, slice], *, rising: bool) -> Float32[np.ndarray, "h w"]:
    """Anti-aliased diagonal lines in 0..1, fixed to the picture, rising or falling to the right."""
    rows = np.arange(slices[0].start, slices[0].stop, dtype=np.float32)[:, None]
    columns = np.arange(slices[1].start, slices[1].stop, dtype=np.float32)[None]
    period, width = max(6.0, 11 * canvas.unit), max(1.2, 1.7 * canvas.unit)
    across = (columns + rows if rising else columns - rows) / np.float32(np.sqrt(2))
    off_line = np.abs((across % period) - period / 2)
    return np.clip(width / 2 + 0.5 - off_line, 0, 1).astype(np.float32)


def box_words(instance: Instance, crowd: int) -> str:
    """Label of a box among so many: number, class, score where it is a probability; less in a crowd."""
    score = f" {instance.score:.2f}" if 0 <= instance.score <= 1 and crowd <= MANY else ""
    return str(instance.id) + (f" {instance.label}{score}" if crowd <= TOO_MANY else "")


def mask_words(instance: Instance, crowd: int) -> str:
    """Label of a mask among so many: class, and how much is hidden; less in a crowd."""
    hidden = f" {instance.occlusion:.0%} hidden" if instance.occlusion >= 0.005 and crowd <= MANY else ""
    return f"{instance.label}{hidden}" if crowd <= TOO_MANY else ""


def _dash(canvas: Canvas) -> tuple[float, float]:
    return max(4.0, 10 * canvas.unit), max(5.0, 12 * canvas.unit)


def _box_edges(canvas: Canvas, instance: Instance) -> list[tuple[Float[np.ndarray, "2 2"], bool]]:
    """Sides of a box clockwise from the top, kept inside the picture, and whether the frame cut each."""
    inset = canvas.line(2.6) / 2
    right, bottom = canvas.width - inset, canvas.height - inset
    scaled = [side * canvas.scale for side in instance.box]
    x0, x1 = (float(min(max(side, inset), max(right, inset))) for side in scaled[::2])
    y0, y1 = (float(min(max(side, inset), max(bottom, inset))) for side in scaled[1::2])
    corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1], [x0, y0]])
    # A side exactly on the frame is whole; only one beyond it is cut.
    slack = 0.5 * canvas.scale
    cut = (
        scaled[1] < -slack,
        scaled[2] > canvas.width + slack,
        scaled[3] > canvas.height + slack,
        scaled[0] < -slack,
    )
    return [(corners[side : side + 2], cut[side]) for side in range(4)]


def _contours(
    mask: Bool[np.ndarray, "h w"], canvas: Canvas, slices: tuple[slice, slice]
) -> Iterable[Float[np.ndarray, "n 2"]]:
    """Closed outlines of a mask, holes too, lightly smoothed, in picture pixels."""
    found, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    start = np.array([slices[1].start + 0.5, slices[0].start + 0.5])
    for contour in found:
        points = np.asarray(contour, dtype=np.float64).reshape(-1, 2)
        yield _round_mean(points, 2 * round(1.5 * canvas.unit + min(canvas.scale, 3)) + 1) + start


def _round_mean(values: Float[np.ndarray, "n k"], width: int) -> Float[np.ndarray, "n k"]:
    """Moving mean along a closed line; short lines are averaged less, so that they do not shrink away."""
    half = min(width, len(values) // 8) // 2
    if half == 0:
        return values
    wrapped = np.concatenate([values[-half:], values, values[:half]])
    sums = np.cumsum(np.concatenate([np.zeros_like(wrapped[:1]), wrapped]), axis=0)
    return np.asarray((sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1))


def _stretches(
    points: Float[np.ndarray, "n 2"], hidden: Bool[np.ndarray, " n"]
) -> Iterable[tuple[Float[np.ndarray, "m 2"], bool]]:
    """Part a closed line where it goes from seen to hidden and back."""
    changes = np.flatnonzero(hidden != np.roll(hidden, 1))
    if changes.size == 0:
        yield np.concatenate([points, points[:1]]), bool(hidden[0])
        return
    turned = np.roll(points, -changes[0], axis=0)
    turned = np.concatenate([turned, turned[:1]])
    for start, stop in zip(changes, [*changes[1:], changes[0] + len(points)], strict=True):
        yield turned[start - changes[0] : stop - changes[0] + 1], bool(hidden[start])
