"""Branches of convolutions on RoIs, which others can look into: for boxes, for occlusion and for masks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from amodal.networks.parts.adaptive import FirstLayers, largest
from amodal.networks.parts.boxes import POOLED, BoxPredictor
from amodal.networks.parts.fusion import FullyConnectedFusion
from amodal.networks.parts.layers import convolution, deconvolution, started

DEPTH = 4
"""Convolutions of a branch."""
_FUSED_AFTER = 3  # convolutions

Pooled = Sequence[Tensor]
"""RoIs pooled from one level or from several: maps of the same shape, [rois, channels, side, side]."""


class Branch(nn.Module):
    """Four 3×3 convolutions with ReLU; where RoIs come from several levels, each has a first convolution of its own."""

    def __init__(self, channels: int, levels: int) -> None:
        super().__init__()
        self.first = FirstLayers([convolution(channels, channels) for _ in range(levels)])
        self.rest = nn.ModuleList(convolution(channels, channels) for _ in range(DEPTH - 1))

    def forward(self, pooled: Pooled) -> list[Tensor]:
        """The maps after 0, 1, … 4 convolutions; before the first, levels are joined by their maximum."""
        maps = [largest(pooled), functional.relu(self.first(pooled))]
        for layer in self.rest:
            maps.append(functional.relu(layer(maps[-1])))
        return maps


class BoxBranch(nn.Module):
    """Class logits and box shifts from four convolutions and one fully connected layer."""

    def __init__(self, channels: int, classes: int, features: int, levels: int) -> None:
        super().__init__()
        self.branch = Branch(channels, levels)
        self.whole = nn.Linear(channels * POOLED**2, features)
        self.predictor = BoxPredictor(features, classes)

    def forward(
        self, pooled: Pooled
    ) -> tuple[Float[Tensor, "rois classes"], Float[Tensor, "rois shifts"], list[Tensor]]:
        """Class logits, shifts of every class, and the maps along the branch."""
        maps = self.branch(pooled)
        whole = functional.relu(self.whole(maps[-1].flatten(1)))
        logits, shifts = self.predictor(whole)
        return logits, shifts, maps


class MaskBranch(nn.Module):
    """Logits of a 28×28 mask for every class: four convolutions, a deconvolution, one 1×1 convolution.

    With `fused`, PANet's fully connected view is added. Something may be merged in after any of the convolutions.
    """

    def __init__(self, channels: int, classes: int, levels: int, *, fused: bool) -> None:
        super().__init__()
        self.first = FirstLayers([convolution(channels, channels) for _ in range(levels)])
        self.rest = nn.ModuleList(convolution(channels, channels) for _ in range(DEPTH - 1))
        self.up = deconvolution(channels, channels, 2)
        self.logits = nn.Conv2d(channels, classes, 1)
        self.fusion = FullyConnectedFusion(channels) if fused else None
        # Small logits at first: a fresh branch on large features would otherwise be sure, and wrong.
        started(self.logits, 0.01)

    def forward(
        self, pooled: Pooled, merge: Callable[[Tensor], Tensor] | None = None, after: int = 0
    ) -> Float[Tensor, "rois classes 28 28"]:
        """`merge` takes the map after so many convolutions and gives the one to go on with.

        Before the first convolution (`after` = 0) the map of every level is merged, with the same weights.
        """
        if merge is not None and after == 0:
            pooled = [merge(own) for own in pooled]
        x, whole = functional.relu(self.first(pooled)), None
        for done in range(1, DEPTH + 1):
            if merge is not None and after == done:
                x = merge(x)
            if self.fusion is not None and done == _FUSED_AFTER:
                whole = self.fusion(x)
            if done < DEPTH:
                x = functional.relu(self.rest[done - 1](x))
        logits: Tensor = self.logits(functional.relu(self.up(x)))
        return (logits if whole is None else logits + whole).float()
