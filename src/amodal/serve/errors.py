"""Why a request gets no scene, besides what is wrong with it."""

from __future__ import annotations

from amodal.errors import AmodalError


class Busy(AmodalError):
    """The queue is full; `seconds` until there is room again, as fast as it moves now."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"The queue is full; try again in {seconds} s.")
        self.seconds = seconds


class Late(AmodalError):
    """The answer took too long."""


class Stopping(AmodalError):
    """The server ends."""


class Gone(AmodalError):
    """The client went away before its answer was there."""
