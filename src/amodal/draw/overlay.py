"""One picture that says it all: masks, hidden outlines and the order on the photo (`Scene.draw`)."""

from __future__ import annotations

import os

import numpy as np
from jaxtyping import UInt8

from amodal.draw.canvas import Chip, canvas_for, draw_chips, letter_size
from amodal.draw.masks import mask_words, paint_masks
from amodal.draw.order import node_places, node_radius, paint_order
from amodal.draw.palette import scene_colours
from amodal.errors import InputError
from amodal.images import read_photo
from amodal.scene import Scene


def draw_scene(
    scene: Scene, photo: str | os.PathLike[str] | UInt8[np.ndarray, "height width 3"] | None = None
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw masks and order on a photo, given as RGB array or file; without one, `scene.image` is read.

    The picture is the photo enlarged or reduced by a whole factor, at most 2,000 pixels on a side.

    Raises:
        InputError: no photo is known, it cannot be read, or it has another size than the scene.
    """
    if photo is None:
        if scene.image is None:
            raise InputError("scene", "image", "found none", "give draw() the photo")
        photo = scene.image
    pixels = photo if isinstance(photo, np.ndarray) else read_photo(photo)
    canvas = canvas_for(scene, pixels)
    picture = paint_masks(scene, pixels, canvas)
    colours = scene_colours(scene)
    nodes = node_places(scene, canvas)
    taken = paint_order(picture, scene, canvas, nodes, colours)
    radius, size = 1.25 * node_radius(scene, canvas), letter_size(scene, canvas)
    below = radius + 0.8 * size
    chips = []
    for instance in sorted(scene.instances, key=lambda instance: (instance.modal.area, instance.id)):
        x, y = nodes[instance.id]
        words = mask_words(instance, len(scene.instances))
        if words:
            places = ((x, y + below), (x, y - below))
            chips.append(Chip(words, colours[instance.id], (x, y), places, has_leader=False))
    draw_chips(picture, chips, size, taken)
    return picture
