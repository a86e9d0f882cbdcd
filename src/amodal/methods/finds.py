"""What a detector found, once it is a scene: how sure it was, and what cannot be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float64

from amodal.scene import OrderGraph, Scene


def as_found(scene: Scene, scores: Float64[np.ndarray, " n"] | None) -> Scene:
    """The scene of boxes that a detector found with these scores; without any it is the scene of given boxes, as it is.

    A detector boxes what it sees, so a part of each of its finds must be seen.
    """
    return scene if scores is None else of_what_is_seen(with_scores(scene, scores))


def with_scores(scene: Scene, scores: Float64[np.ndarray, " n"]) -> Scene:
    """The scene with each object as sure as its detector; ids are the rows of the detector's boxes."""
    return scene.with_instances([replace(one, score=float(scores[one.id])) for one in scene.instances])


def of_what_is_seen(scene: Scene) -> Scene:
    """The scene of a detector's finds without those of which less than a tenth is seen, and a warning that says so.

    A detector boxes what it sees: such a find is an object found twice, as its own double behind it.
    """
    kept = [one for one in scene.instances if one.level is not None and not one.modal.is_empty]
    without = len(scene) - len(kept)
    if not without:
        return scene
    ids = {one.id for one in kept}
    order = OrderGraph(tuple(edge for edge in scene.order.edges if {edge.front, edge.behind} <= ids))
    said = f"{without} of the detector's {len(scene)} finds left out, of which less than 10 % would be seen"
    return replace(scene, instances=tuple(kept), order=order, warnings=(*scene.warnings, said))
