"""Between host and device: the only place where one waits for the other."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor


class Wire:
    """To a device and back.

    Attributes:
        device: of torch's.
        waits: how often the host has waited for the device so far.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.waits = 0

    def at_work(self) -> AbstractContextManager[object]:
        """Whatever is not told where to be is on this device, as long as this lasts."""
        return torch.cuda.device(self.device) if self.device.type == "cuda" else nullcontext()

    def up(self, array: np.ndarray) -> Tensor:
        """An array on the device; on a GPU nobody waits until it is there."""
        tensor = torch.from_numpy(np.ascontiguousarray(array))
        if self.device.type != "cuda":
            return tensor.to(self.device)
        return tensor.pin_memory().to(self.device, non_blocking=True)  # from pageable memory it would wait

    def down(self, *tensors: Tensor) -> list[np.ndarray]:
        """Tensors as arrays, all in one go: the host waits once, for all that was asked of the device before."""
        self.waits += 1
        if self.device.type != "cuda":
            return [tensor.cpu().numpy() for tensor in tensors]
        arrived = [torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True) for tensor in tensors]
        for place, tensor in zip(arrived, tensors, strict=True):
            place.copy_(tensor, non_blocking=True)
        torch.cuda.current_stream(self.device).synchronize()
        return [place.numpy() for place in arrived]
