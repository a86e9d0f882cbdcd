"""A learning that was never interrupted and all that it left; the command that learns the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from amodal.cli.main import main
from amodal.compnet.learn import LearnConfig, LearnReport


@dataclass(frozen=True)
class Learned:
    """The model file and its bytes, the report, the folder of stages, and what progress was told."""

    model: Path
    content: bytes
    report: LearnReport
    work: Path
    progress: tuple[tuple[str, int, int], ...]


def learn_command(*arguments: object) -> int:
    """`amodal learn` in this process; its exit code."""
    return main(["learn", *map(str, arguments)])


def flags_of(config: LearnConfig) -> list[object]:
    """The flags that say what the tests' configurations say."""
    return [
        *("--kernels", config.kernels, "--mixtures", config.mixtures, "--outliers", config.outliers),
        *("--teacher", config.teacher, "--max-objects", config.max_objects),
        *("--backbone", config.backbone, "--backbone-weights", config.backbone_weights),
    ]
