from __future__ import annotations

import networkx as nx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from amodal.reasoning.graph import acyclic_edges, cycles, topological_order
from amodal.reasoning.windows import clusters, overlapping_pairs

nodes = st.integers(0, 7)
edge_lists = st.lists(st.tuples(nodes, nodes).filter(lambda e: e[0] != e[1]), unique=True)
windows = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 30), st.integers(0, 12), st.integers(0, 12)).map(
        lambda w: (w[0], w[1], w[0] + w[2], w[1] + w[3])
    ),
    max_size=25,
)


@given(edge_lists)
def test_cycles_are_the_strongly_connected_groups(edges):
    expected = [tuple(sorted(g)) for g in nx.strongly_connected_components(nx.DiGraph(edges)) if len(g) > 1]
    assert cycles(edges) == sorted(expected)


@given(edge_lists, st.randoms(use_true_random=False))
def test_acyclic_edges_have_no_cycle_and_each_one_left_out_would_close_one_of_stronger_edges(edges, random):
    weighted = [(i, j, random.random()) for i, j in edges]
    kept = acyclic_edges(weighted)
    assert nx.is_directed_acyclic_graph(nx.DiGraph([e[:2] for e in kept]))
    for edge in set(weighted) - set(kept):
        stronger = nx.DiGraph([e[:2] for e in kept if e[2] >= edge[2]])
        stronger.add_nodes_from(range(8))
        assert nx.has_path(stronger, edge[1], edge[0])


@given(edge_lists)
def test_topological_order_puts_the_front_of_every_edge_first(edges):
    if not nx.is_directed_acyclic_graph(nx.DiGraph(edges)):
        with pytest.raises(ValueError, match="cycle"):
            topological_order(8, edges)
        return
    order = topological_order(8, edges)
    assert sorted(order) == list(range(8))
    assert all(order.index(i) < order.index(j) for i, j in edges)


@given(windows)
def test_overlapping_pairs_are_those_that_share_a_pixel(boxes):
    expected = []
    for i, a in enumerate(boxes):
        for j, b in enumerate(boxes[i + 1 :], i + 1):
            if max(a[0], b[0]) < min(a[2], b[2]) and max(a[1], b[1]) < min(a[3], b[3]):
                expected.append((i, j))
    assert overlapping_pairs(boxes) == expected


@given(windows)
def test_clusters_are_connected_components(boxes):
    pairs = overlapping_pairs(boxes)
    graph = nx.Graph(pairs)
    graph.add_nodes_from(range(len(boxes)))
    assert clusters(len(boxes), pairs) == sorted(sorted(g) for g in nx.connected_components(graph))
