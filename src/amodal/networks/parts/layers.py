"""Layers ready for a ReLU behind them: convolutions, deconvolutions, and how their weights begin."""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn


def convolution(given: int, wanted: int, stride: int = 1) -> nn.Conv2d:
    """3×3, ready for a ReLU behind it."""
    layer = nn.Conv2d(given, wanted, 3, stride, 1)
    started(layer, (2 / (wanted * 9)) ** 0.5)  # He's, for the way back, as Mask R-CNN's branches
    return layer


def deconvolution(given: int, wanted: int, taps: int) -> nn.ConvTranspose2d:
    """2×2 or 3×3, doubling height and width exactly, ready for a ReLU behind it."""
    layer = nn.ConvTranspose2d(given, wanted, taps, stride=2, padding=taps // 3, output_padding=taps // 3)
    # Each output lies under a quarter of the taps, on average.
    started(layer, (2 / (given * taps**2 / 4)) ** 0.5)
    return layer


def started(layer: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, std: float) -> None:
    """Fresh weights of this spread, and no bias."""
    nn.init.normal_(layer.weight, std=std)
    nn.init.constant_(cast(Tensor, layer.bias), 0)
