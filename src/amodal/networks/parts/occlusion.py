"""The occlusion classification branch [S2 §4.1]: whether something hides a part of the object that a RoI is on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn import functional

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.boxes import POOLED
from amodal.networks.parts.branches import Branch, Pooled
from amodal.networks.parts.sampling import Rois


class OcclusionBranch(nn.Module):
    """The shape of the convolutional box branch, and one logit."""

    def __init__(self, channels: int, features: int, levels: int) -> None:
        super().__init__()
        self.branch = Branch(channels, levels)
        self.whole = nn.Linear(channels * POOLED**2, features)
        self.logit = nn.Linear(features, 1)

    def forward(self, pooled: Pooled) -> tuple[Float[Tensor, " rois"], list[Tensor]]:
        """The logit of every RoI, and the maps along the branch."""
        maps = self.branch(pooled)
        logits: Tensor = self.logit(functional.relu(self.whole(maps[-1].flatten(1))))
        return logits[:, 0].float(), maps


def occlusion_loss(
    logits: Float[Tensor, " k"], rois: Sequence[Rois], targets: Sequence[Targets], threshold: float, weight: float
) -> Tensor:
    """Cross entropy, occluded RoIs weighted: the weighted mean over a picture's RoIs, then the mean over pictures."""
    counts = [len(own.boxes) for own in rois]
    rows = zip(torch.split(logits, counts), rois, targets, strict=True)
    return torch.stack([_picture_loss(*row, threshold, weight) for row in rows]).mean()


def occluded(rois: Rois, target: Targets, threshold: float) -> tuple[Bool[Tensor, " k"], Bool[Tensor, " k"]]:
    """Which RoIs are on an object of which more than this share is hidden, and of which RoIs that is known.

    Background hides nothing. The paper leaves open whether another object's hidden part in the RoI counts; here it does
    not, so that the probability is one of the object.
    """
    on_object = rois.labels > 0
    if not len(target.boxes):
        return on_object, torch.ones_like(on_object)
    hidden = (target.occlusion() > threshold)[rois.objects]
    return hidden & on_object, target.whole[rois.objects] | ~on_object


def _picture_loss(logits: Float[Tensor, " k"], rois: Rois, target: Targets, threshold: float, weight: float) -> Tensor:
    positive, known = occluded(rois, target, threshold)
    if not known.any():
        return logits.sum() * 0
    weights = torch.where(positive, weight, 1.0)[known]
    losses = functional.binary_cross_entropy_with_logits(logits[known], positive[known].float(), reduction="none")
    return (losses * weights).sum() / weights.sum()
