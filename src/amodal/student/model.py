"""A taught student: what it is made of, how it travels in the model file, and what it says of objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.features.crops import CHUNK
from amodal.features.lattice import Shape
from amodal.methods.looking import Seen
from amodal.student.hints import Inputs, hints_of
from amodal.student.network import StudentNetwork
from amodal.student.task import batch_of, label_number, network_shape


@dataclass(frozen=True, eq=False)
class Student:
    """A network, what it is told, and the temperature that makes its probabilities mean what they say."""

    network: StudentNetwork
    inputs: Inputs
    temperature: float = 1.0

    @torch.inference_mode()
    def posteriors(
        self, model: CompNet, seen: Sequence[Sequence[Seen]]
    ) -> list[list[Float32[np.ndarray, "3 fine_rows fine_cols"]]]:
        """P(seen), P(hidden), P(absent) of every object of every photo, several positions to a cell's side."""
        groups: dict[Shape, list[tuple[int, int]]] = defaultdict(list)
        hints = [hints_of(model, items, self.inputs) for items in seen]
        for p, items in enumerate(seen):
            for n, item in enumerate(items):
                groups[item.lattice.shape].append((p, n))
        found: dict[tuple[int, int], np.ndarray] = {}
        for keys in groups.values():
            for start in range(0, len(keys), CHUNK):
                chunk = keys[start : start + CHUNK]
                entries = [(seen[p][n], hints[p][n], self._number(model, seen[p][n].label)) for p, n in chunk]
                with torch.autocast("cpu", torch.bfloat16):
                    logits = self.network(*batch_of(entries))
                shares = torch.softmax(logits / self.temperature, 1).numpy()
                found.update(zip(chunk, shares, strict=True))
        return [[found[p, n] for n in range(len(items))] for p, items in enumerate(seen)]

    def _number(self, model: CompNet, label: str) -> int:
        return label_number(model, label if self.inputs.label else AGNOSTIC)
