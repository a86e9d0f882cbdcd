"""A server that says where it is, once it listens."""

from __future__ import annotations

import math
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from amodal.errors import InputError

if TYPE_CHECKING:
    from starlette.types import ASGIApp

GRACE_SECONDS = 10
CONNECTIONS = 512  # open at once, where nothing else is said
BACKLOG = 512  # connections that the system keeps until we take them


@dataclass(frozen=True)
class Manners:
    """How a server treats its clients.

    Attributes:
        grace_seconds: for running requests when it is told to stop.
        patience_seconds: for a request to come and an answer to be read; None for ever.
        most_connections: open at once; None for any number.
        private: what travels unencrypted without https; None for nothing that must be hidden.
        log_requests: a line on stderr for each.
    """

    grace_seconds: float = GRACE_SECONDS
    patience_seconds: float | None = None
    most_connections: int | None = None
    private: str | None = "passwords"
    log_requests: bool = False


USUAL = Manners()


def bind(host: str, port: int) -> socket.socket:
    """Take the address, before anything else costs time or is written; nobody is answered yet.

    Raises:
        InputError: it is not ours, or taken.
    """
    if not 0 <= port <= 65_535:
        raise InputError("server", "--port", f"found {port}", "expected 0 to 65535")
    address = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    address.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        address.bind((host, port))
    except OSError as error:
        address.close()
        raise _refused(host, port, error) from error
    return address


def serve(
    app: ASGIApp,
    address: socket.socket,
    host: str,
    *,
    certificate: Path | None = None,
    key: Path | None = None,
    manners: Manners = USUAL,
) -> None:
    """Serve until Ctrl-C or SIGTERM; requests that run are ended first. `address` is bound to `host`.

    Raises:
        InputError: somebody else took the address after all, or the certificate cannot be read.
    """
    import uvicorn

    from amodal.http.patience import patient

    for option, file in (("--certificate", certificate), ("--key", key)):
        if file is not None and not file.is_file():
            raise InputError("server", option, f"found no file {file}", "expected a PEM file")
    config = uvicorn.Config(
        cast(Any, app),  # uvicorn has types of its own for the same
        http="h11" if manners.patience_seconds is None else cast(Any, patient(manners.patience_seconds)),
        log_level="info" if manners.log_requests else "warning",
        access_log=manners.log_requests,
        server_header=False,
        limit_concurrency=manners.most_connections,
        timeout_graceful_shutdown=math.ceil(manners.grace_seconds),
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    scheme, port = "http" if certificate is None else "https", address.getsockname()[1]
    try:
        address.listen(BACKLOG)
    except OSError as error:
        raise _refused(host, port, error) from error
    print(f"open {scheme}://{_shown(host)}:{port} (Ctrl-C ends it)", flush=True)
    if certificate is None and manners.private is not None and not is_local(host):
        said = f"{manners.private} go over the network unencrypted; use --certificate, or a proxy that does https"
        print(f"amodal: warning: {said}", file=sys.stderr)
    with _ended_by_signals():
        uvicorn.Server(config).run(sockets=[address])


def is_local(host: str) -> bool:
    """Whether only this machine reaches that address."""
    return host in ("127.0.0.1", "localhost", "::1")


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM (containers) are good ends: uvicorn raises them again once all is done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ends = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(end, lambda _number, _frame: None) for end in ends]
    try:
        yield
    finally:
        for end, handler in zip(ends, before, strict=True):
            signal.signal(end, handler)


def _refused(host: str, port: int, error: OSError) -> InputError:
    found = f"cannot listen at {host}:{port} ({error.strerror})"
    return InputError("server", "--port", found, "expected a free one, as --port 0 finds it")


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - read, not bound
