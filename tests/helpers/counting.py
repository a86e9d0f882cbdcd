"""Counts what passes a backbone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import Tensor, nn


@contextmanager
def counted_crops(backbone: nn.Module) -> Iterator[list[int]]:
    """The number of crops in every batch that passes while the context lasts."""
    batches: list[int] = []

    def count(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Any) -> None:
        batches.append(len(inputs[0]))

    hook = backbone.register_forward_hook(count)
    try:
        yield batches
    finally:
        hook.remove()
