"""The compositional model's last step in numpy: templates on a lattice, and what its maps say (Eq 1, 13–15).

The formulas are those of `compnet/templates.py`, `compnet/maps.py` and `methods/looking.py`, which speak torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Float32

from amodal.errors import InputError
from amodal.export.folder import TEMPLATES, ExportedModel
from amodal.features.lattice import PAD, Shape, interpolation_weights


@dataclass(frozen=True, eq=False)
class Packed:
    """Templates of one class on one lattice, as the graph "maps" takes them.

    `weights`: [cells, kernels, 2·mixtures], foreground first; `log_prior`, `log_not_prior`: [mixtures, cells].
    """

    weights: Float32[np.ndarray, "cells kernels both"]
    log_prior: Float32[np.ndarray, "mixtures cells"]
    log_not_prior: Float32[np.ndarray, "mixtures cells"]


@dataclass(frozen=True, eq=False)
class ClassTemplates:
    """One class: its templates on its own lattice, its two calibrated numbers, and what was packed already."""

    shape: Shape
    foreground: Float32[np.ndarray, "mixtures kernels rows cols"]
    context: Float32[np.ndarray, "mixtures kernels rows cols"]
    prior: Float32[np.ndarray, "mixtures rows cols"]
    prior_margin: float
    threshold: float
    outlier_log_prior: float
    _packed: dict[Shape, Packed] = field(default_factory=dict, repr=False)

    def on(self, shape: Shape) -> Packed:
        """The templates on a lattice, the box's edges kept in place; made once."""
        if shape not in self._packed:
            both = np.concatenate([self.foreground, self.context])
            weights = _resampled(both, self.shape, shape).reshape(*both.shape[:2], -1).transpose(2, 1, 0)
            prior = _resampled(self.prior, self.shape, shape).reshape(len(self.prior), -1)
            prior = prior.clip(np.float32(self.prior_margin), np.float32(1 - self.prior_margin))
            self._packed[shape] = Packed(np.ascontiguousarray(weights), np.log(prior), np.log1p(-prior))
        return self._packed[shape]


@dataclass(frozen=True, eq=False)
class ClassMaps:
    """The three log maps of one object under each mixture of one class, [mixtures, cells], and how well each explains.

    `explained`: log-likelihood ratio of each cell, the outlier competing (Eq 7).
    """

    foreground: Float32[np.ndarray, "mixtures cells"]
    occluded: Float32[np.ndarray, "mixtures cells"]
    context: Float32[np.ndarray, "mixtures cells"]
    explained: Float32[np.ndarray, "mixtures cells"]

    def score(self, weight: Float32[np.ndarray, " cells"]) -> Float32[np.ndarray, " mixtures"]:
        """Mean log-likelihood ratio per cell; `weight`: how much each cell counts."""
        share = weight / max(float(weight.sum()), 1e-6)
        score: Float32[np.ndarray, " mixtures"] = self.explained @ share.astype(np.float32)
        return score

    def posteriors(self, mixture: int, threshold: float, temperature: float) -> Float32[np.ndarray, "3 cells"]:
        """P(seen), P(hidden), P(absent) of each cell."""
        rows = self.foreground[mixture], self.occluded[mixture], self.context[mixture] + np.float32(threshold)
        return softmax(np.stack(rows) / np.float32(temperature))


def read_templates(model: ExportedModel) -> dict[str, ClassTemplates]:
    """The templates of every class, the class-agnostic one included.

    Raises:
        InputError: they are missing, changed or garbled.
    """
    from safetensors.numpy import load

    content = model.content(TEMPLATES)
    try:
        tensors: Mapping[str, np.ndarray] = load(content)
        margin = float(model.head["prior_margin"])
        return {label: _read(label, said, tensors, margin) for label, said in model.head["classes"].items()}
    except Exception as error:  # safetensors', or what the head lacks
        where = str(model.folder / TEMPLATES)
        raise InputError(where, "templates", f"lack or garble {error}", "expected those of `amodal export`") from error


def softmax(logits: Float[np.ndarray, ...]) -> Float32[np.ndarray, ...]:
    """Over the first dimension."""
    raised = np.exp(logits - logits.max(0))
    shares: np.ndarray = (raised / raised.sum(0)).astype(np.float32, copy=False)
    return shares


def _read(label: str, said: Mapping[str, Any], tensors: Mapping[str, np.ndarray], margin: float) -> ClassTemplates:
    shape = Shape(*(int(side) for side in said["shape"]))
    names = ("foreground", "context", "prior")
    parts = [tensors[f"class.{label}.{name}"].astype(np.float32) for name in names]
    if any(part.shape[-2:] != shape.padded or not np.isfinite(part).all() for part in parts):
        raise ValueError(f"class {label}: not finite, or not of {shape.padded[0]} × {shape.padded[1]} cells")
    foreground, context, prior = parts
    return ClassTemplates(
        shape, foreground, context, prior, margin, float(said["threshold"]), float(said["outlier_log_prior"])
    )


def _resampled(
    cells: Float32[np.ndarray, "... rows cols"], source: Shape, target: Shape
) -> Float32[np.ndarray, "... new_rows new_cols"]:
    """Carries maps from one padded lattice to another, box edge on box edge; linear between cells."""
    if source == target:
        return cells
    down, across = _weights(source.rows, target.rows), _weights(source.cols, target.cols)
    carried: np.ndarray = down @ cells @ across.T
    return carried


def _weights(source: int, target: int) -> Float32[np.ndarray, "new old"]:
    centres = (np.arange(target + 2 * PAD) + 0.5 - PAD) / target * source + PAD
    return interpolation_weights(centres, source + 2 * PAD)
