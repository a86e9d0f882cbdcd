"""What is looked at while a network trains: numbers and pictures of a Watch, and the log for tensorboard."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import UInt8
from PIL import Image
from torch import nn

from amodal.data.write import make_folder, write_bytes_atomically, write_text_atomically
from amodal.errors import AmodalError

Log = Callable[[int, Mapping[str, float]], None]


@dataclass(frozen=True, eq=False)
class Observation:
    """What a Watch saw: numbers by name, and pictures by the name of their file, without suffix."""

    numbers: Mapping[str, float]
    pictures: Mapping[str, UInt8[np.ndarray, "h w 3"]] = field(default_factory=dict)


class Watch(Protocol):
    """Looks at a network from time to time; what it does changes nothing in the training."""

    @property
    def every(self) -> int:
        """Steps between looks; it also looks at the end."""

    def __call__(self, module: nn.Module, device: torch.device) -> Observation:
        """Look at the network, which is in evaluation mode and without gradients."""


def observe(watch: Watch, module: nn.Module, device: torch.device) -> Observation:
    """What the watch sees; the network's parts are left in the modes that they were in."""
    modes = {part: part.training for part in module.modules()}
    module.eval()
    try:
        with torch.no_grad():
            return watch(module, device)
    finally:
        for part, mode in modes.items():
            part.training = mode


def write_observation(folder: Path, step: int, seen: Observation, curve: Sequence[Mapping[str, Any]]) -> None:
    """`curve.json` with all looks so far, and the pictures of this one in a folder of their own."""
    make_folder(folder)
    write_text_atomically(folder / "curve.json", json.dumps(list(curve), indent=1) + "\n")
    if seen.pictures:
        own = make_folder(folder / f"step_{step:06d}")
        for name, picture in seen.pictures.items():
            stream = io.BytesIO()
            Image.fromarray(picture).save(stream, "JPEG", quality=88)
            write_bytes_atomically(own / f"{name}.jpg", stream.getvalue())


def plain(numbers: Mapping[str, float]) -> dict[str, float | None]:
    """For JSON, which has no word for what is no number."""
    return {name: round(value, 4) if math.isfinite(value) else None for name, value in numbers.items()}


@contextmanager
def logging_to(folder: Path | None, first_step: int) -> Iterator[Log]:
    """A function that writes numbers of a step where tensorboard finds them; does nothing without a folder.

    Steps from `first_step` on that an earlier, killed run wrote are taken back.

    Raises:
        AmodalError: tensorboard is not installed.
    """
    if folder is None:
        yield lambda step, numbers: None
        return
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise AmodalError("--log needs tensorboard: pip install 'amodal[train]'") from error
    writer: Any = SummaryWriter(str(make_folder(folder)), purge_step=first_step or None)

    def log(step: int, numbers: Mapping[str, float]) -> None:
        for name, value in numbers.items():
            writer.add_scalar(name, value, step)

    try:
        yield log
    finally:
        writer.close()
