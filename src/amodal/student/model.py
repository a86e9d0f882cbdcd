"""A taught student: what it is made of, how it travels in the model file, and what it says of objects."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32
from torch import Tensor

from amodal.compnet.model import AGNOSTIC, CompNet, Extension
from amodal.errors import InputError
from amodal.features.chunks import CHUNK
from amodal.features.lattice import Shape
from amodal.methods.looking import Seen
from amodal.student.config import Inputs
from amodal.student.hints import hints_of
from amodal.student.network import StudentNetwork, strides_of
from amodal.student.task import batch_of, label_number, network_shape
from amodal.training.files import read_network

EXTENSION = "student"
"""Its name in the model file."""


@dataclass(frozen=True, eq=False)
class Student:
    """A network, what it is told, and the temperature that makes its probabilities mean what they say.

    `shape`: settings of the network's shape, those of `NetworkShape` that are not the backbone's.
    """

    network: StudentNetwork
    inputs: Inputs
    shape: Mapping[str, Any]
    temperature: float = 1.0

    @property
    def finer(self) -> tuple[int, ...]:
        """Strides of the backbone's stages that it looks at, beside 16."""
        return strides_of(self.shape["widths"])

    @torch.inference_mode()
    def posteriors(
        self, model: CompNet, seen: Sequence[Sequence[Seen]]
    ) -> list[list[Float32[np.ndarray, "3 fine_rows fine_cols"]]]:
        """P(seen), P(hidden), P(absent) of every object of every photo, several positions to a cell's side."""
        groups: dict[Shape, list[tuple[int, int]]] = defaultdict(list)
        hints = [hints_of(model, items) for items in seen]
        for p, items in enumerate(seen):
            for n, item in enumerate(items):
                groups[item.lattice.shape].append((p, n))
        found: dict[tuple[int, int], np.ndarray] = {}
        for keys in groups.values():
            for start in range(0, len(keys), CHUNK):
                chunk = keys[start : start + CHUNK]
                entries = [(seen[p][n], hints[p][n], self._number(model, seen[p][n].label)) for p, n in chunk]
                logits = self.logits(*batch_of(entries, self.inputs))
                shares = torch.softmax(logits / self.temperature, 1).numpy()
                found.update(zip(chunk, shares, strict=True))
        return [[found[p, n] for n in range(len(items))] for p, items in enumerate(seen)]

    @torch.inference_mode()
    def logits(self, features: Tensor, finer: Sequence[Tensor], hints: Tensor, labels: Tensor) -> Tensor:
        """The network's, before the temperature; arguments as its own."""
        found: Tensor = self._fast(features, finer, hints, labels)
        return found

    @cached_property
    def _fast(self) -> StudentNetwork:
        """The network in bfloat16, like the backbone's passes: cast once, where autocast would at every call."""
        with torch.inference_mode(False):
            return deepcopy(self.network).to(torch.bfloat16)

    def _number(self, model: CompNet, label: str) -> int:
        return label_number(model, label if self.inputs.label else AGNOSTIC)


def student_in(model: CompNet) -> Student | None:
    """The student that travels with a model, if one does.

    Raises:
        InputError: its weights do not fit.
    """
    extension = model.extensions.get(EXTENSION)
    if extension is None:
        return None
    settings = extension.settings
    try:
        inputs = Inputs(**settings["inputs"])
        return _built(model, extension.tensors, inputs, settings["shape"], float(settings["temperature"]))
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        expected = "expected what `amodal learn --student` writes"
        raise InputError("model", EXTENSION, f"lacks or garbles {error}", expected) from error


def trained_student(model: CompNet, path: Path) -> Student:
    """The student that the training loop wrote."""
    file = read_network(path, EXTENSION)
    return _built(model, file.tensors, Inputs(**file.metadata["inputs"]), file.metadata["shape"], 1.0)


def as_extension(student: Student, about: Mapping[str, Any]) -> Extension:
    """The student as a part of a model file; `about`: JSON values on how it was taught."""
    settings = {
        "inputs": asdict(student.inputs),
        "shape": dict(student.shape),
        "temperature": student.temperature,
        "about": dict(about),
    }
    return Extension(settings, student.network.state_dict())


def _built(
    model: CompNet, tensors: Mapping[str, Tensor], inputs: Inputs, shape: Mapping[str, Any], temperature: float
) -> Student:
    if not 0 < temperature < float("inf"):
        raise ValueError(f"temperature {temperature}, expected a positive number")
    network = StudentNetwork(network_shape(model, **shape))
    network.load_state_dict(dict(tensors))
    network.eval().to(memory_format=torch.channels_last)
    return Student(network, inputs, shape, temperature)
