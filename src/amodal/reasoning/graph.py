"""Small questions about directed pairs: what keeps them free of cycles, and who is caught in one."""

from __future__ import annotations

from collections.abc import Sequence

from amodal.order import reached, strongly_connected


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
    following: dict[int, list[int]] = {}
    for i, j in edges:
        following.setdefault(i, []).append(j)
        following.setdefault(j, [])
    return sorted(tuple(group) for group in strongly_connected(following) if len(group) > 1)


def _leads_to(behind: dict[int, list[int]], start: int, goal: int) -> bool:
    return goal in reached(start, behind, set())
