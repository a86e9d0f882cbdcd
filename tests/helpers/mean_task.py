"""A task so small that its loss is a mean over samples to the last digit, with a part that some batches do not use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Sample:
    name: str
    pixels: np.ndarray


class Small(nn.Module):
    """Its second layer has no gradient where no sample is bright, as mask heads where no object is."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(12, 8), nn.Linear(8, 3)
        self.dropout = nn.Dropout(0.5)  # only its mode is of interest


@dataclass(frozen=True)
class MeanTask:
    """The loss is a mean over samples, so parts of equal size add up to the whole."""

    name: str = "mean"
    broken_at: int | None = None

    def build(self) -> nn.Module:
        module = Small()
        module.dropout.eval()
        return module

    def draw(self, index: int, rng: np.random.Generator) -> Sample:
        pixels = rng.normal(size=12).astype(np.float32)
        return Sample(f"{index}.jpg", pixels * np.float32(np.nan) if index == self.broken_at else pixels)

    def collate(self, samples: Any) -> Tensor:
        return torch.from_numpy(np.stack([sample.pixels for sample in samples]))

    def loss(self, module: Any, batch: Tensor) -> dict[str, Tensor]:
        hidden = module.first(batch).tanh()
        bright = batch[:, 0] > 0.5
        losses = {"near": hidden.square().sum(1).mean(), "far": batch.new_zeros(())}
        if bright.any():
            losses["far"] = (module.second(hidden[bright]) - 1).square().sum() / len(batch)
        return losses

    def metadata(self) -> dict[str, Any]:
        return {"classes": ["thing"]}
