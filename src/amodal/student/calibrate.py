"""The student's temperature: how far its logits must be drawn together so that probabilities mean what they say."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from amodal.student.model import Student
from amodal.student.task import Group, StudentTask

_GRID = tuple(float(value) for value in np.geomspace(0.5, 3.0, 37))
_SEED_OFFSET = 1_000_003  # lessons of another kind of seed than those it learned from


@torch.inference_mode()
def calibrated(
    student: Student, task: StudentTask, lessons: int, seed: int, progress: Callable[[str, int, int], None]
) -> Student:
    """The student with the temperature of least log loss on fresh lessons: synthetic occlusion, the teacher's masks."""
    losses = np.zeros(len(_GRID))
    for number in range(lessons):
        lesson = task.lessons(np.random.default_rng([seed + _SEED_OFFSET, number]))
        for group in task.collate([lesson]):
            logits = student.logits(group.features, group.finer, group.hints, group.labels)
            losses += [_loss(logits / temperature, group) for temperature in _GRID]
        progress("student's temperature", number + 1, lessons)
    return replace(student, temperature=_GRID[int(losses.argmin())])


def _loss(logits: Tensor, group: Group) -> float:
    each = -(group.target * functional.log_softmax(logits, 1)).sum(1) * group.sure
    return float(each.sum() / group.sure.sum().clamp_min(1))
