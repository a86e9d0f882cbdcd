"""The dictionary of von Mises-Fisher kernels: what small parts look like, shared by all classes (Eq 6)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Kernels:
    """K unit directions μ_k with one shared concentration σ."""

    directions: Float[Tensor, "kernels channels"]
    concentration: float

    def likelihood(
        self, features: Float[Tensor, "objects channels rows cols"]
    ) -> Float[Tensor, "objects kernels rows cols"]:
        """p(f_i | λ_k) up to a constant (Eq 6): exp(σ (μ_k·f_i − 1)), in (0, 1], so that nothing overflows.

        Z(σ) is the same for every kernel and position and cancels from every comparison.
        """
        # Vectors lie together in memory (channels last), before and after: every later step walks over kernels.
        similarity = features.permute(0, 2, 3, 1) @ self.directions.T
        # In place: this is the largest array there is, and each new one of its size is fresh memory to be cleared.
        return similarity.sub_(1).mul_(self.concentration).exp_().permute(0, 3, 1, 2)


def fit_kernels(
    features: Float[Tensor, "samples channels"],
    count: int,
    concentration: float,
    generator: torch.Generator,
    *,
    iterations: int = 20,
    tolerance: float = 1e-5,
    progress: Callable[[int, int], None] | None = None,
) -> Kernels:
    """Maximum-likelihood kernels of unit vectors by EM from a spherical k-means++ start.

    Stops when the mean log-likelihood grows by less than `tolerance`, or after `iterations`.
    """
    if len(features) < count:
        raise ValueError(f"{len(features)} feature vectors are too few for {count} kernels")
    directions = _seed(features, count, generator)
    mixing = torch.full((count,), 1 / count)
    previous = -torch.inf
    for iteration in range(iterations):
        responsibility, log_likelihood = _expect(features, directions, mixing, concentration)
        directions, mixing = _maximise(features, responsibility, directions)
        if progress is not None:
            progress(iteration + 1, iterations)
        if log_likelihood - previous < tolerance:
            break
        previous = log_likelihood
    return Kernels(directions, concentration)


def _seed(features: Tensor, count: int, generator: torch.Generator) -> Tensor:
    """Spherical k-means++: each next centre is drawn in proportion to its cosine distance to those chosen."""
    first = int(torch.randint(len(features), (1,), generator=generator))
    chosen = [first]
    distance = 1 - features @ features[first]
    for _ in range(count - 1):
        following = int(torch.multinomial(distance.clamp_min(1e-12), 1, generator=generator))
        chosen.append(following)
        distance = torch.minimum(distance, 1 - features @ features[following])
    return features[chosen].clone()


def _expect(
    features: Tensor, directions: Tensor, mixing: Tensor, concentration: float
) -> tuple[Float[Tensor, "samples kernels"], float]:
    joint = concentration * (features @ directions.T) + mixing.clamp_min(1e-12).log()
    total = torch.logsumexp(joint, dim=1, keepdim=True)
    return torch.exp(joint - total), float(total.mean())


def _maximise(features: Tensor, responsibility: Tensor, directions: Tensor) -> tuple[Tensor, Tensor]:
    """New directions are the normalised weighted sums; a kernel that owns nothing stays where it was."""
    weight = responsibility.sum(0)
    moved = functional.normalize(responsibility.T @ features, dim=1)
    return torch.where(weight[:, None] > 1e-6, moved, directions), weight / weight.sum()
