"""One process or several started by torchrun: the same gradient either way, and only the first one writes."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, fields, is_dataclass
from datetime import timedelta
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel
from torchvision.models.detection.image_list import ImageList

from amodal.errors import AmodalError, InputError

Judge = Callable[[Any], Mapping[str, Tensor]]  # a batch to the parts of its loss
_PATIENCE = timedelta(hours=2)  # the others wait while the first one looks at its validation photos


@dataclass(frozen=True)
class Processes:
    """Which of how many this one is, and where it computes."""

    rank: int
    count: int
    device: torch.device

    @property
    def is_first(self) -> bool:
        """The one that writes and tells of its progress."""
        return self.rank == 0

    def judge(self, module: nn.Module, loss: Callable[[nn.Module, Any], Mapping[str, Tensor]]) -> Judge:
        """The loss of a batch, whose gradient is that of all processes' batches together."""
        if self.count == 1:
            return lambda batch: loss(module, batch)
        # A part of the network that a batch has no use for, say masks where no object is, has no gradient there.
        return DistributedDataParallel(_Judged(module, loss), find_unused_parameters=True)

    def all_agree(self, fine: bool) -> bool:
        """Whether it is so in every process."""
        if self.count == 1:
            return fine
        said = torch.tensor([float(fine)], device=self.device)
        distributed.all_reduce(said, distributed.ReduceOp.MIN)
        return bool(said.item())

    def mean(self, values: Mapping[str, float]) -> dict[str, float]:
        """The mean over all processes, by name."""
        if self.count == 1:
            return dict(values)
        names = sorted(values)
        said = torch.tensor([values[name] for name in names], dtype=torch.float64, device=self.device)
        distributed.all_reduce(said)
        means = dict(zip(names, (said / self.count).tolist(), strict=True))
        return {name: means[name] for name in values}

    def wait(self) -> None:
        """Until all are here."""
        if self.count > 1:
            distributed.barrier()


def is_first_process() -> bool:
    """Whether this process is alone, or the first that torchrun started."""
    return _told("RANK", 0) == 0


@contextmanager
def joined(device: str) -> Iterator[Processes]:
    """This process among those that torchrun started, if it did; they are parted at the end.

    `device`: "cpu", "cuda", or "auto" for a GPU where there is one.

    Raises:
        InputError: there is no such device, or the environment does not say which of the processes this is.
    """
    rank, count = _told("RANK", 0), _told("WORLD_SIZE", 1)
    chosen = _device(device)
    if count == 1:
        yield Processes(0, 1, chosen)
        return
    if chosen.type == "cuda":
        chosen = torch.device("cuda", _told("LOCAL_RANK", 0))
        torch.cuda.set_device(chosen)
    distributed.init_process_group("nccl" if chosen.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Processes(rank, count, chosen)
    finally:
        distributed.destroy_process_group()


def without_exchange(judge: Judge, *, last: bool) -> AbstractContextManager[None]:
    """Gradients of all parts of a step but the last are added up where they are."""
    if isinstance(judge, DistributedDataParallel) and not last:
        return judge.no_sync()
    return nullcontext()


def moved(value: Any, device: torch.device) -> Any:
    """A batch with all its tensors on the device; what is on it already stays."""
    if device.type == "cpu":
        return value
    if isinstance(value, Tensor):
        return value.to(device, non_blocking=True)
    if isinstance(value, ImageList):
        return ImageList(moved(value.tensors, device), value.image_sizes)
    if is_dataclass(value) and not isinstance(value, type):
        return type(value)(**{one.name: moved(getattr(value, one.name), device) for one in fields(value)})
    if isinstance(value, Mapping):
        return {key: moved(one, device) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(moved(one, device) for one in value)
    return value


def share_of(processes: Processes, batch: int, accumulate: int) -> int:
    """Samples of one part of one process's step.

    Raises:
        AmodalError: the batch cannot be shared out evenly.
    """
    parts = processes.count * accumulate
    if batch % parts:
        said = f"{processes.count} processes in {accumulate} parts each"
        raise AmodalError(f"train: batch {batch} cannot be shared among {said}; expected a multiple of {parts}")
    return batch // parts


class _Judged(nn.Module):
    """Network and loss as one module, as DistributedDataParallel wants it."""

    def __init__(self, module: nn.Module, loss: Callable[[nn.Module, Any], Mapping[str, Tensor]]) -> None:
        super().__init__()
        self.module, self.loss = module, loss

    def forward(self, batch: Any) -> dict[str, Tensor]:
        return dict(self.loss(self.module, batch))


def _told(name: str, default: int) -> int:
    """A number that torchrun puts into the environment."""
    said = os.environ.get(name, str(default))
    if not said.isdecimal():
        raise InputError("environment", name, f"is {said!r}", "expected a number, as torchrun sets it, or none")
    return int(said)


def _device(name: str) -> torch.device:
    if name not in ("auto", "cpu", "cuda"):
        raise InputError("train", "device", f"found {name!r}", "expected auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError("train", "device", "found no GPU", "expected one that torch can use, or --device cpu")
    chosen = torch.cuda.is_available() if name == "auto" else name == "cuda"
    return torch.device("cuda" if chosen else "cpu")
