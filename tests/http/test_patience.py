"""Connections whose other side does not read."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("uvicorn", reason="no extra that serves is installed")

import uvicorn

from amodal.http.patience import patient

LENGTH = 30_000_000  # more than the system keeps for a connection
SECONDS = 0.5


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """Of a server that answers everything with many bytes."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        headers = [(b"content-length", str(LENGTH).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": bytes(LENGTH)})

    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, http=patient(SECONDS), lifespan="off", log_level="error")  # type: ignore[arg-type]
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()


def read(port: int, first_after: float) -> int:
    """How many bytes come to a client that begins to read that late."""
    total = 0
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
        time.sleep(first_after)
        with contextlib.suppress(ConnectionResetError):
            while part := connection.recv(2**20):
                total += len(part)
    return total


def test_an_answer_that_is_read_comes_whole(port: int) -> None:
    assert read(port, 0) >= LENGTH


def test_an_answer_that_nobody_reads_is_given_up(port: int) -> None:
    assert read(port, 4 * SECONDS) < LENGTH
