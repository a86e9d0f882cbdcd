"""SharpMask's way back from a coarse code of a mask to its pixels, one feature map at a time [Pinheiro et al. 2016]."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class Refinement(nn.Module):
    """A code of a mask and features of the same place and resolution in; a narrower code of twice the side out."""

    def __init__(self, code: int, skip: int, out: int) -> None:
        super().__init__()
        self.code = nn.Conv2d(code, code, 3, padding=1)
        self.merge = nn.Conv2d(code + skip, out, 3, padding=1)

    def forward(
        self, code: Float[Tensor, "k code side side"], skip: Float[Tensor, "k skip side side"]
    ) -> Float[Tensor, "k out twice twice"]:
        """`skip` has been through its own convolution, on the whole map: `Lateral`."""
        both = torch.cat([functional.relu(self.code(code)), skip], 1)
        merged = functional.relu(self.merge(both))
        return functional.interpolate(merged, scale_factor=2, mode="bilinear", align_corners=False)


class Lateral(nn.Module):
    """The small convolution that a feature map passes on its way to a refinement.

    It runs once over the whole map and the windows are cut from the result: the same numbers as window by window, but
    at windows' borders.
    """

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.normal = nn.GroupNorm(1, channels)  # stages of a pretrained backbone differ in size by orders
        self.layer = nn.Conv2d(channels, out, 3, padding=1)

    def forward(self, features: Float[Tensor, "n channels h w"]) -> Float[Tensor, "n out h w"]:
        """float32."""
        return functional.relu(self.layer(self.normal(features))).float()
