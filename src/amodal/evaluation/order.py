"""Who is in front? Directed edges against the true order, and the two rules that any method has to beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float64, Int64

from amodal.data.truth import Truth
from amodal.evaluation.intervals import Interval, bootstrap, ratio
from amodal.evaluation.levels import rounded
from amodal.evaluation.pairing import align, box_intersection, boxes_of, pair_all
from amodal.evaluation.strokes import areas, overlaps
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene


@dataclass(frozen=True)
class OrderScores:
    """Over the pairs whose true masks overlap, in percent; nan where there are none.

    Attributes:
        precision: of the pairs decided, how many rightly.
        recall, accuracy: of all pairs, how many rightly (each pair has one true edge, so the two are one number;
            an undecided pair counts as wrong).
        f1: harmonic mean of precision and recall.
        undecided: share of pairs without an edge either way, or with a missing object.
        pairs: how many pairs.
        probabilities, right: of each decided pair, the probability of its edge and whether it is true.
        tallies: right, decided and all pairs of each photo.
    """

    precision: float
    recall: float
    f1: float
    accuracy: float
    undecided: float
    pairs: int
    probabilities: Float64[np.ndarray, " decided"]
    right: Float64[np.ndarray, " decided"]
    tallies: Int64[np.ndarray, "images 3"]

    def intervals(self, draws: int = 1000, seed: int = 0) -> dict[str, Interval]:
        """95 % bootstrap intervals over photos, in percent."""
        found = bootstrap(self.tallies.astype(np.float64), _scores, draws, seed)
        return dict(zip(("precision", "recall", "f1", "undecided"), found, strict=True)) | {"accuracy": found[1]}

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        names = ("precision", "recall", "f1", "accuracy", "undecided")
        return {**{name: rounded(getattr(self, name)) for name in names}, "pairs": self.pairs}


def order_scores(truths: Sequence[Truth], predictions: Sequence[Scene], least_overlap: float = 0.0) -> OrderScores:
    """Compare predicted edges with the true ones, over all pairs of objects that methods are given.

    A pair counts where truth has an edge and the true whole masks overlap in more than `least_overlap` of the
    smaller one; where whole masks are not known, every true edge counts.

    Raises:
        InputError: predictions for unknown photos or of another size.
    """
    pairings = pair_all(truths, predictions)
    graphs = [None if scene is None else scene.order for scene in align(truths, predictions)]
    tallies = np.zeros((len(truths), 3), np.int64)
    probabilities, right = [], []
    for index, (front, behind) in _true_edges(truths, least_overlap):
        graph = graphs[index]
        first, second = (pairings[index][object_id] for object_id in (front, behind))
        tallies[index, 2] += 1
        if first is None or second is None or graph is None:
            continue
        agrees = graph.in_front_of(first.id, second.id)
        if not agrees and not graph.in_front_of(second.id, first.id):
            continue
        tallies[index, :2] += agrees, 1
        probabilities.append(
            graph.probability(first.id, second.id) if agrees else graph.probability(second.id, first.id)
        )
        right.append(float(agrees))
    (scores,) = _scores(tallies.sum(axis=0, keepdims=True).astype(np.float64))
    precision, recall, f1, undecided = scores.tolist()
    return OrderScores(
        precision=precision,
        recall=recall,
        f1=f1,
        accuracy=recall,
        undecided=undecided,
        pairs=int(tallies[:, 2].sum()),
        probabilities=np.array(probabilities, np.float64),
        right=np.array(right, np.float64),
        tallies=tallies,
    )


def rule_scores(
    truths: Sequence[Truth], rule: Callable[[Scene], OrderGraph], least_overlap: float = 0.0
) -> OrderScores:
    """What a rule that looks at the true boxes alone scores."""
    scenes = [replace(truth.scene, order=rule(truth.scene)) for truth in truths]
    return order_scores(truths, scenes, least_overlap)


def lower_edge(scene: Scene) -> OrderGraph:
    """Of two boxes that overlap, the one that reaches lower is in front; no edge where they end alike."""
    return _ruled(scene, lambda one: one.box[3])


def larger(scene: Scene) -> OrderGraph:
    """Of two boxes that overlap, the larger is in front; no edge where they are alike."""
    return _ruled(scene, lambda one: (one.box[2] - one.box[0]) * (one.box[3] - one.box[1]))


RULES: dict[str, Callable[[Scene], OrderGraph]] = {"lower edge": lower_edge, "larger": larger}


def _ruled(scene: Scene, measure: Callable[[Instance], float]) -> OrderGraph:
    boxes = boxes_of(scene.instances)
    edges = []
    for first, second in zip(*np.nonzero(np.triu(box_intersection(boxes, boxes) > 0, 1)), strict=True):
        one, other = scene.instances[first], scene.instances[second]
        if measure(one) != measure(other):
            front, behind = (one, other) if measure(one) > measure(other) else (other, one)
            edges.append(OrderEdge(front.id, behind.id))
    return OrderGraph(tuple(edges))


def _true_edges(truths: Sequence[Truth], least_overlap: float) -> list[tuple[int, tuple[int, int]]]:
    """(number of the photo, (front, behind)) of every pair that counts."""
    edges, masks = [], []
    for index, truth in enumerate(truths):
        if "order" not in truth.knows:
            continue
        whole = {one.id: one.amodal for one in truth.given}
        for edge in truth.scene.order.edges:
            if edge.front in whole and edge.behind in whole:
                edges.append((index, (edge.front, edge.behind)))
                masks.append((whole[edge.front], whole[edge.behind]))
    fronts, behinds = [front for front, _ in masks], [behind for _, behind in masks]
    common = overlaps(fronts, behinds)
    smaller = np.minimum(areas(fronts), areas(behinds))
    unknown = np.array(["amodal" not in truths[index].knows for index, _ in edges], bool)
    kept = unknown | (common > least_overlap * smaller)
    return [edge for edge, keep in zip(edges, kept, strict=True) if keep]


def _scores(tallies: Float64[np.ndarray, "draws 3"]) -> Float64[np.ndarray, "draws 4"]:
    """Precision, recall, F1 and undecided share, in percent, of tallies of right, decided and all pairs."""
    right, decided, pairs = tallies.T
    # Where nothing was decided nothing was decided wrongly, but nothing rightly either.
    precision = np.where((decided == 0) & (pairs > 0), 0.0, ratio(right, decided))
    f1 = ratio(2 * right, decided + pairs)
    return 100 * np.column_stack((precision, ratio(right, pairs), f1, ratio(pairs - decided, pairs)))
