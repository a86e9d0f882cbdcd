"""Fully connected fusion of PANet (Liu et al. 2018): one view of the whole RoI beside the convolutions' local one."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from amodal.networks.parts.layers import convolution, started

_GRID = 14


class FullyConnectedFusion(nn.Module):
    """From the map after a mask branch's third convolution to logits that every class shares.

    Two convolutions, the second of which halves the channels, and one fully connected layer over all positions.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = convolution(channels, channels)
        self.halving = convolution(channels, channels // 2)
        self.whole = nn.Linear(channels // 2 * _GRID**2, (2 * _GRID) ** 2)
        started(self.whole, 0.001)  # thousands of inputs: the map begins near zero

    def forward(self, features: Float[Tensor, "rois channels 14 14"]) -> Float[Tensor, "rois 1 28 28"]:
        """To be added to the logits of the branch, whatever the class."""
        narrow = functional.relu(self.halving(functional.relu(self.first(features))))
        logits: Tensor = self.whole(narrow.flatten(1))
        return logits.view(-1, 1, 2 * _GRID, 2 * _GRID)
