"""A method's word on a photo: masks and order of given boxes, or of the boxes that a detector finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from amodal.errors import InputError
from amodal.images import read_photo
from amodal.models import exported_methods, file_of, is_exported
from amodal.order import OrderEdge, OrderGraph
from amodal.scene import XYXY, Scene
from amodal.segmenter import METHODS, Segmenter, load

if TYPE_CHECKING:
    from amodal.methods.detect import Detections

LEAST_SCORE = 0.5
NEEDS_MASKS = frozenset({"pcnet-m"})  # begins with visible masks, which is what annotators are to draw


@dataclass(frozen=True)
class Given:
    """An object that is there already: its id, class and box XYXY of the whole object."""

    id: int
    label: str
    box: XYXY


@dataclass(frozen=True)
class Helper:
    """A method, and the detector for photos without boxes."""

    name: str
    segmenter: Segmenter
    find: Callable[[UInt8[np.ndarray, "h w 3"], float], Detections]

    def scene_of(self, path: Path, objects: Sequence[Given]) -> Scene:
        """The scene of a photo; ids are those of the objects, or count from 0 where a detector found them.

        Raises:
            InputError: the photo cannot be read.
        """
        photo = read_photo(path)
        if objects:
            known = set(self.segmenter.labels)
            labels = [one.label if one.label in known else None for one in objects]
            scene = self.segmenter.segment(photo, np.array([one.box for one in objects]), labels)
            return _with_ids(scene, objects)
        found = self.find(photo, LEAST_SCORE)
        if not len(found.boxes):
            return Scene(*photo.shape[:2])
        scene = self.segmenter.segment(photo, found.boxes, list(found.labels))
        scored = zip(scene.instances, found.scores, strict=True)
        return scene.with_instances([replace(one, score=float(score)) for one, score in scored])


def load_helper(model: str = "default", method: str | None = None, detector: str = "default") -> Helper:
    """Load a method: the model's best where none is named.

    Raises:
        InputError: no such method, one that does not start from boxes, or a file that is no model.
    """
    check_names(model, method, "proposals")
    segmenter = load(model, method)

    def find(photo: UInt8[np.ndarray, "h w 3"], least_score: float) -> Detections:
        from amodal.networks.detector import family_detector

        found = family_detector(detector)
        if found is None:
            raise InputError("proposals", "detector", f"found {detector!r}", "expected a file of amodal train")
        return found(photo, least_score)

    return Helper(segmenter.name, segmenter, find)


def check_names(model: str, method: str | None, where: str, options: str = "") -> None:
    """Refuse a model or a method that cannot be, without loading anything; `options` begins their names in messages.

    Raises:
        InputError: no such file, no such method, or one that does not start from boxes.
    """
    if not file_of(model).exists():
        raise InputError(
            where, f"{options}model", f"found no file {model[:200]!r}", "expected default, or a model's file"
        )
    known = sorted(set(exported_methods(model) if is_exported(model) else METHODS) - NEEDS_MASKS)
    if method is not None and method not in known:
        raise InputError(where, f"{options}method", f"found {method[:50]!r}", f"expected one of {', '.join(known)}")


def _with_ids(scene: Scene, objects: Sequence[Given]) -> Scene:
    """A scene's objects come in the order of the boxes; they get the ids and classes of what was given."""
    id_of = {one.id: given.id for one, given in zip(scene.instances, objects, strict=True)}
    instances = tuple(
        replace(one, id=given.id, label=given.label, box=given.box)
        for one, given in zip(scene.instances, objects, strict=True)
    )
    edges = tuple(OrderEdge(id_of[e.front], id_of[e.behind], e.probability) for e in scene.order.edges)
    return replace(scene, instances=instances, order=OrderGraph(edges))
