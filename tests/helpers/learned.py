"""A learning that was never interrupted, and all that it left."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amodal.compnet.learn import LearnReport


@dataclass(frozen=True)
class Learned:
    """The model file and its bytes, the report, the folder of stages, and what progress was told."""

    model: Path
    content: bytes
    report: LearnReport
    work: Path
    progress: tuple[tuple[str, int, int], ...]
