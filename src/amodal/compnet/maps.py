"""What inference computes: class scores and the three log maps of an object on its lattice (science: Eq 1–11, 13–15).

Everything is in log space and relative to the outlier model, so that crops of any scale compare:
f = log p(i|m,y) + log p(f_i|A) − log p(f_i|β),
o = log p(i|m,y) + b,
c = log(1 − p(i|m,y)) + log p(f_i|χ) − log p(f_i|β).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from amodal.compnet.templates import PRIOR_MARGIN, Templates

_TINY = 1e-30


@dataclass(frozen=True)
class PackedTemplates:
    """Templates laid out for one matrix product per cell.

    `weights`: [cells, 2·mixtures, kernels], foreground first; `log_prior`, `log_not_prior`: [mixtures, cells].
    """

    weights: Tensor
    log_prior: Tensor
    log_not_prior: Tensor

    @classmethod
    def of(cls, templates: Templates) -> PackedTemplates:
        """Pack the templates of one class on one lattice."""
        both = torch.cat([templates.foreground, templates.context]).float()
        weights = both.flatten(2).permute(2, 0, 1).contiguous()
        prior = templates.prior.float().flatten(1).clamp(PRIOR_MARGIN, 1 - PRIOR_MARGIN)
        return cls(weights, prior.log(), torch.log1p(-prior))


@dataclass(frozen=True)
class ClassMaps:
    """The three log maps of n objects under each of M mixtures of one class, and the score of each mixture.

    `foreground` f, `context` c: [objects, mixtures, cells]; `occluded` o: [mixtures, cells];
    `score`: [objects, mixtures], mean log-likelihood ratio per cell, the outlier competing at every cell.
    """

    foreground: Tensor
    context: Tensor
    occluded: Tensor
    score: Tensor

    def best(self) -> Int64[Tensor, " objects"]:
        """Exactly one mixture is active per object: the one of highest score (Eq 1)."""
        return self.score.argmax(1)


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
    weight: Float[Tensor, "objects cells"],
) -> ClassMaps:
    """Maps and scores of objects of one lattice shape under one class.

    `weight`: how much each cell counts in the score: 0 outside the picture, or where a known object hides it.
    """
    mixtures = len(templates.log_prior)
    both = torch.bmm(templates.weights, likelihood.permute(2, 1, 0)).permute(2, 1, 0)  # Eq 5
    ratio = both.clamp_min(_TINY).log() - outlier[:, None]
    foreground = ratio[:, :mixtures] + templates.log_prior  # Eq 9, 13
    context = ratio[:, mixtures:] + templates.log_not_prior  # Eq 11, 15
    occluded = templates.log_prior + outlier_log_prior  # Eq 10, 14
    # Eq 7: at each cell the object model or the outlier; it competes inside the log.
    explained = torch.logaddexp(foreground, context).clamp_min(outlier_log_prior)
    total = weight.sum(1, keepdim=True).clamp_min(1e-6)
    score = torch.einsum("nmi,ni->nm", explained, weight / total)
    return ClassMaps(foreground, context, occluded, score)


def mixture_maps(
    likelihood: Float[Tensor, "kernels cells"],
    outlier: Float[Tensor, " cells"],
    templates: PackedTemplates,
    mixture: int,
    outlier_log_prior: float,
) -> tuple[Float[Tensor, " cells"], Float[Tensor, " cells"], Float[Tensor, " cells"]]:
    """f, o and c of one object under one mixture: what `class_maps` gives, for the chosen one alone."""
    mixtures = len(templates.log_prior)
    chosen = templates.weights[:, mixture::mixtures]
    both = torch.einsum("imk,ki->mi", chosen, likelihood).clamp_min(_TINY).log() - outlier
    log_prior = templates.log_prior[mixture]
    return both[0] + log_prior, log_prior + outlier_log_prior, both[1] + templates.log_not_prior[mixture]


def posteriors(
    foreground: Float[Tensor, "... cells"],
    occluded: Float[Tensor, "... cells"],
    context: Float[Tensor, "... cells"],
    threshold: float,
    temperature: float,
) -> Float[Tensor, "... 3 cells"]:
    """P(foreground), P(occluded), P(context) per cell.

    Neighbouring features see much of the same photo, so their likelihoods are too sure: `temperature` divides them.
    `threshold` is added to the context: the calibrated log-odds at which a cell starts to be object.
    """
    return torch.softmax(torch.stack([foreground, occluded, context + threshold], -2) / temperature, -2)
