"""Methods `orm`, `published` and `nod`: the compositional model with reasoning between objects.

`orm` (default) labels whole clusters under the best order; `published` follows the paper's procedure; `nod` is its
row without order: pixels are competed for, nothing more.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial

from amodal.methods.assembly import Reasoner, jointly
from amodal.methods.compositional import CompositionalSegmenter, read_model
from amodal.methods.given import ALL_CUES, Refine, cues_of, refinement_of
from amodal.reasoning import Evidence, PairGeometry, PairOrder, Reasoning, published
from amodal.reasoning.evidence import PairLogOdds, Rescore


def load(
    model: str | os.PathLike[str] = "default",
    *,
    refine: Refine = "grabcut",
    rounds: int = 2,
    order_cues: str = ALL_CUES,
    geometry: bool = True,
    keep_posteriors: bool = False,
) -> CompositionalSegmenter:
    """The default method.

    Args:
        model: "default" or a model file.
        refine: image-guided refinement of each object's maps.
        rounds: rounds of self-correction at most.
        order_cues: what speaks of who is in front, of appearance, geometry and class, separated by commas.
        geometry: False leaves geometry out, whatever `order_cues` names.
        keep_posteriors: store every object's posterior maps in the scene.
    """
    pair_order = PairOrder.of(cues_of(order_cues, geometry), "compositional")
    return _assemble("orm", model, partial(jointly, rounds=rounds), refine, pair_order, keep_posteriors)


def load_published(
    model: str | os.PathLike[str] = "default",
    *,
    refine: Refine = "none",
    rounds: int = 2,
    geometry: bool = False,
    keep_posteriors: bool = False,
) -> CompositionalSegmenter:
    """The procedure as printed (Eq 16, 17); `geometry` is off because the paper has none."""

    def reasoner(evidences: Sequence[Evidence], rescore: Rescore | None, prior: PairLogOdds | None) -> Reasoning:
        return published.reason(evidences, rescore=rescore, rounds=rounds, pair_log_odds=prior)

    prior = PairGeometry() if geometry else None
    return _assemble("published", model, reasoner, refine, prior, keep_posteriors, absolute=True)


def load_nod(
    model: str | os.PathLike[str] = "default", *, refine: Refine = "none", keep_posteriors: bool = False
) -> CompositionalSegmenter:
    """Pixel competition alone (the paper's "no order" row)."""

    def reasoner(evidences: Sequence[Evidence], _rescore: Rescore | None, _prior: PairLogOdds | None) -> Reasoning:
        return published.compete(evidences)

    return _assemble("nod", model, reasoner, refine, None, keep_posteriors, absolute=True)


def _assemble(
    name: str,
    model: str | os.PathLike[str],
    reasoner: Reasoner,
    refine: Refine,
    pair_order: PairOrder | PairGeometry | None,
    keep_posteriors: bool,
    *,
    absolute: bool = False,
) -> CompositionalSegmenter:
    compnet, model_name = read_model(model)
    return CompositionalSegmenter(
        name,
        compnet,
        model_name,
        reasoner,
        pair_order=pair_order,
        refinement=refinement_of(refine),
        absolute=absolute,
        keep_posteriors=keep_posteriors,
    )
