"""From a reasoning about a photo's objects to the photo's `Scene`."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from amodal.masks import CropMask
from amodal.reasoning import Evidence, Reasoning
from amodal.reasoning.evidence import Box
from amodal.reasoning.labels import posteriors
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Posterior, Scene
from amodal.segmenter import Photo


@dataclass(frozen=True)
class Named:
    """What an object is taken for: class, how sure (0 to 1), box, what else a result shall say of it."""

    label: str
    score: float
    box: Box
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Signed:
    """What a scene says of its making."""

    method: str
    model: str
    boxes_are: BoxKind
    exclusive: bool = True
    warnings: tuple[str, ...] = ()


def scene_of(
    photo: Photo,
    photo_size: tuple[int, int],
    objects: Sequence[Named],
    before: Sequence[Evidence],
    reasoning: Reasoning,
    signed: Signed,
    *,
    keep_posteriors: bool = False,
) -> Scene:
    """Windows of pixels become masks in the frame of `photo_size` (height, width).

    `before`: each object's evidence by itself, from which what it would have claimed follows.
    """
    height, width = photo_size
    maps = posteriors(reasoning.evidences, reasoning.order) if keep_posteriors else None
    instances = []
    for index, (named, alone) in enumerate(zip(objects, before, strict=True)):
        x0, y0, _, _ = alone.window

        def mask(crop: np.ndarray, x0: int = x0, y0: int = y0) -> CropMask:
            return CropMask.from_crop(crop, x0, y0, height, width)

        instances.append(
            Instance(
                id=index,
                label=named.label,
                box=named.box,
                score=named.score,
                modal=mask(reasoning.modal[index]),
                amodal=mask(reasoning.amodal[index]),
                posterior=None if maps is None else Posterior(alone.window, maps[index]),
                claimed=mask(alone.gain > 0),  # visible is the best of the three
                meta=dict(named.meta),
            )
        )
    return Scene(
        height=height,
        width=width,
        instances=tuple(instances),
        order=OrderGraph(tuple(OrderEdge(a, b, p) for a, b, p in reasoning.edges)),
        boxes_are=signed.boxes_are,
        image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
        method=signed.method,
        model=signed.model,
        exclusive=signed.exclusive,
        warnings=signed.warnings,
    )


def named_label(found: str, given: str | None, agnostic: str) -> str:
    """A label the model does not know is kept as given."""
    return given if found == agnostic and given is not None else found


def warnings_of(given: Sequence[str | None], known: Sequence[str]) -> tuple[str, ...]:
    """One for each label that the model does not know."""
    strange = sorted({label for label in given if label is not None and label not in known})
    return tuple(
        f"label {label!r} is not one of the model's ({', '.join(known)}): the class-agnostic model was used"
        for label in strange
    )
