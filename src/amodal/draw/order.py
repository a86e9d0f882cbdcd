"""The order graph on the photo: numbered nodes, arrows from what is in front to what is behind."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from jaxtyping import Float, UInt8

from amodal.draw.canvas import (
    Canvas,
    Text,
    blend,
    canvas_for,
    disc,
    enlarged,
    muted,
    polygon,
    polyline,
    text_width,
    write_texts,
)
from amodal.draw.palette import INK, PAPER, RGB, ink_on, scene_colours
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, Scene

MOST_NUMBERS = 60  # arrows, from where on their thickness alone must say how sure they are
BENDS = (0.0, 0.14, -0.14, 0.28, -0.28, 0.42, -0.42)


def draw_order(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw arrows from front to behind, the surer the thicker, between the middles of the whole objects."""
    canvas = canvas_for(scene, photo)
    picture = muted(enlarged(canvas, photo), colour=0.0, light=0.62)
    colours = scene_colours(scene)
    for instance in back_to_front(scene):
        if not instance.modal.is_empty:
            window = canvas.window(instance.modal)
            tint = np.asarray(cv2.blur(canvas.scaled(instance.modal, window).astype(np.float32), (3, 3)))
            blend(picture[canvas.slices(window)], tint, colours[instance.id], 0.42)
    paint_order(picture, scene, canvas, node_places(scene, canvas), colours)
    return picture


def paint_order(
    picture: UInt8[np.ndarray, "rows columns 3"],
    scene: Scene,
    canvas: Canvas,
    nodes: Mapping[int, tuple[float, float]],
    colours: Mapping[int, RGB],
) -> list[tuple[float, float, float, float]]:
    """Draw arrows and numbered nodes on a picture, in place; returns the boxes of what should stay free."""
    radius = node_radius(scene, canvas)
    taken = [(x - radius, y - radius, x + radius, y + radius) for x, y in nodes.values()]
    texts = []
    arrows = [
        (edge, _draw_arrow(picture, canvas, edge, nodes, radius))
        for edge in sorted(scene.order.edges, key=lambda edge: (edge.probability, edge.front, edge.behind))
    ]
    for edge, line in arrows if len(arrows) <= MOST_NUMBERS else ():
        text = _place_probability(line, edge, radius, taken)
        if text is not None:
            x0, y0, x1, y1 = taken[-1]
            polygon(picture, np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]), INK)
            texts.append(text)
    for instance in scene.instances:
        _draw_node(picture, nodes[instance.id], radius, colours[instance.id])
        size = radius * (1.15 if instance.id < 100 else 0.8)
        texts.append(Text(*nodes[instance.id], str(instance.id), size, ink_on(colours[instance.id])))
    write_texts(picture, texts)
    return taken


def node_radius(scene: Scene, canvas: Canvas) -> float:
    """Radius of a node in picture pixels: smaller in a crowd."""
    return canvas.unit * float(np.clip(24 - 0.35 * len(scene.instances), 9, 19))


def node_places(scene: Scene, canvas: Canvas) -> dict[int, tuple[float, float]]:
    """Middle of each whole object in picture pixels, by id; moved apart where nodes would overlap."""
    middles = {instance.id: _middle(canvas, instance) for instance in scene.instances}
    linked = {frozenset((edge.front, edge.behind)) for edge in scene.order.edges}
    return _spread(canvas, middles, linked, node_radius(scene, canvas))


def back_to_front(scene: Scene) -> list[Instance]:
    """Instances from the rearmost to the foremost; where the order is a cycle or silent, larger ids first."""
    instances = {instance.id: instance for instance in scene.instances}
    behind: dict[int, set[int]] = {identity: set() for identity in instances}
    for edge in scene.order.edges:
        behind[edge.front].add(edge.behind)
    ordered = []
    while behind:
        free = [identity for identity, below in behind.items() if not below & behind.keys()]
        chosen = max(free or behind)
        del behind[chosen]
        ordered.append(instances[chosen])
    return ordered


def _middle(canvas: Canvas, instance: Instance) -> tuple[float, float]:
    """Centroid of the whole object in picture pixels; of its box's part in the picture, if it has no mask."""
    mask: CropMask = instance.amodal
    if mask.is_empty:
        x0, y0, x1, y1 = (side * canvas.scale for side in instance.box)
        x, y = (x0 + x1) / 2, (y0 + y1) / 2
    else:
        x0, y0 = mask.box[:2]
        rows, columns = np.nonzero(mask.to_crop())
        x, y = (
            (x0 + float(columns.mean()) + 0.5) * canvas.scale,
            (y0 + float(rows.mean()) + 0.5) * canvas.scale,
        )
    return min(max(x, 0.0), float(canvas.width)), min(max(y, 0.0), float(canvas.height))


def _spread(
    canvas: Canvas, nodes: Mapping[int, tuple[float, float]], linked: set[frozenset[int]], radius: float
) -> dict[int, tuple[float, float]]:
    """Push nodes apart that nearly coincide, more where an arrow must fit between, and all off the edge."""
    ids = sorted(nodes)
    places = np.array([nodes[identity] for identity in ids], dtype=np.float64).reshape(-1, 2)
    apart = np.array([[5.6 if frozenset((a, b)) in linked else 2.9 for a in ids] for b in ids]) * radius
    # A tiny spiral parts nodes at the very same place in a fixed way.
    turns = np.arange(len(ids)) * 2.4
    places += 1e-3 * np.stack([np.cos(turns), np.sin(turns)], axis=1)
    size = np.array([canvas.width, canvas.height])
    edge = np.minimum(1.3 * radius, size / 2)
    for _ in range(80):
        gap = places[:, None] - places[None]
        far = np.linalg.norm(gap, axis=-1)
        push = np.clip(apart.reshape(far.shape) - far, 0, None) / np.maximum(far, 1e-9) / 2
        np.fill_diagonal(push, 0)
        places = np.clip(places + 0.5 * (gap * push[..., None]).sum(axis=1), edge, size - edge)
    return {identity: (float(x), float(y)) for identity, (x, y) in zip(ids, places, strict=True)}


def _draw_node(picture: UInt8[np.ndarray, "h w 3"], centre: tuple[float, float], radius: float, colour: RGB) -> None:
    disc(picture, centre, radius * 1.22, INK)
    disc(picture, centre, radius * 1.12, PAPER)
    disc(picture, centre, radius * 0.98, colour)


def _draw_arrow(
    picture: UInt8[np.ndarray, "h w 3"],
    canvas: Canvas,
    edge: OrderEdge,
    nodes: Mapping[int, tuple[float, float]],
    radius: float,
) -> Float[np.ndarray, "n 2"]:
    """Draw one arrow around the nodes in its way; returns its line (x, y in picture pixels)."""
    others = np.array([place for identity, place in nodes.items() if identity not in (edge.front, edge.behind)])
    start, stop = np.array(nodes[edge.front]), np.array(nodes[edge.behind])
    line = _bent_line(start, stop, others.reshape(-1, 2), 1.6 * radius)
    sureness = float(np.clip(2 * edge.probability - 1, 0, 1))
    width = (0.085 + 0.22 * sureness) * radius
    casing = max(1.0, 1.4 * canvas.unit)
    tip_at = (np.linalg.norm(line - stop, axis=1) > 1.28 * radius) & (np.linalg.norm(line - start, axis=1) > radius)
    if tip_at.sum() < 2:  # nodes that touch: the picture is too small for an arrow
        return np.asarray(line)
    line = line[tip_at]
    tip = line[-1]
    head = min(2.4 * width + 0.37 * radius, 0.6 * float(np.linalg.norm(line[-1] - line[0])))
    shaft = line[np.linalg.norm(line - tip, axis=1) > 0.8 * head]
    neck = shaft[-1] if len(shaft) else line[0]
    along = (tip - neck) / max(float(np.linalg.norm(tip - neck)), 1e-9)
    side = np.array([-along[1], along[0]]) * 0.5 * head
    base = tip - along * head
    triangle = np.stack([tip, base + side, base + along * 0.2 * head, base - side])
    for ink, grow in ((INK, casing), (PAPER, 0.0)):
        if len(shaft) > 1:
            polyline(picture, shaft, ink, max(1, round(width + 2 * grow)))
        if grow:
            polyline(picture, triangle, ink, max(2, round(2 * grow)), closed=True)
        polygon(picture, triangle, ink)
    return np.asarray(line)


def _place_probability(
    line: Float[np.ndarray, "n 2"],
    edge: OrderEdge,
    radius: float,
    taken: list[tuple[float, float, float, float]],
) -> Text | None:
    """Find room for an arrow's probability on it or beside it, and take it; None where there is none."""
    size = 0.85 * radius
    words = f"{edge.probability:.2f}"
    half_width, half_height = text_width(words, size) / 2 + 0.3 * size, 0.62 * size
    along = line[-1] - line[0]
    length = float(np.linalg.norm(along))
    side = np.array([along[1], -along[0]]) / max(length, 1e-9)
    aside = side * (abs(side[0]) * half_width + abs(side[1]) * half_height + 0.5 * radius)
    shifts = [aside, -aside] if length < 5 * half_width else [0 * aside, aside, -aside]
    others = np.array(taken).reshape(-1, 4)
    for shift in shifts:
        for share in (0.45, 0.3, 0.6):
            x, y = line[int((len(line) - 1) * share)] + shift
            box = (
                float(x - half_width),
                float(y - half_height),
                float(x + half_width),
                float(y + half_height),
            )
            wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
            high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
            if not ((wide > 0) & (high > 0)).any():
                taken.append(box)
                return Text(float(x), float(y), words, size, PAPER)
    return None


def _bent_line(
    start: Float[np.ndarray, " 2"],
    stop: Float[np.ndarray, " 2"],
    others: Float[np.ndarray, "n 2"],
    room: float,
) -> Float[np.ndarray, "m 2"]:
    """Return the straightest of a few arcs from start to stop that keeps clear of other nodes."""
    across = np.array([start[1] - stop[1], stop[0] - start[0]])
    at = np.linspace(0, 1, 81)[:, None]
    best, most = np.concatenate([start[None], stop[None]]), -np.inf
    for bend in BENDS:
        middle = (start + stop) / 2 + 2 * bend * across
        line = (1 - at) ** 2 * start + 2 * at * (1 - at) * middle + at**2 * stop
        clear = np.linalg.norm(line[:, None] - others[None], axis=-1).min() if len(others) else np.inf
        if clear >= room:
            return np.asarray(line)
        if clear > most:
            best, most = line, clear
    return np.asarray(best)
