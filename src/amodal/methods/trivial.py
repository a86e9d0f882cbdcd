"""Methods `box` and `prior`: what is to be had for nothing, the two rows every table of masks needs.

`box` calls the whole box the object and has no model. `prior` takes the shape that the compositional model expects
of an object of this class and viewpoint, and looks at the photo for the viewpoint alone. Neither knows what is
hidden (modal = amodal) or who is in front, and both let two objects have a pixel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import ArrayLike

from amodal.compnet.model import CompNet
from amodal.features.lattice import pixel_window
from amodal.masks import CropMask
from amodal.methods.compositional import read_model
from amodal.methods.given import read_input
from amodal.methods.looking import Seen, look
from amodal.methods.pixels import cells_to_pixels
from amodal.scene import XYXY, BoxKind, Instance, Scene
from amodal.segmenter import OnePhoto, Photo

UNKNOWN = "object"
"""The label of an object whose class was not given, from a method that cannot tell."""

Guess = tuple[str, XYXY, float, CropMask]
Guesser = Callable[
    [Sequence[UInt8[np.ndarray, "h w 3"]], Sequence[Float[np.ndarray, "n 4"]], Sequence[Sequence[str | None]]],
    list[list[Guess]],
]
"""Photos, boxes and labels; label, box, score and mask of every object."""


@dataclass(frozen=True)
class TrivialSegmenter(OnePhoto):
    """Photos and boxes in, scenes with one mask per object out."""

    name: str
    guesser: Guesser
    labels: tuple[str, ...] = ()
    model_name: str = ""

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; raises `InputError` for photos, boxes or labels that cannot be used."""
        given = read_input(photos, boxes, labels, boxes_are)
        return [
            Scene(
                height=picture.shape[0],
                width=picture.shape[1],
                instances=tuple(
                    Instance(index, label, box, score, mask, mask)
                    for index, (label, box, score, mask) in enumerate(guesses)
                ),
                boxes_are=boxes_are,
                image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
                method=self.name,
                model=self.model_name,
                exclusive=False,
            )
            for photo, picture, guesses in zip(photos, given.pictures, self.guesser(*given), strict=True)
        ]


def load_box(_model: str | os.PathLike[str] = "default") -> TrivialSegmenter:
    """The whole box, without any model."""
    return TrivialSegmenter("box", _boxes)


def load_prior(model: str | os.PathLike[str] = "default") -> TrivialSegmenter:
    """The prior alone: "default" or a model file."""
    compnet, name = read_model(model)

    def guesser(
        photos: Sequence[UInt8[np.ndarray, "h w 3"]],
        boxes: Sequence[Float[np.ndarray, "n 4"]],
        labels: Sequence[Sequence[str | None]],
    ) -> list[list[Guess]]:
        seen = look(compnet, photos, boxes, labels)
        return [
            [_prior_of(compnet, item, given, photo) for item, given in zip(items, names, strict=True)]
            for items, names, photo in zip(seen, labels, photos, strict=True)
        ]

    return TrivialSegmenter("prior", guesser, compnet.labels, name)


def _boxes(
    photos: Sequence[UInt8[np.ndarray, "h w 3"]],
    boxes: Sequence[Float[np.ndarray, "n 4"]],
    labels: Sequence[Sequence[str | None]],
) -> list[list[Guess]]:
    return [
        [
            (name or UNKNOWN, tuple(row.tolist()), 1.0, CropMask.from_box(row, *photo.shape[:2]))
            for row, name in zip(rows, names, strict=True)
        ]
        for photo, rows, names in zip(photos, boxes, labels, strict=True)
    ]


def _prior_of(model: CompNet, seen: Seen, given: str | None, photo: UInt8[np.ndarray, "h w 3"]) -> Guess:
    """Where the chosen mixture expects the object more likely than not."""
    height, width = photo.shape[:2]
    window = pixel_window(seen.lattice.box, width, height)
    prior = model.classes[seen.label].templates.on(seen.lattice.shape).prior[seen.mixture][None].numpy()
    expected = cells_to_pixels(prior, seen.lattice, window)[0] > 0.5
    mask = CropMask.from_crop(expected, window[0], window[1], height, width)
    return (given or seen.label), seen.lattice.box, seen.score, mask
