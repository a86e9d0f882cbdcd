"""Counts what passes a backbone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn

from amodal.features.backbone import Backbone


@contextmanager
def counted_crops(backbone: Backbone) -> Iterator[list[int]]:
    """The number of crops in every batch that passes while the context lasts."""
    batches: list[int] = []

    def count(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Any) -> None:
        batches.append(len(inputs[0]))

    hook = backbone.network.register_forward_hook(count)
    try:
        yield batches
    finally:
        hook.remove()
