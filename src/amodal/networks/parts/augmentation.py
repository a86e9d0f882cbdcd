"""Bottom-up path augmentation of PANet (Liu et al. 2018): a short way from the finest level to the coarsest."""

from __future__ import annotations

from torch import nn
from torch.nn import functional

from amodal.networks.parts.layers import convolution
from amodal.networks.parts.trunk import LEVELS, Features

_PATH = LEVELS[:4]


class PathAugmentation(nn.Module):
    """N2 = P2, then N_next = conv(stride-2 conv(N) + P_next), ReLU after each; the coarsest pooled once more."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        steps = len(_PATH) - 1
        self.down = nn.ModuleList(convolution(channels, channels, stride=2) for _ in range(steps))
        self.mix = nn.ModuleList(convolution(channels, channels) for _ in range(steps))

    def forward(self, levels: Features) -> Features:
        """float32 maps of the same names and shapes as those of the pyramid."""
        last = levels[_PATH[0]]
        augmented = Features([(_PATH[0], last)])
        for name, down, mix in zip(_PATH[1:], self.down, self.mix, strict=True):
            last = functional.relu(mix(functional.relu(down(last)) + levels[name])).float()
            augmented[name] = last
        augmented[LEVELS[-1]] = functional.max_pool2d(last, 1, 2)
        return augmented
