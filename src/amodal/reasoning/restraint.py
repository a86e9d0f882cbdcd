"""How loud pixels may get: those two objects share never speak louder about the pair's order than a limit.

Many cells that repeat one mistake (a wrong class, a map that missed what is in front) would else overrule any two
boxes. A weight per sample, fixed before the first round, leaves J a plain sum and every label as it is.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

from amodal.reasoning.layers import Layer
from amodal.reasoning.objective import Objective, canvas_crop, shared_canvas

Weights = Float32[np.ndarray, "h w"]


def sample_weights(objective: Objective, max_pair_log_odds: float) -> Weights | None:
    """What every sample counts, 0 to 1, on the canvas; None where no pair has to be restrained.

    A pair whose common samples would say more than `max_pair_log_odds` has them all weighted down to that; a sample
    that several pairs share takes the least weight.
    """
    weights: Weights | None = None
    for i, j in objective.pairs():
        log_odds = abs(objective.pair_alone(i, j))
        if log_odds > max_pair_log_odds:
            weights = np.ones(objective.canvas_shape, np.float32) if weights is None else weights
            crop = shared_canvas(objective.layers[i], objective.layers[j])
            np.minimum(weights[crop], np.float32(max_pair_log_odds / log_odds), out=weights[crop])
    return weights


def weighted(layer: Layer, weights: Weights | None) -> Layer:
    """The layer with every sample's evidence times its weight; None leaves it alone."""
    if weights is None:
        return layer
    own = weights[canvas_crop(layer)]
    return Layer(layer.window, layer.gain * own, layer.price * own, layer.rest * own)
