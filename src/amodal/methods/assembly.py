"""From objects that were looked at to the photo's scene: the same whether torch looked at them or an exported graph.

No torch is needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
from jaxtyping import Bool

from amodal.compnet.refine import Refinement
from amodal.features.lattice import XYXY, Lattice, as_xyxy
from amodal.methods.pixels import evidence_from, seen_within
from amodal.methods.scenes import Named, Signed, named_label, scene_of, warnings_of
from amodal.reasoning import Evidence, PairGeometry, PairOrder, Reasoning, joint
from amodal.reasoning.evidence import PairLogOdds, Rescore
from amodal.scene import BoxKind, Scene
from amodal.segmenter import Photo

Reasoner = Callable[[Sequence[Evidence], Rescore | None, PairLogOdds | None], Reasoning]
"""Evidence of every object, a call that re-scores one, what is known of pairs: masks and order."""


def jointly(
    evidences: Sequence[Evidence], rescore: Rescore | None, believed: PairLogOdds | None, rounds: int = 2
) -> Reasoning:
    """Joint reasoning as a `Reasoner`."""
    return joint.reason(evidences, rescore=rescore, rounds=rounds, pair_log_odds=believed)


class Looked(Protocol):
    """An object after its backbone pass, and what it is taken for."""

    @property
    def lattice(self) -> Lattice:
        """Its cells."""

    @property
    def label(self) -> str:
        """Its class."""

    @property
    def mixture(self) -> int:
        """Its component of the class."""

    @property
    def score(self) -> float:
        """How sure, 0 to 1."""


AnyLooked = TypeVar("AnyLooked", bound=Looked)


@dataclass(frozen=True)
class Assembly:
    """How a method makes scenes.

    Attributes:
        name, model: what results are signed with.
        labels: the classes that the model knows; `agnostic` is its word for any other object.
        reasoner, exclusive, pair_order, keep_posteriors: see `CompositionalSegmenter`.
    """

    name: str
    model: str
    labels: tuple[str, ...]
    agnostic: str
    reasoner: Reasoner
    exclusive: bool = True
    pair_order: PairOrder | PairGeometry | None = None
    keep_posteriors: bool = False


@dataclass(frozen=True, eq=False)
class Given:
    """One photo: as it was given and decoded, the labels that were given, what the scene's boxes hold.

    `visible`: the boxes of visible parts from which the whole ones were found, where they were.
    """

    photo: Photo
    picture: np.ndarray
    labels: Sequence[str | None]
    boxes_are: BoxKind
    visible: np.ndarray | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.picture.shape[0], self.picture.shape[1]


def scene_of_maps(
    assembly: Assembly,
    given: Given,
    seen: Sequence[Looked],
    maps: Sequence[np.ndarray],
    refinement: Refinement | None,
) -> Scene:
    """The scene where each object has posteriors on cells [3, rows, cols], which reasoning leaves as they are."""
    evidences = [
        evidence_from(own, one.lattice, given.picture, refinement) for one, own in zip(seen, maps, strict=True)
    ]
    boxes = [one.lattice.box for one in seen]
    metas: list[dict[str, XYXY]] = [{} for _ in seen]
    if given.visible is not None:
        # Geometry too speaks of what is seen: who is hidden below ends higher.
        boxes = [as_xyxy(box) for box in given.visible]
        evidences = [seen_within(evidence, part) for evidence, part in zip(evidences, boxes, strict=True)]
        metas = [{"visible_box": part} for part in boxes]
    reasoning = assembly.reasoner(evidences, None, _believed(assembly, given, seen, boxes))
    return _scene(assembly, given, seen, metas, evidences, reasoning)


def scene_of_readings(
    assembly: Assembly,
    given: Given,
    seen: Sequence[AnyLooked],
    evidence: Callable[[AnyLooked], Evidence],
    again: Callable[[AnyLooked, Bool[np.ndarray, "h w"]], AnyLooked],
) -> Scene:
    """The scene where reasoning may have an object looked at `again`, on what is left to see of it."""
    evidences = [evidence(one) for one in seen]
    # What an object was taken for, and the evidence that follows: the reasoner may turn a correction down.
    readings = {(n, one.label, one.mixture): (evidences[n], one) for n, one in enumerate(seen)}

    def rescore(index: int, visible: Bool[np.ndarray, "h w"]) -> Evidence:
        found = again(seen[index], visible)
        reading = (index, found.label, found.mixture)
        if reading not in readings:
            readings[reading] = evidence(found), found
        return readings[reading][0]

    believed = _believed(assembly, given, seen, [one.lattice.box for one in seen])
    reasoning = assembly.reasoner(evidences, rescore, believed)
    taken_for = {id(evidence): one for evidence, one in readings.values()}
    final = [taken_for[id(evidence)] for evidence in reasoning.evidences]
    return _scene(assembly, given, final, [{"mixture": one.mixture} for one in final], evidences, reasoning)


def _believed(assembly: Assembly, given: Given, seen: Sequence[Looked], boxes: Sequence[XYXY]) -> PairLogOdds | None:
    if assembly.pair_order is None:
        return None
    return assembly.pair_order.between(boxes, _names(assembly, given, seen), given.size[0])


def _scene(
    assembly: Assembly,
    given: Given,
    seen: Sequence[Looked],
    metas: Sequence[dict[str, Any]],
    before: Sequence[Evidence],
    reasoning: Reasoning,
) -> Scene:
    objects = [
        Named(name, one.score, one.lattice.box, meta)
        for name, one, meta in zip(_names(assembly, given, seen), seen, metas, strict=True)
    ]
    warnings = warnings_of(given.labels, assembly.labels)
    signed = Signed(assembly.name, assembly.model, given.boxes_are, assembly.exclusive, warnings)
    keep = assembly.keep_posteriors
    return scene_of(given.photo, given.size, objects, before, reasoning, signed, keep_posteriors=keep)


def _names(assembly: Assembly, given: Given, seen: Sequence[Looked]) -> list[str]:
    return [named_label(one.label, name, assembly.agnostic) for one, name in zip(seen, given.labels, strict=True)]
