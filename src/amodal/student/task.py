"""The student as a task for the one training loop: lessons to batches of one lattice shape, and the loss."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn
from torch.nn import functional

from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.features.lattice import Lattice, Shape
from amodal.methods.looking import Seen, look
from amodal.reasoning.evidence import Window
from amodal.student.config import Inputs
from amodal.student.hints import hints_of, told
from amodal.student.lessons import Lesson, Lessons, Target
from amodal.student.network import NetworkShape, StudentNetwork
from amodal.student.surroundings import INSIDE, OTHER_BOXES

_FORGOTTEN = 0.15  # labels that are hidden from the student, so that it knows what to do without
_DICE_WEIGHT = 0.5
CONTESTED = 3.0
"""What a position counts that lies in the box of another object too: there it is decided who is in front."""


@dataclass(frozen=True, eq=False)
class Group:
    """n objects of one lattice shape, as the network and the loss take them.

    `target` [n, 3, fine_rows, fine_cols]: share of F, O and C at each position. `sure` and `weight` [n, fine_rows,
    fine_cols]: how sure the target is, and what the position counts in the loss.
    """

    features: Tensor
    finer: tuple[Tensor, ...]
    hints: Float[Tensor, "n hints rows cols"]
    labels: Int[Tensor, " n"]
    target: Float[Tensor, "n 3 fine_rows fine_cols"]
    sure: Float[Tensor, "n fine_rows fine_cols"]
    weight: Float[Tensor, "n fine_rows fine_cols"]


@dataclass(frozen=True, eq=False)
class StudentTask:
    """Builds, draws and judges; the compositional model is frozen and not part of what is learned."""

    model: CompNet
    lessons: Lessons
    inputs: Inputs = field(default_factory=Inputs)
    shape: Mapping[str, Any] = field(default_factory=dict)
    recipe: Mapping[str, Any] = field(default_factory=dict)
    name: str = "student"

    def build(self) -> nn.Module:
        """A new network."""
        network = StudentNetwork(network_shape(self.model, **self.shape))
        return network.to(memory_format=torch.channels_last)

    def draw(self, index: int, rng: np.random.Generator) -> Lesson:
        """One lesson, with labels as the network shall be told them."""
        lesson = self.lessons(rng)
        names = tuple(AGNOSTIC if rng.random() < _FORGOTTEN else label for label in lesson.labels)
        return Lesson(lesson.photo, lesson.boxes, names, lesson.targets)

    def collate(self, samples: Sequence[Lesson]) -> list[Group]:
        """All taught objects of the lessons, after the backbone, grouped by lattice shape."""
        everything = look(
            self.model,
            [lesson.photo for lesson in samples],
            [lesson.boxes for lesson in samples],
            [lesson.labels for lesson in samples],
            finer=network_shape(self.model, **self.shape).strides,
        )
        found: dict[Shape, list[tuple[Seen, Tensor, int, Target]]] = defaultdict(list)
        for lesson, seen in zip(samples, everything, strict=True):
            hints = hints_of(self.model, seen)
            for item, hint, label, target in zip(seen, hints, lesson.labels, lesson.targets, strict=True):
                if target is not None:
                    number = label_number(self.model, label if self.inputs.label else AGNOSTIC)
                    found[item.lattice.shape].append((item, hint, number, target))
        fine = 2 ** len(network_shape(self.model, **self.shape).strides)
        return [_group(members, self.inputs, fine) for members in found.values()]

    def loss(self, module: nn.Module, batch: Sequence[Group]) -> Mapping[str, Tensor]:
        """Cross-entropy of F, O and C, and overlap of the visible and the whole mask; every object counts the same."""
        entropies, overlaps = [], []
        for group in batch:
            logits = module(group.features, group.finer, group.hints, group.labels)
            entropies.append(_entropy(logits, group))
            overlaps.append(_overlap(logits, group))
        return {"entropy": torch.cat(entropies).mean(), "overlap": _DICE_WEIGHT * torch.cat(overlaps).mean()}

    def metadata(self) -> dict[str, Any]:
        """What the run is made of."""
        return {**self.recipe, "inputs": vars(self.inputs), "shape": dict(self.shape)}


def network_shape(model: CompNet, **settings: Any) -> NetworkShape:
    """The shape of a student of this model."""
    backbone = model.backbone
    return NetworkShape(backbone.channels, backbone.finer_channels, len(model.labels) + 1, **settings)


def label_number(model: CompNet, label: str) -> int:
    """The place of a class in the student's embedding; 0 stands for any object."""
    return model.labels.index(label) + 1 if label in model.labels else 0


def batch_of(
    items: Sequence[tuple[Seen, Tensor, int]], inputs: Inputs
) -> tuple[Tensor, tuple[Tensor, ...], Tensor, Tensor]:
    """Objects of one lattice shape, as the network takes them and as precise as they came."""
    features = _stacked([seen.features.features for seen, _, _ in items])
    stages = zip(*(seen.features.finer for seen, _, _ in items), strict=True)
    finer = tuple(_stacked(stage) for stage in stages)
    hints = told(_stacked([hint for _, hint, _ in items]), inputs)
    return features, finer, hints, torch.tensor([number for _, _, number in items])


def _stacked(maps: Sequence[Tensor]) -> Tensor:
    """Stacked with channels last, as each lies in memory."""
    return torch.stack([item.movedim(0, -1) for item in maps]).movedim(-1, 1)


def _to_learn_from(values: Tensor) -> Tensor:
    # A copy, out of the backbone's inference mode.
    return values.float().clone(memory_format=torch.channels_last)


def _group(members: Sequence[tuple[Seen, Tensor, int, Target]], inputs: Inputs, fine: int) -> Group:
    features, finer, hints, labels = batch_of([(seen, hint, number) for seen, hint, number, _ in members], inputs)
    features, hints = _to_learn_from(features), _to_learn_from(hints)
    finer = tuple(_to_learn_from(stage) for stage in finer)
    truths = [on_lattice(target, seen.lattice, fine) for seen, _, _, target in members]
    target = torch.from_numpy(np.stack([truth for truth, _ in truths]))
    everything = torch.stack([hint for _, hint, _, _ in members])
    inside, others = (_finely(everything[:, channel], fine) for channel in (INSIDE, OTHER_BOXES))
    sure = torch.from_numpy(np.stack([sure for _, sure in truths])) * inside
    return Group(features, finer, hints, labels, target, sure, sure * (1 + (CONTESTED - 1) * others))


def _finely(cells: Float[Tensor, "n rows cols"], fine: int) -> Float[Tensor, "n fine_rows fine_cols"]:
    return cells.repeat_interleave(fine, 1).repeat_interleave(fine, 2)


def on_lattice(
    target: Target, lattice: Lattice, fine: int
) -> tuple[Float32[np.ndarray, "3 fine_rows fine_cols"], Float32[np.ndarray, "fine_rows fine_cols"]]:
    """Shares of F, O and C and the weight at every position of the lattice, padding included: exact averages.

    `fine`: positions along a side of a cell.
    """
    down, across, covered = _averaging(target.window, lattice, fine)
    seen = down @ target.seen.astype(np.float32) @ across
    whole = down @ target.whole.astype(np.float32) @ across
    weight = np.ones_like(seen)
    if target.weight is not None:
        weight = down @ target.weight @ across + (1 - covered)
    return np.stack([seen, whole - seen, 1 - whole]), weight


def _averaging(
    window: Window, lattice: Lattice, fine: int
) -> tuple[Float32[np.ndarray, "rows h"], Float32[np.ndarray, "w cols"], Float32[np.ndarray, "rows cols"]]:
    """Which share of a fine position each pixel of the window takes, as two factors; and what all of them take."""
    rows, cols = lattice.shape.padded
    left, top, right, bottom = lattice.padded_box
    down = _shares(np.linspace(top, bottom, fine * rows + 1), window[1], window[3])
    across = _shares(np.linspace(left, right, fine * cols + 1), window[0], window[2])
    return down, np.ascontiguousarray(across.T), np.outer(down.sum(1), across.sum(1))


def _shares(edges: np.ndarray, first: int, last: int) -> Float32[np.ndarray, "positions pixels"]:
    pixels = np.arange(first, last)
    overlap = np.minimum(edges[1:, None], pixels + 1) - np.maximum(edges[:-1, None], pixels)
    shares: np.ndarray = (overlap.clip(0) / np.diff(edges)[:, None]).astype(np.float32)
    return shares


def _entropy(logits: Tensor, group: Group) -> Float[Tensor, " n"]:
    each = -(group.target * functional.log_softmax(logits, 1)).sum(1) * group.weight
    return each.flatten(1).sum(1) / group.weight.flatten(1).sum(1).clamp_min(1)


def _overlap(logits: Tensor, group: Group) -> Float[Tensor, " n"]:
    """1 - soft IoU (Jaccard) of visible and whole mask."""
    share = torch.softmax(logits, 1)
    losses = []
    for parts in ((0,), (0, 1)):
        found, truth = share[:, parts].sum(1), group.target[:, parts].sum(1)
        common = (found * truth * group.weight).flatten(1).sum(1)
        either = ((found + truth - found * truth) * group.weight).flatten(1).sum(1)
        losses.append(1 - (common + 1) / (either + 1))
    return torch.stack(losses).mean(0)
