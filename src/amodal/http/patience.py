"""Connections that end when the other side sends or reads too slowly: each would keep a place for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


class _Patient(H11Protocol):
    """uvicorn's protocol, which by itself waits without end for a request and for its answer to be read."""

    def __init__(self, *arguments: Any, seconds: float, **more: Any) -> None:
        super().__init__(*arguments, **more)
        self._seconds = seconds
        self._owed: asyncio.TimerHandle | None = None
        self._unread: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn's own
        super().connection_made(transport)
        self._expect_more()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.their_state in (h11.IDLE, h11.SEND_BODY):
            self._expect_more()
        else:
            self._owed = _cancelled(self._owed)

    def connection_lost(self, exc: Exception | None) -> None:
        self._owed, self._unread = _cancelled(self._owed), _cancelled(self._unread)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._unread is None:
            self._unread = self.loop.call_later(self._seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._unread = _cancelled(self._unread)
        super().resume_writing()

    def _expect_more(self) -> None:
        """A request must be whole so many seconds after its first byte; single bytes do not prolong it."""
        if self._owed is None:
            self._owed = self.loop.call_later(self._seconds, self.transport.abort)


def patient(seconds: float) -> Callable[..., asyncio.Protocol]:
    """The protocol for `uvicorn.Config(http=...)`: so long may a request take to come, and an answer to be read."""
    return partial(_Patient, seconds=seconds)


def _cancelled(timer: asyncio.TimerHandle | None) -> asyncio.TimerHandle | None:
    if timer is not None:
        timer.cancel()
    return None
