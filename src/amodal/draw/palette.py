"""Colours: one per object, told apart by colour-blind eyes, and never shared by neighbours."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from jaxtyping import Float32

from amodal.scene import Instance, Scene

RGB = tuple[int, int, int]

# Okabe and Ito's set, extended, in an order that keeps consecutive colours far apart.
OBJECT_COLOURS: tuple[RGB, ...] = (
    (86, 180, 233),  # sky blue
    (230, 159, 0),  # orange
    (0, 158, 115),  # bluish green
    (204, 121, 167),  # reddish purple
    (240, 228, 66),  # yellow
    (0, 114, 178),  # blue
    (213, 94, 0),  # vermillion
    (176, 140, 255),  # lavender
    (150, 205, 80),  # lime
    (231, 41, 138),  # magenta
    (0, 213, 200),  # turquoise
    (150, 96, 70),  # brown
)
FOREGROUND: RGB = (50, 120, 255)
CONTEXT: RGB = (40, 205, 100)
OCCLUDER: RGB = (255, 60, 50)
CONFLICT: RGB = (255, 255, 255)
INK: RGB = (24, 26, 30)
PAPER: RGB = (255, 255, 255)

# Below this CIELAB distance two colours side by side are easily taken for one.
CLEARLY_APART = 40.0
# How a deuteranope sees linear RGB (Machado, Oliveira and Fernandes 2009, severity 1).
DEUTERANOPIA = np.array(
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    dtype=np.float32,
)


def scene_colours(scene: Scene) -> dict[int, RGB]:
    """Give every instance id its colour: the id's own, unless a neighbour's would look too much like it.

    Neighbours are objects whose boxes touch. Depends on ids and boxes only, not on the order of instances.
    """
    distance = _distances()
    taken: dict[int, int] = {}
    instances = sorted(scene.instances, key=lambda instance: instance.id)
    for position, instance in enumerate(instances):
        beside = [taken[other.id] for other in instances[:position] if _touch(instance, other)]
        choice = instance.id % len(OBJECT_COLOURS)
        if beside and distance[choice, beside].min() < CLEARLY_APART:
            # Rolled, so that of equally good colours the one nearest to the id's own is taken.
            nearest = np.roll(distance[:, beside].min(axis=1), -choice)
            choice = (choice + int(nearest.argmax())) % len(OBJECT_COLOURS)
        taken[instance.id] = choice
    return {identity: OBJECT_COLOURS[choice] for identity, choice in taken.items()}


def ink_on(colour: RGB) -> RGB:
    """Return black or white, whichever can be read on this colour."""
    luminance = 0.2126 * colour[0] + 0.7152 * colour[1] + 0.0722 * colour[2]
    return INK if luminance > 115 else PAPER


def _touch(first: Instance, second: Instance) -> bool:
    (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = first.box, second.box
    return ax0 <= bx1 and bx0 <= ax1 and ay0 <= by1 and by0 <= ay1


@cache
def _distances() -> Float32[np.ndarray, "colours colours"]:
    """CIELAB distance of each two object colours, the smaller of what usual and colour-blind eyes see."""
    usual = (np.array(OBJECT_COLOURS, dtype=np.float32) / 255) ** 2.2
    seen = [usual, np.clip(usual @ DEUTERANOPIA.T, 0, 1)]
    lab = [cv2.cvtColor((linear ** (1 / 2.2))[None].astype(np.float32), cv2.COLOR_RGB2LAB)[0] for linear in seen]
    pairs = np.stack([np.linalg.norm(row[:, None] - row[None], axis=-1) for row in lab])
    return np.asarray(pairs.min(axis=0), dtype=np.float32)
