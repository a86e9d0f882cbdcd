"""A mask branch: its head, what it should say on a RoI, and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
from jaxtyping import Bool, Float, Int64, UInt8
from torch import Tensor, nn
from torch.nn import functional
from torchvision.ops import roi_align

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.boxes import of_class
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import MaskKind

POOLED, SIDE = 14, 28


class MaskHead(nn.Module):
    """Four convolutions, a deconvolution to twice the side, and a logit for every class."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.convolutions = nn.ModuleList(nn.Conv2d(channels, channels, 3, padding=1) for _ in range(4))
        self.deconvolution = nn.ConvTranspose2d(channels, channels, 2, 2)
        self.predictor = nn.Conv2d(channels, classes, 1)
        for layer in (*self.convolutions, self.deconvolution, self.predictor):
            weights = cast(nn.Conv2d, layer)
            nn.init.kaiming_normal_(weights.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(cast(Tensor, weights.bias))
        nn.init.normal_(self.predictor.weight, std=0.01)  # fresh logits near zero, or the first steps blow up

    def forward(self, pooled: Float[Tensor, "k c 14 14"]) -> Float[Tensor, "k classes 28 28"]:
        """float32 logits."""
        values = pooled
        for layer in self.convolutions:
            values = functional.relu(layer(values))
        logits: Tensor = self.predictor(functional.relu(self.deconvolution(values)))
        return logits.float()


def mask_targets(
    masks: UInt8[Tensor, "n h w"], boxes: Float[Tensor, "k 4"], objects: Int64[Tensor, " k"], side: int = SIDE
) -> Float[Tensor, "k side side"]:
    """What a mask branch should say on each RoI: the share of each cell that its object's mask covers, by RoIAlign."""
    if not len(boxes):
        return boxes.new_zeros(0, side, side)
    wanted, rows = torch.unique(objects, return_inverse=True)  # few of many masks are turned to float
    rois = torch.cat([rows[:, None].to(boxes), boxes], 1)
    return roi_align(masks[wanted][:, None].to(boxes), rois, (side, side))[:, 0]  # type: ignore[no-any-return]


def mask_loss(
    logits: Float[Tensor, "k classes side side"], rois: Sequence[Rois], targets: Sequence[Targets], kind: MaskKind
) -> Tensor:
    """The loss of one kind of mask on RoIs on objects; the amodal one counts none that are not known whole."""
    counted = [target.whole if kind == "amodal" else torch.ones_like(target.whole) for target in targets]
    return cell_loss(logits, rois, [target.masks(kind) for target in targets], counted)


def cell_loss(
    logits: Float[Tensor, "k classes side side"],
    rois: Sequence[Rois],
    masks: Sequence[UInt8[Tensor, "_ _ _"]],
    counted: Sequence[Bool[Tensor, " _"]],
) -> Tensor:
    """Binary cross entropy of the object's class alone, the mean over a picture's RoIs, then over pictures.

    Args:
        logits: of all pictures' RoIs in a row.
        rois: on objects.
        masks: of every picture's objects, what is wanted of them.
        counted: which of them count.
    """
    parts = []
    split = torch.split(logits, [len(own.boxes) for own in rois])
    for values, own, wanted, counts in zip(split, rois, masks, counted, strict=True):
        known = counts[own.objects]
        found = of_class(values, own.labels)[known]
        if not len(found):
            parts.append(values.sum() * 0)
            continue
        cells = mask_targets(wanted, own.boxes[known], own.objects[known], logits.shape[-1])
        parts.append(functional.binary_cross_entropy_with_logits(found, cells))
    return torch.stack(parts).mean()


def class_masks(
    logits: Float[Tensor, "k classes side side"], labels: Int64[Tensor, " k"]
) -> Float[Tensor, "k side side"]:
    """Probabilities of each RoI's own class."""
    return of_class(logits, labels).sigmoid()
