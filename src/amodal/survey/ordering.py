"""The order of every photo as KINS says it: clusters, numbers, and where numbers or masks contradict each other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from amodal.data.clusters import (
    Contradiction,
    Place,
    clusters,
    complete_order,
    contradictions_of_order,
    modal_masks,
    numbered,
    order_by_masks,
)
from amodal.errors import InputError
from amodal.order import OrderGraph
from amodal.scene import Scene


@dataclass(frozen=True)
class PhotoOrder:
    """One photo.

    Attributes:
        photo: its name.
        clusters: ids of overlapping objects, single ones too.
        places: id -> cluster and number; empty where the order has a cycle.
        contradictions: cycles, and edges that the masks contradict.
    """

    photo: str
    clusters: tuple[tuple[int, ...], ...]
    places: Mapping[int, Place]
    contradictions: tuple[Contradiction, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "photo": self.photo,
            "clusters": [
                {"cluster": number, "objects": [{"id": id, "number": self._number(id)} for id in ids]}
                for number, ids in enumerate(self.clusters)
            ],
            "contradictions": [
                {"kind": one.what, "ids": list(one.ids), "said": one.said} for one in self.contradictions
            ],
        }

    def text(self) -> str:
        """A line for the photo, one for each cluster of several objects, one for each contradiction."""
        several = [ids for ids in self.clusters if len(ids) > 1]
        alone = len(self.clusters) - len(several)
        lines = [f"{self.photo}: clusters: {len(several)}, objects alone: {alone}"]
        for ids in several:
            front_first = sorted(ids, key=lambda id: (self._number(id) or 0, id))
            lines.append(
                "  " + "  ".join(f"{id}:{'?' if (n := self._number(id)) is None else n}" for id in front_first)
            )
        lines += [f"  {one.what}: {one.said}" for one in self.contradictions]
        return "\n".join(lines)

    def _number(self, id: int) -> int | None:
        return self.places[id].number if id in self.places else None


def order_of(scene: Scene, *, from_masks: bool = False) -> PhotoOrder:
    """Clusters and numbers of a photo, from its own order, or `from_masks` alone."""
    if from_masks:
        scene = replace(scene, order=order_by_masks(scene.instances))
    try:
        places = numbered(scene)
    except InputError:
        places = {}
    found = tuple(contradictions_of_order(scene))
    return PhotoOrder(scene.image or "scene", tuple(clusters(scene.instances)), places, found)


def with_modal_masks(scene: Scene) -> Scene:
    """The same objects, with visible masks that follow from whole ones and the order.

    Raises:
        InputError: the order has a cycle: a pixel of it would be nobody's.
    """
    order = complete_order(scene)
    for cycle in order.cycles():
        path = " -> ".join(map(str, (*cycle, cycle[0])))
        raise InputError(scene.image or "scene", "order", f"has the cycle {path}", "expected none")
    seen = modal_masks({one.id: one.amodal for one in scene.instances}, order)
    instances = tuple(replace(one, modal=seen[one.id], claimed=None) for one in scene.instances)
    return replace(scene, instances=instances, order=OrderGraph(order.edges), exclusive=True)
