"""Learning whole boxes from visible ones, as a task for the one training loop: synthetic occlusion tells both."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Float64
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.model import AGNOSTIC, CompNet, Extension
from amodal.progress import Progress
from amodal.student.around import DISTANCES
from amodal.student.box_completer import EXTENSION, as_extension, trained_completer
from amodal.student.lessons import Lesson, Lessons, Target
from amodal.student.whole_box import Around, BoxNetwork, box_shape, joined, look_around
from amodal.training.loop import TrainConfig, train

DEFAULTS = TrainConfig(steps=800, batch=4, rate=2e-3)
"""A dozen minutes of one core, nearly all of it the backbone's."""
_FORGOTTEN = 0.15  # labels that are hidden from the network, so that it knows what to do without


def teach_boxes(
    model: CompNet,
    lessons: Lessons,
    recipe: Mapping[str, Any],
    out: Path,
    work: Path | None = None,
    progress: Progress | None = None,
    config: TrainConfig = DEFAULTS,
) -> Extension:
    """Train on the student's lessons and give what goes into the model's file under `EXTENSION`; `out` is left too."""
    taught = train(WholeBoxTask(model, lessons, recipe=recipe), config, out, work, progress)
    about = {"steps": config.steps, "batch": config.batch, "seed": config.seed, "seconds": round(taught.seconds)}
    return as_extension(trained_completer(model, taught.path), about)


@dataclass(frozen=True, eq=False)
class VisibleLesson:
    """A picture with visible boxes, and how far out each side of the whole box lies; nan: the object only stands by."""

    photo: np.ndarray
    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    insets: Float64[np.ndarray, "n 4"]


@dataclass(frozen=True, eq=False)
class BoxGroup:
    """Objects of one lattice shape, and which distances each of their sides passes."""

    objects: Around
    further: Float[Tensor, "n 4 distances"]


@dataclass(frozen=True, eq=False)
class WholeBoxTask:
    """Builds, draws and judges; the compositional model is frozen and not part of what is learned."""

    model: CompNet
    lessons: Lessons
    shape: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    name: str = EXTENSION

    def build(self) -> nn.Module:
        """A new network."""
        return BoxNetwork(box_shape(self.model, **self.shape)).to(memory_format=torch.channels_last)

    def draw(self, index: int, rng: np.random.Generator) -> VisibleLesson:
        """One lesson by its visible boxes, with labels as the network shall be told them."""
        lesson = visible_lesson(self.lessons(rng))
        names = tuple(AGNOSTIC if rng.random() < _FORGOTTEN else label for label in lesson.labels)
        return VisibleLesson(lesson.photo, lesson.boxes, names, lesson.insets)

    def collate(self, samples: Sequence[VisibleLesson]) -> list[BoxGroup]:
        """All taught objects of the lessons, after the backbone, grouped by lattice shape."""
        taught = [~np.isnan(lesson.insets[:, 0]) for lesson in samples]
        looked = look_around(
            self.model,
            [lesson.photo for lesson in samples],
            [lesson.boxes for lesson in samples],
            [lesson.labels for lesson in samples],
            [list(own) for own in taught],
        )
        found: dict[tuple[int, ...], list[tuple[Around, np.ndarray]]] = defaultdict(list)
        for lesson, items, own in zip(samples, looked, taught, strict=True):
            for item, further in zip(items, passed(lesson.boxes[own], lesson.insets[own]), strict=True):
                found[tuple(item.hints.shape)].append((item, further))
        return [
            BoxGroup(
                joined([item for item, _ in members]),
                torch.from_numpy(np.stack([further for _, further in members])).float(),
            )
            for members in found.values()
        ]

    def loss(self, module: nn.Module, batch: Sequence[BoxGroup]) -> Mapping[str, Tensor]:
        """Cross-entropy of every "further than", all alike."""
        if not batch:  # every object of every lesson only stands by
            return {"further": sum(parameter.sum() for parameter in module.parameters()) * 0}  # type: ignore[dict-item]
        losses = [
            functional.binary_cross_entropy_with_logits(module(group.objects), group.further, reduction="none")
            for group in batch
        ]
        return {"further": torch.cat([loss.flatten(1).mean(1) for loss in losses]).mean()}

    def metadata(self) -> dict[str, Any]:
        """What the run is made of."""
        return {**self.recipe, "shape": dict(self.shape)}


def passed(boxes: Float64[np.ndarray, "n 4"], insets: Float64[np.ndarray, "n 4"]) -> Bool[np.ndarray, "n 4 distances"]:
    """Which of `DISTANCES`, in longer sides of the visible box, each side of the whole box passes."""
    longer = (boxes[:, 2:] - boxes[:, :2]).max(1)
    further: np.ndarray = (insets / longer[:, None])[..., None] > np.array(DISTANCES)
    return further


def visible_lesson(lesson: Lesson) -> VisibleLesson:
    """The lesson by its visible boxes.

    A box is drawn in on each side by as much as the mask's box is when the hidden part is taken away: a side that
    nothing hides stays as the box was given, and has nowhere to go.
    """
    height, width = lesson.photo.shape[:2]
    # As in photos that people annotate, boxes end at the frame.
    boxes = np.clip(lesson.boxes, 0, [width, height, width, height])
    insets = np.full((len(boxes), 4), np.nan)
    for n, target in enumerate(lesson.targets):
        inset = None if target is None else _insets(target)
        if inset is None:
            continue
        drawn_in = boxes[n] + inset * [1, 1, -1, -1]
        if (drawn_in[2:] - drawn_in[:2] >= 1).all():
            boxes[n], insets[n] = drawn_in, inset
    keep = (boxes[:, 2:] - boxes[:, :2] >= 1).all(1)
    labels = tuple(label for label, kept in zip(lesson.labels, keep, strict=True) if kept)
    return VisibleLesson(lesson.photo, boxes[keep], labels, insets[keep])


def _insets(target: Target) -> Float64[np.ndarray, " 4"] | None:
    """How far the seen part's box lies inside the whole one's, on each side; None where nothing is seen."""
    if not target.seen.any():
        return None
    sides = []
    for axis in (0, 1):  # columns, then rows
        seen, whole = (np.flatnonzero(mask.any(axis)) for mask in (target.seen, target.whole))
        sides.append((seen[0] - whole[0], whole[-1] - seen[-1]))
    (left, right), (top, bottom) = sides
    return np.array([left, top, right, bottom], np.float64)
