"""Method `compnet`: every object on its own, as if the others were not there; the paper's row without reasoning.

Visible = F wins, amodal = F or O wins. Two objects may claim the same pixel, so its scenes are not exclusive.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np

from amodal.methods.compositional import CompositionalSegmenter, read_model
from amodal.methods.given import Refine, refinement_of
from amodal.reasoning import Evidence, Reasoning
from amodal.reasoning.evidence import PairLogOdds, Rescore


def load(
    model: str | os.PathLike[str] = "default", *, refine: Refine = "none", keep_posteriors: bool = False
) -> CompositionalSegmenter:
    """The method with a model; settings as in `orm.load`."""
    compnet, name = read_model(model)
    return CompositionalSegmenter(
        "compnet",
        compnet,
        name,
        alone,
        exclusive=False,
        refinement=refinement_of(refine),
        keep_posteriors=keep_posteriors,
    )


def alone(evidences: Sequence[Evidence], _rescore: Rescore | None, _prior: PairLogOdds | None) -> Reasoning:
    """The argmax of each object's own three maps, no order."""
    return Reasoning(
        modal=tuple(e.foreground > np.maximum(e.occluded, e.context) for e in evidences),
        amodal=tuple(np.maximum(e.foreground, e.occluded) > e.context for e in evidences),
        evidences=tuple(evidences),
        order=tuple(range(len(evidences))),
        edges=(),
    )
