"""What inference computes: class scores and the three log maps of an object on its lattice (Eq 1–11, 13–15).

Everything is in log space and relative to the outlier model, so that crops of any scale compare:
f = log p(i|m,y) + log p(f_i|A) − log p(f_i|β),
o = log p(i|m,y) + b,
c = log(1 − p(i|m,y)) + log p(f_i|χ) − log p(f_i|β).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from amodal.compnet.templates import PRIOR_MARGIN, Templates

CLASS_SHARPNESS = 40.0
"""Scores (mean log-likelihood ratios per cell) times this are the logits of the softmax over classes: about as many
cells as speak independently."""

_TINY = 1e-30


@dataclass(frozen=True)
class PackedTemplates:
    """Templates laid out for one matrix product per cell.

    `weights`: [cells, kernels, 2·mixtures], foreground first; `log_prior`, `log_not_prior`: [mixtures, cells].
    """

    weights: Tensor
    log_prior: Tensor
    log_not_prior: Tensor

    @classmethod
    def of(cls, templates: Templates) -> PackedTemplates:
        """Pack the templates of one class on one lattice."""
        both = torch.cat([templates.foreground, templates.context]).float()
        weights = both.flatten(2).permute(2, 1, 0).contiguous()
        prior = templates.prior.float().flatten(1).clamp(PRIOR_MARGIN, 1 - PRIOR_MARGIN)
        return cls(weights, prior.log(), torch.log1p(-prior))


@dataclass(frozen=True)
class ClassMaps:
    """The three log maps of n objects under each of M mixtures of one class.

    `foreground` f, `context` c: [objects, mixtures, cells]; `occluded` o: [mixtures, cells];
    `explained` [objects, mixtures, cells]: log-likelihood ratio of each cell, the outlier competing (Eq 7).
    """

    foreground: Tensor
    context: Tensor
    occluded: Tensor
    explained: Tensor

    def score(self, weight: Float[Tensor, "objects cells"]) -> Float[Tensor, "objects mixtures"]:
        """Mean log-likelihood ratio per cell. The best mixture is the only active one (Eq 1).

        `weight`: how much each cell counts: 0 outside the picture, or where a known object hides it.
        """
        share = weight / weight.sum(1, keepdim=True).clamp_min(1e-6)
        return (self.explained @ share[:, :, None])[:, :, 0]

    def of_object(self, n: int) -> ClassMaps:
        """The maps of one object alone, still with its dimension."""
        one = slice(n, n + 1)
        return ClassMaps(self.foreground[one], self.context[one], self.occluded, self.explained[one])


def outlier_log_likelihood(
    likelihood: Float[Tensor, "objects kernels cells"], outliers: Float[Tensor, "models kernels"]
) -> Float[Tensor, "objects cells"]:
    """log max_n p(f_i | β_n) (Eq 8; the paper leaves n free, we take the best)."""
    return (outliers @ likelihood).amax(1).clamp_min(_TINY).log()


def class_maps(
    likelihood: Float[Tensor, "objects kernels cells"],
    outlier: Float[Tensor, "objects cells"],
    templates: PackedTemplates,
    outlier_log_prior: float,
) -> ClassMaps:
    """Maps of objects of one lattice shape under every mixture of one class."""
    mixtures = len(templates.log_prior)
    both = torch.bmm(likelihood.permute(2, 0, 1), templates.weights).permute(1, 2, 0).contiguous()  # Eq 5
    ratio = both.clamp_min(_TINY).log() - outlier[:, None]
    foreground = ratio[:, :mixtures] + templates.log_prior  # Eq 9, 13
    context = ratio[:, mixtures:] + templates.log_not_prior  # Eq 11, 15
    occluded = templates.log_prior + outlier_log_prior  # Eq 10, 14
    # Eq 7: at each cell the object model or the outlier; it competes inside the log.
    explained = torch.logaddexp(foreground, context).clamp_min(outlier_log_prior)
    return ClassMaps(foreground, context, occluded, explained)


def posteriors(
    foreground: Float[Tensor, "... cells"],
    occluded: Float[Tensor, "... cells"],
    context: Float[Tensor, "... cells"],
    threshold: float,
    temperature: float,
) -> Float[Tensor, "... 3 cells"]:
    """P(foreground), P(occluded), P(context) per cell; arguments as in `tempered`."""
    return torch.softmax(tempered(foreground, occluded, context, threshold, temperature), -2)


def tempered(
    foreground: Float[Tensor, "... cells"],
    occluded: Float[Tensor, "... cells"],
    context: Float[Tensor, "... cells"],
    threshold: float,
    temperature: float,
) -> Float[Tensor, "... 3 cells"]:
    """The three log maps as the logits of their posteriors.

    Neighbouring features see much of the same photo, so their likelihoods are too sure: `temperature` divides them.
    `threshold` is added to the context: the calibrated log-odds at which a cell starts to be object.
    """
    return torch.stack([foreground, occluded, context + threshold], -2) / temperature
