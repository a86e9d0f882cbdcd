"""PyTorch's own path in float32: what exported graphs are compared with (by default it computes in bfloat16)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from amodal.features import crops


@contextmanager
def full_precision(segmenter) -> Iterator[None]:
    """Backbone and student of a segmenter in float32."""
    usual = crops.run_backbone

    def run_backbone(backbone, batch):
        with torch.inference_mode():
            return backbone.with_finer(torch.from_numpy(batch).permute(0, 3, 1, 2).float())

    student = getattr(segmenter, "student", None)
    if student is not None:
        student.__dict__["_fast"] = student.network  # in place of the bfloat16 copy, which is made when needed
    crops.run_backbone = run_backbone
    try:
        yield
    finally:
        crops.run_backbone = usual
        if student is not None:
            del student.__dict__["_fast"]
