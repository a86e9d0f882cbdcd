"""The address that a command serves at."""

from __future__ import annotations

import socket
from contextlib import closing

import pytest

from amodal.cli.serving import bind
from amodal.errors import InputError


@pytest.mark.parametrize("port", [-1, 65_536])
def test_a_port_that_is_none_is_refused(port: int) -> None:
    with pytest.raises(InputError, match="expected 0 to 65535"):
        bind("127.0.0.1", port)


def test_a_port_in_use_is_refused_in_words() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(InputError, match=f"cannot listen at 127.0.0.1:{port} .*--port 0 finds it"):
            bind("127.0.0.1", port)


def test_nobody_is_answered_before_the_server_is_there() -> None:
    with bind("127.0.0.1", 0) as address, pytest.raises(ConnectionRefusedError):
        socket.create_connection(address.getsockname(), timeout=5)
