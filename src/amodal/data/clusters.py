"""Clusters of overlapping objects, KINS's numbers in them, and the way between whole masks, order and visible masks.

KINS numbers the objects of a cluster from near to far: 0 for what nothing hides, and for the others one more than the
last of those that hide it. So two objects of one number never hide each other. A pixel that several whole masks share
is seen of the one with the smallest number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph, strongly_connected
from amodal.scene import Instance, Scene


@dataclass(frozen=True, order=True)
class Place:
    """Where an object stands: which cluster of its photo (KINS's `oco_id`), and its number there (`ico_id`)."""

    cluster: int
    number: int


Overlaps = Mapping[tuple[int, int], int]
"""(smaller id, larger id) -> pixels that both whole masks have; only pairs that share some."""


def numbered(scene: Scene) -> dict[int, Place]:
    """Every object's cluster and number. Clusters are counted from 0 by the order of the objects in the scene.

    Who is in front says `complete_order`, so every two objects that overlap get different numbers.

    Raises:
        InputError: the order has a cycle, which numbers cannot say.
    """
    shared = overlaps(scene.instances)
    numbers = complete_order(scene, shared).kins_orders(one.id for one in scene.instances)
    return {id: Place(k, numbers[id]) for k, ids in enumerate(clusters(scene.instances, shared)) for id in ids}


def overlaps(instances: Sequence[Instance]) -> dict[tuple[int, int], int]:
    """The pairs whose whole masks share pixels, and how many."""
    found = {}
    by_left = sorted(instances, key=lambda one: one.amodal.box[0])
    for index, one in enumerate(by_left):
        for other in by_left[index + 1 :]:
            if other.amodal.box[0] >= one.amodal.box[2]:
                break  # all that follow begin further to the right
            common = one.amodal.intersection_area(other.amodal)
            if common:
                found[min(one.id, other.id), max(one.id, other.id)] = common
    return dict(sorted(found.items()))


def clusters(instances: Sequence[Instance], shared: Overlaps | None = None) -> list[tuple[int, ...]]:
    """Ids of objects joined by overlaps, directly or over others, or alone; in the order of the objects."""
    shared = overlaps(instances) if shared is None else shared
    meeting: dict[int, list[int]] = {one.id: [] for one in instances}
    for one, other in shared:
        meeting[one].append(other)
        meeting[other].append(one)
    group_of = {id: group for group in strongly_connected(meeting) for id in group}
    seen: dict[int, list[int]] = {}
    for instance in instances:
        seen.setdefault(group_of[instance.id][0], []).append(instance.id)
    return [tuple(ids) for ids in seen.values()]


def complete_order(scene: Scene, shared: Overlaps | None = None) -> OrderGraph:
    """An edge for every two objects that overlap, and no other.

    From the scene's own order where it has the pair, else from the masks (`order_by_masks`). Where neither tells, the
    edge follows the layers of what is known, and in one layer the ids, so that it closes no cycle.
    """
    shared = overlaps(scene.instances) if shared is None else shared
    said = {(edge.front, edge.behind): edge for edge in scene.order.edges}
    seen = {(edge.front, edge.behind): edge for edge in order_by_masks(scene.instances, shared).edges}
    known: list[OrderEdge] = []
    open_pairs: list[tuple[int, int]] = []
    for one, other in shared:
        told = [source[pair] for source in (said, seen) for pair in ((one, other), (other, one)) if pair in source]
        known += told[:1]
        open_pairs += [] if told else [(one, other)]
    layers = OrderGraph(tuple(known)).layers(one.id for one in scene.instances)
    depth = {id: number for number, layer in enumerate(layers) for id in layer}
    front_first = (sorted(pair, key=lambda id: (depth[id], id)) for pair in open_pairs)
    guessed = (OrderEdge(front, behind, 0.5) for front, behind in front_first)
    return OrderGraph((*known, *guessed))


def order_by_masks(instances: Sequence[Instance], shared: Overlaps | None = None) -> OrderGraph:
    """Of two objects whose whole masks overlap, the one that shows more of the common pixels is in front."""
    by_id = {one.id: one for one in instances}
    edges = []
    for first, second in overlaps(instances) if shared is None else shared:
        common = by_id[first].amodal.intersection(by_id[second].amodal)
        shown, shown_of_other = (common.intersection_area(by_id[id].modal) for id in (first, second))
        if shown != shown_of_other:
            edges.append(OrderEdge(first, second) if shown > shown_of_other else OrderEdge(second, first))
    return OrderGraph(tuple(edges))


def order_by_numbers(places: Mapping[int, Place], shared: Overlaps) -> OrderGraph:
    """Edges between overlapping objects of one cluster and different numbers."""
    edges = []
    for pair in shared:
        if all(id in places for id in pair):
            front, behind = sorted(pair, key=lambda id: places[id])
            if places[front].cluster == places[behind].cluster and places[front].number < places[behind].number:
                edges.append(OrderEdge(front, behind))
    return OrderGraph(tuple(edges))


def modal_masks(amodal: Mapping[int, CropMask], order: OrderGraph) -> dict[int, CropMask]:
    """Visible masks: each whole mask less those in front of it; edges speak of the pair, nothing is transitive."""
    seen = dict(amodal)
    for edge in order.edges:
        seen[edge.behind] = seen[edge.behind].subtract(amodal[edge.front])
    return seen


@dataclass(frozen=True)
class Contradiction:
    """Objects whose numbers or edges cannot be true together; `what` is a short kind, `said` a sentence's rest."""

    what: str
    ids: tuple[int, ...]
    said: str


def contradictions(
    instances: Sequence[Instance], places: Mapping[int, Place], least_px: int = 1, masks: bool = True
) -> list[Contradiction]:
    """Where numbers contradict each other, the clusters or the masks. Objects without a place are passed over.

    Args:
        instances: the objects of one photo.
        places: what is said of them.
        least_px: masks drawn apart touch by some pixels: an overlap of fewer explains a cluster or a number, and
            demands none.
        masks: whether visible masks are known, so that they can contradict.
    """
    touching = overlaps(instances)
    shared = {pair: common for pair, common in touching.items() if common >= least_px}
    known = [one for one in instances if one.id in places]
    found = list(_pairs(shared, places))
    found += _broken_clusters(known, touching, places)
    found += _hidden(known, touching, places)
    if masks:
        found += _against_masks(known, shared, places, least_px)
    return found


def _pairs(shared: Overlaps, places: Mapping[int, Place]) -> Iterable[Contradiction]:
    for (one, other), common in shared.items():
        if one not in places or other not in places:
            continue
        first, second = places[one], places[other]
        if first.cluster != second.cluster:
            said = f"overlap in {common} px but stand in clusters {first.cluster} and {second.cluster}"
            yield Contradiction("clusters apart", (one, other), said)
        elif first.number == second.number:
            said = f"overlap in {common} px but both have number {first.number}"
            yield Contradiction("equal numbers", (one, other), said)


def _broken_clusters(
    known: Sequence[Instance], shared: Overlaps, places: Mapping[int, Place]
) -> Iterable[Contradiction]:
    of_cluster: dict[int, list[Instance]] = {}
    for one in known:
        of_cluster.setdefault(places[one.id].cluster, []).append(one)
    for cluster, members in of_cluster.items():
        inside = {one.id for one in members}
        parts = clusters(members, {pair: px for pair, px in shared.items() if inside.issuperset(pair)})
        if len(parts) > 1:
            said = f"are cluster {cluster} but fall into {len(parts)} groups that do not overlap"
            yield Contradiction("cluster in pieces", tuple(one.id for one in members), said)


def _hidden(known: Sequence[Instance], shared: Overlaps, places: Mapping[int, Place]) -> Iterable[Contradiction]:
    """A number is 0 exactly where nothing in front overlaps, else at least as large as the objects in front need."""
    front: dict[int, list[int]] = {one.id: [] for one in known}
    for edge in order_by_numbers(places, shared).edges:
        front[edge.behind].append(edge.front)
    for one in known:
        number = places[one.id].number
        if number and not front[one.id]:
            said = f"has number {number} but nothing of a smaller number overlaps it"
            yield Contradiction("nothing in front", (one.id,), said)
        elif number and number > 1 + max(places[other].number for other in front[one.id]):
            said = f"has number {number} but what overlaps it in front ends at number "
            said += str(max(places[other].number for other in front[one.id]))
            yield Contradiction("number left out", (one.id,), said)


def _against_masks(
    known: Sequence[Instance], shared: Overlaps, places: Mapping[int, Place], least_px: int
) -> Iterable[Contradiction]:
    numbers = order_by_numbers(places, shared)
    by_id = {one.id: one for one in known}
    for edge in numbers.edges:
        front, behind = by_id[edge.front], by_id[edge.behind]
        common = front.amodal.intersection(behind.amodal)
        shown, wrongly = common.intersection_area(front.modal), common.intersection_area(behind.modal)
        if wrongly > shown and wrongly - shown >= least_px:
            said = f"number {places[front.id].number} should hide {places[behind.id].number}, but shows {shown} of "
            said += f"{common.area} common px and the other {wrongly}"
            yield Contradiction("masks disagree", (front.id, behind.id), said)


def contradictions_of_order(scene: Scene) -> list[Contradiction]:
    """Cycles of the scene's order, and its edges that the masks contradict."""
    found = [
        Contradiction("cycle", cycle, "hide each other in a circle: " + " -> ".join(map(str, (*cycle, cycle[0]))))
        for cycle in scene.order.cycles()
    ]
    by_masks = order_by_masks(scene.instances)
    for edge in scene.order.edges:
        if by_masks.in_front_of(edge.behind, edge.front):
            said = f"{edge.front} is said to be in front of {edge.behind}, but shows less of their common pixels"
            found.append(Contradiction("masks disagree", (edge.front, edge.behind), said))
    return found
