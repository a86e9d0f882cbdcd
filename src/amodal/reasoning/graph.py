"""Small questions about directed pairs: what keeps them free of cycles, and who is caught in one."""

from __future__ import annotations

from collections.abc import Sequence


def acyclic_edges(edges: Sequence[tuple[int, int, float]]) -> list[tuple[int, int, float]]:
    """The edges (front, behind, strength) that are left when every cycle is broken at its weakest edge.

    The strongest edge is taken first; one that would close a cycle of stronger ones is left out. Ties go by
    index.
    """
    kept: list[tuple[int, int, float]] = []
    behind: dict[int, list[int]] = {}
    for edge in sorted(edges, key=lambda e: (-e[2], e[0], e[1])):
        if not _leads_to(behind, edge[1], edge[0]):
            kept.append(edge)
            behind.setdefault(edge[0], []).append(edge[1])
    return sorted(kept)


def topological_order(count: int, edges: Sequence[tuple[int, int]]) -> list[int]:
    """0..count-1 with the front of every edge before its behind; among the free ones the smallest first.

    Raises:
        ValueError: the edges contain a cycle.
    """
    blockers = [0] * count
    behind: dict[int, list[int]] = {}
    for i, j in edges:
        blockers[j] += 1
        behind.setdefault(i, []).append(j)
    order: list[int] = []
    free = [n for n in range(count) if not blockers[n]]
    while free:
        n = min(free)
        free.remove(n)
        order.append(n)
        for m in behind.get(n, []):
            blockers[m] -= 1
            if not blockers[m]:
                free.append(m)
    if len(order) < count:
        raise ValueError("edges: contain a cycle, expected none")
    return order


def cycles(edges: Sequence[tuple[int, int]]) -> list[tuple[int, ...]]:
    """Groups of two or more nodes that can all be reached from each other, each sorted; sorted."""
    ahead: dict[int, list[int]] = {}
    back: dict[int, list[int]] = {}
    for i, j in edges:
        ahead.setdefault(i, []).append(j)
        back.setdefault(j, []).append(i)
    finished: list[int] = []
    seen: set[int] = set()
    for n in sorted(ahead):
        finished += _in_order_of_finishing(ahead, n, seen)
    groups = []
    taken: set[int] = set()
    for n in reversed(finished):
        group = _in_order_of_finishing(back, n, taken)
        if len(group) > 1:
            groups.append(tuple(sorted(group)))
    return sorted(groups)


def _leads_to(behind: dict[int, list[int]], start: int, goal: int) -> bool:
    return goal in _in_order_of_finishing(behind, start, set())


def _in_order_of_finishing(links: dict[int, list[int]], start: int, seen: set[int]) -> list[int]:
    """Depth-first visit of what is not `seen` yet; a node is listed after everything that it leads to."""
    if start in seen:
        return []
    seen.add(start)
    finished: list[int] = []
    path = [(start, iter(links.get(start, [])))]
    while path:
        node, following = path[-1]
        unseen = next((m for m in following if m not in seen), None)
        if unseen is None:
            finished.append(node)
            path.pop()
        else:
            seen.add(unseen)
            path.append((unseen, iter(links.get(unseen, []))))
    return finished
