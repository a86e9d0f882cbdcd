"""Outlier models β_n: what covers an object when no object of a known class does (Eq 7–8).

Each β_n is a mixture weight over kernels without any position, learned from photos without objects of
interest: the photos' kernel histograms are clustered, so that walls, foliage and clutter get a model each.
"""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float
from sklearn.cluster import KMeans
from torch import Tensor

_FLOOR = 1e-2


def fit_outliers(
    responsibilities: Float[Tensor, "pictures kernels"], count: int, seed: int
) -> Float[Tensor, "outliers kernels"]:
    """Up to `count` kernel distributions (rows sum to 1) from mean responsibilities in background photos."""
    count = min(count, len(responsibilities))
    clustering = KMeans(count, n_init=10, random_state=seed).fit(responsibilities.sqrt().double().numpy())
    labels = torch.from_numpy(clustering.labels_)
    # Fewer clusters than asked for are found where pictures are alike.
    means = torch.stack([responsibilities[labels == index].mean(0) for index in np.unique(labels)])
    floored = means + _FLOOR / means.shape[1]
    return floored / floored.sum(1, keepdim=True)


def mean_responsibility(
    likelihood: Float[Tensor, "objects kernels rows cols"],
) -> Float[Tensor, "objects kernels"]:
    """How often each kernel explains a cell, averaged over the lattice."""
    share = likelihood / likelihood.sum(1, keepdim=True).clamp_min(1e-12)
    return share.mean((2, 3))
