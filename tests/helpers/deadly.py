"""What kills the process that touches it; here, where the processes of a cluster find it by name."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from amodal.errors import InputError
from amodal.scale.jobs import PhotoJob
from amodal.scale.sources import Photos


class Deadly:
    """A photo whose reading kills the process, as a fault in a decoder would."""

    def read(self) -> bytes:
        kill_me()
        raise AssertionError


@dataclass(frozen=True, eq=False)
class WithDeadly(Photos):
    """A source in which one photo kills."""

    number: int = 4

    def __iter__(self) -> Iterator[PhotoJob]:
        for number, job in enumerate(super().__iter__()):
            yield replace(job, place=Deadly()) if number == self.number else job


def kill_me() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_by_all() -> Callable[[int], int]:
    return _killed


def _killed(_item: int) -> int:
    kill_me()
    raise AssertionError


def refused_by_all() -> Callable[[int], int]:
    return _refused


def _refused(item: int) -> int:
    raise InputError(f"photo {item}", "size", "too large")
