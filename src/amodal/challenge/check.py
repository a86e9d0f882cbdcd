"""Check: what every scene promises, recomputed from the record's masks before the scene is kept."""

from __future__ import annotations

from amodal.challenge.balance import LEAST_VISIBLE_PX
from amodal.challenge.record import Record
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Scene


def check_scene(record: Record, scene: Scene, *, truncation: bool = False) -> Scene:
    """Return the scene, if its masks, levels and order are those of painting the record from back to front.

    Each pixel has at most one owner; modal is amodal minus everything in front; the order has an edge for each two
    objects whose amodal masks overlap, from the one painted later; the level is that of the final masks; known
    objects keep enough visible pixels and, without `truncation`, stay inside the picture.

    Raises:
        InputError: a promise is broken, which would be an error of this program.
    """
    scene.validate()
    depth = {placed.id: number for number, placed in enumerate(record.placed)}
    edges = {(edge.front, edge.behind) for edge in scene.order.edges}
    expected_edges: set[tuple[int, int]] = set()
    for placed in record.placed:
        own = scene.instance(placed.id)
        in_front: list[CropMask] = []
        for other in scene.instances:
            if depth[other.id] > depth[placed.id] and other.amodal.intersection_area(own.amodal):
                expected_edges.add((other.id, placed.id))
                in_front.append(other.amodal)
        visible = own.amodal
        for mask in in_front:
            visible = visible.subtract(mask)
        if visible != own.modal:
            raise _broken(record, placed.id, "modal is not amodal minus everything in front")
        if own.meta["level"] != own.level or (own.level is None and placed.known):
            raise _broken(record, placed.id, f"level {own.meta['level']}, masks say {own.level}")
        if placed.known and own.modal.area < LEAST_VISIBLE_PX:
            raise _broken(record, placed.id, f"{own.modal.area} visible pixels")
        x0, y0, x1, y1 = own.box
        if not truncation and (min(x0, y0) < 0 or x1 > scene.width or y1 > scene.height):
            raise _broken(record, placed.id, f"leaves the picture ({own.box})")
    if edges != expected_edges:
        raise _broken(record, 0, f"order {sorted(edges)}, painting says {sorted(expected_edges)}")
    return scene


def _broken(record: Record, id: int, found: str) -> InputError:
    return InputError(f"scene {record.index}", f"object {id}", found, "this is an error of the generator")
