from __future__ import annotations

import itertools

import networkx
import numpy as np
import pytest

from amodal import OrderEdge, OrderGraph
from amodal.errors import InputError


def graph(*pairs: tuple[int, int]) -> OrderGraph:
    return OrderGraph(tuple(OrderEdge(front, behind) for front, behind in pairs))


def random_graphs(acyclic: bool):
    chance = np.random.default_rng(6)
    for _ in range(150):
        count = int(chance.integers(1, 8))
        ids = chance.permutation(50)[:count]
        pairs = itertools.combinations(ids.tolist(), 2) if acyclic else itertools.permutations(ids.tolist(), 2)
        yield ids.tolist(), graph(*(pair for pair in pairs if chance.random() < 0.4))


def test_edges_do_not_depend_on_the_order_in_which_they_are_given():
    assert graph((3, 1), (1, 2)) == graph((1, 2), (3, 1))
    assert [(edge.front, edge.behind) for edge in graph((3, 1), (1, 2)).edges] == [(1, 2), (3, 1)]


def test_in_front_of_is_about_edges_and_does_not_follow_chains():
    order = graph((1, 2), (2, 3))
    assert order.in_front_of(1, 2)
    assert not order.in_front_of(2, 1)
    assert not order.in_front_of(1, 3)


def test_the_probabilities_of_both_ways_sum_to_one():
    order = OrderGraph((OrderEdge(1, 2, 0.8),))
    assert order.probability(1, 2) == 0.8
    assert order.probability(2, 1) == pytest.approx(0.2)
    assert order.probability(1, 3) == order.probability(3, 1) == 0.5


def test_layers_put_each_object_behind_everything_that_is_in_front_of_it():
    assert graph((1, 2), (2, 3), (1, 3), (4, 3)).layers([9]) == [[1, 4, 9], [2], [3]]


def test_layers_of_random_orders_are_longest_paths():
    for ids, order in random_graphs(acyclic=True):
        reference = order.to_networkx(ids)
        expected = [sorted(layer) for layer in networkx.topological_generations(reference)]
        assert order.layers(ids) == expected
        assert order.cycles() == []


def test_objects_of_a_cycle_share_a_layer():
    assert graph((1, 2), (2, 3), (3, 2), (3, 4)).layers() == [[1], [2, 3], [4]]


def test_every_group_that_goes_round_is_reported_with_a_shortest_cycle():
    for _, order in random_graphs(acyclic=False):
        reference = order.to_networkx()
        groups = [group for group in networkx.strongly_connected_components(reference) if len(group) > 1]
        cycles = order.cycles()
        assert len(cycles) == len(groups)
        for cycle in cycles:
            group = next(group for group in groups if cycle[0] in group)
            assert set(cycle) <= group
            assert all(order.in_front_of(a, b) for a, b in zip(cycle, (*cycle[1:], cycle[0]), strict=True))
            back = networkx.subgraph_view(reference, filter_node=group.__contains__)
            ways = (networkx.shortest_path_length(back, b, cycle[0]) for b in back.successors(cycle[0]))
            assert len(cycle) == 1 + min(ways)


def test_kins_numbers_are_zero_for_the_unoccluded_and_grow_behind():
    assert graph((7, 3), (3, 5), (7, 5)).kins_orders([3, 5, 7, 8]) == {7: 0, 8: 0, 3: 1, 5: 2}


def test_objects_of_equal_kins_number_never_hide_each_other():
    for ids, order in random_graphs(acyclic=True):
        numbers = order.kins_orders(ids)
        behind = {edge.behind for edge in order.edges}
        assert all(numbers[edge.front] < numbers[edge.behind] for edge in order.edges)
        assert all((numbers[id] == 0) == (id not in behind) for id in ids)


def test_a_cycle_has_no_kins_numbers():
    with pytest.raises(InputError, match="found the cycle 1 -> 2 -> 3 -> 1"):
        graph((1, 2), (2, 3), (3, 1)).kins_orders([1, 2, 3])


def test_networkx_gives_the_same_order_back():
    order = OrderGraph((OrderEdge(4, 2, 0.7), OrderEdge(2, 9)))
    assert OrderGraph.from_networkx(order.to_networkx([1])) == order
    assert sorted(order.to_networkx([1])) == [1, 2, 4, 9]


@pytest.mark.parametrize(
    ("edges", "message"),
    [
        ([OrderEdge(1, 7)], "order 1 -> 7: there is no object 7"),
        ([OrderEdge(2, 2)], "order 2 -> 2: an object in front of itself"),
        ([OrderEdge(1, 2), OrderEdge(2, 1)], "order 2 -> 1: found the other way round too"),
        ([OrderEdge(1, 2, 0.6), OrderEdge(1, 2, 0.7)], "order 1 -> 2: found twice"),
        ([OrderEdge(1, 2, 1.2)], "order 1 -> 2: found probability 1.2"),
        ([OrderEdge(1, 2, float("nan"))], "order 1 -> 2: found probability nan"),
    ],
)
def test_an_impossible_order_is_refused(edges, message):
    with pytest.raises(InputError, match=message):
        OrderGraph(tuple(edges)).validate([1, 2, 3])


def test_a_long_chain_needs_no_recursion():
    order = graph(*((index, index + 1) for index in range(5000)))
    assert len(order.layers()) == 5001


def test_among_some_objects_only_their_own_edges_stay():
    order = graph((1, 2), (2, 3), (3, 4))
    assert order.among([2, 3, 4]) == graph((2, 3), (3, 4))
    assert order.among([1, 3]) == OrderGraph()
    assert order.among(iter([4, 3, 2, 1])) == order
