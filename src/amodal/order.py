"""OrderGraph: who stands in front of whom."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from amodal.errors import InputError

if TYPE_CHECKING:
    import networkx


@dataclass(frozen=True, order=True)
class OrderEdge:
    """Object `front` hides a part of object `behind`, or is the nearer where they meet; believed with `probability`."""

    front: int
    behind: int
    probability: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "front", int(self.front))
        object.__setattr__(self, "behind", int(self.behind))
        object.__setattr__(self, "probability", float(self.probability))


@dataclass(frozen=True)
class OrderGraph:
    """Directed edges front -> behind between objects whose amodal masks overlap or touch; sorted by those ids."""

    edges: tuple[OrderEdge, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "edges", tuple(sorted(self.edges)))

    def in_front_of(self, a: int, b: int) -> bool:
        """Whether there is an edge from a to b. Not transitive: an edge is about two objects that meet."""
        return (a, b) in self._probabilities

    def probability(self, a: int, b: int) -> float:
        """How likely a is in front of b; one half where no edge joins them."""
        if (a, b) in self._probabilities:
            return self._probabilities[a, b]
        return 1 - self._probabilities.get((b, a), 0.5)

    def among(self, ids: Iterable[int]) -> OrderGraph:
        """Without the edges of objects other than `ids`."""
        there = set(ids)
        kept = tuple(edge for edge in self.edges if edge.front in there and edge.behind in there)
        return self if len(kept) == len(self.edges) else OrderGraph(kept)

    def layers(self, ids: Iterable[int] = ()) -> list[list[int]]:
        """Objects from front to back: each lies one layer behind the last of those in front of it.

        `ids` adds objects without an edge; they are in the first layer. Objects of one cycle share a layer.
        """
        groups = self._groups(ids)
        depth = self._depth(groups)
        found: list[list[int]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
        for number, group in enumerate(groups):
            found[depth[number]].extend(group)
        return [sorted(layer) for layer in found]

    def cycles(self) -> list[tuple[int, ...]]:
        """One shortest cycle, front to behind, for every group of objects that go round; usually none."""
        return [self._shortest_cycle(group) for group in self._groups(()) if len(group) > 1]

    def without_cycles(self) -> OrderGraph:
        """The same pairs, some turned round: in every cycle the least probable edge gives way to the others.

        A pair that was turned has probability 0.5, as it is a guess.
        """
        kept = self
        while cycles := kept.cycles():
            weakest = {min(kept._edges_along(cycle), key=lambda edge: edge.probability) for cycle in cycles}
            kept = OrderGraph(tuple(edge for edge in kept.edges if edge not in weakest))
        if kept is self:
            return self
        depth = kept.kins_orders(id for edge in self.edges for id in (edge.front, edge.behind))
        left_out = [edge for edge in self.edges if edge not in set(kept.edges)]
        pairs = (sorted((edge.front, edge.behind), key=lambda id: (depth[id], id)) for edge in left_out)
        return OrderGraph((*kept.edges, *(OrderEdge(front, behind, 0.5) for front, behind in pairs)))

    def kins_orders(self, ids: Iterable[int]) -> dict[int, int]:
        """KINS's number of each object: 0 for what nothing hides, else 1 more than the last in front of it.

        So two objects of equal number never hide each other.

        Raises:
            InputError: the order has a cycle, which such numbers cannot say.
        """
        for cycle in self.cycles():
            path = " -> ".join(str(id) for id in (*cycle, cycle[0]))
            raise InputError("order", "", f"found the cycle {path}", "KINS numbers need an order without one")
        return {id: number for number, layer in enumerate(self.layers(ids)) for id in layer}

    def validate(self, ids: Sequence[int], where: str = "order") -> OrderGraph:
        """Return the graph itself, if its edges join different known objects, one way only.

        Raises:
            InputError: they do not; names the pair.
        """
        known = set(ids)
        seen: set[tuple[int, int]] = set()
        for edge in self.edges:
            pair = f"order {edge.front} -> {edge.behind}"
            for id in (edge.front, edge.behind):
                if id not in known:
                    raise InputError(where, pair, f"there is no object {id}", f"it has {sorted(known)}")
            if edge.front == edge.behind:
                raise InputError(where, pair, "an object in front of itself", "expected two objects")
            if (edge.front, edge.behind) in seen:
                raise InputError(where, pair, "found twice", "expected one edge for a pair")
            if (edge.behind, edge.front) in seen:
                raise InputError(where, pair, "found the other way round too", "expected one edge for a pair")
            if not (math.isfinite(edge.probability) and 0 <= edge.probability <= 1):
                raise InputError(where, pair, f"found probability {edge.probability}", "expected 0 to 1")
            seen.add((edge.front, edge.behind))
        return self

    def to_networkx(self, ids: Iterable[int] = ()) -> networkx.DiGraph:
        """As a networkx.DiGraph whose edges carry `probability`; `ids` adds objects without an edge."""
        import networkx

        graph = networkx.DiGraph()
        graph.add_nodes_from(ids)
        for edge in self.edges:
            graph.add_edge(edge.front, edge.behind, probability=edge.probability)
        return graph

    @classmethod
    def from_networkx(cls, graph: networkx.DiGraph) -> OrderGraph:
        """From a networkx.DiGraph of ids; an edge without `probability` is certain."""
        edges = graph.edges(data="probability", default=1.0)
        return cls(tuple(OrderEdge(front, behind, probability) for front, behind, probability in edges))

    @cached_property
    def _probabilities(self) -> dict[tuple[int, int], float]:
        return {(edge.front, edge.behind): edge.probability for edge in self.edges}

    @cached_property
    def _behind(self) -> dict[int, list[int]]:
        """For every object of an edge, the objects directly behind it."""
        found: dict[int, list[int]] = {}
        for edge in self.edges:
            found.setdefault(edge.front, []).append(edge.behind)
            found.setdefault(edge.behind, [])
        return found

    def _edges_along(self, cycle: Sequence[int]) -> list[OrderEdge]:
        """The edges of a cycle."""
        steps = zip(cycle, (*cycle[1:], cycle[0]), strict=True)
        return [OrderEdge(front, behind, self._probabilities[front, behind]) for front, behind in steps]

    def _groups(self, ids: Iterable[int]) -> list[list[int]]:
        """Strongly connected objects, the groups in topological order."""
        return strongly_connected({**{id: [] for id in ids}, **self._behind})

    def _depth(self, groups: list[list[int]]) -> dict[int, int]:
        """How many groups lie one in front of the other before each group, at most."""
        number = {id: index for index, group in enumerate(groups) for id in group}
        depth = dict.fromkeys(range(len(groups)), 0)
        for index, group in enumerate(groups):  # topological, so every depth is final when it is read
            for other in {number[id] for member in group for id in self._behind.get(member, ())} - {index}:
                depth[other] = max(depth[other], depth[index] + 1)
        return depth

    def _shortest_cycle(self, group: list[int]) -> tuple[int, ...]:
        """The shortest way from the group's first object back to itself."""
        start, members = group[0], set(group)
        came_from: dict[int, int] = {}
        waiting = deque([start])
        while start not in came_from:
            id = waiting.popleft()
            for other in self._behind[id]:
                if other in members and other not in came_from:
                    came_from[other] = id
                    waiting.append(other)
        path = [came_from[start]]
        while path[-1] != start:
            path.append(came_from[path[-1]])
        return tuple(reversed(path))


def strongly_connected(following: Mapping[int, Sequence[int]]) -> list[list[int]]:
    """Groups of nodes that can all be reached from each other, each sorted, in topological order (Kosaraju).

    `following`: for every node, those that its edges lead to; they must be nodes of it too.
    """
    preceding: dict[int, list[int]] = {node: [] for node in following}
    for node, others in following.items():
        for other in others:
            preceding[other].append(node)
    seen: set[int] = set()
    finished: list[int] = []
    for node in sorted(following):
        finished += reached(node, following, seen)
    grouped: set[int] = set()
    walks = (reached(node, preceding, grouped) for node in reversed(finished))
    return [sorted(group) for group in walks if group]


def reached(start: int, following: Mapping[int, Sequence[int]], seen: set[int]) -> list[int]:
    """What can be reached from `start` over nodes not `seen` before (they are added), depth first, without recursion.

    A node is listed after everything that it leads to.
    """
    if start in seen:
        return []
    seen.add(start)
    finished: list[int] = []
    stack = [(start, iter(following.get(start, ())))]
    while stack:
        node, rest = stack[-1]
        step = next((other for other in rest if other not in seen), None)
        if step is None:
            finished.append(node)
            stack.pop()
        else:
            seen.add(step)
            stack.append((step, iter(following.get(step, ()))))
    return finished
