"""The bench on which learning keeps its finished stages, so that a run stopped at any moment goes on where it was."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from amodal.data.write import make_folder, write_bytes_atomically

Tensors = dict[str, Tensor]


@dataclass(frozen=True)
class Workshop:
    """A folder of finished stages, or none at all (then every stage is computed)."""

    folder: Path | None
    recipe: str
    """Names what the stages are made from; a stage of another recipe is never used."""

    @classmethod
    def of(cls, folder: Path | None, ingredients: Mapping[str, Any]) -> Workshop:
        """The recipe is a hash of everything that the stages depend on."""
        if folder is not None:
            make_folder(folder)
        text = json.dumps(ingredients, sort_keys=True, default=str)
        return cls(folder, hashlib.sha256(text.encode()).hexdigest()[:16])

    def stage(self, name: str, compute: Callable[[], Tensors]) -> Tensors:
        """The stage's tensors: read if it was finished before, else computed and kept.

        Either way they lie in memory alike, so that a resumed run gives the same bits as an uninterrupted one.
        """
        if self.folder is None:
            return _laid_out(compute())
        path = self.folder / f"{name}-{self.recipe}.safetensors"
        if path.is_file():
            try:
                return _laid_out(load_file(path))
            except SafetensorError:  # written by an interrupted disk, not by us: make it again
                path.unlink()
        tensors = _laid_out(compute())
        write_bytes_atomically(path, save(tensors))
        return tensors


def _laid_out(tensors: Tensors) -> Tensors:
    """Contiguous, each in memory of its own (a tensor read from a file begins anywhere, and sums are split by that)."""
    return {key: tensor.detach().clone(memory_format=torch.contiguous_format) for key, tensor in tensors.items()}
