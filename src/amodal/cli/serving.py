"""A server that says where it is, once it listens."""

from __future__ import annotations

import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from amodal.errors import InputError

if TYPE_CHECKING:
    from fastapi import FastAPI

GRACE_SECONDS = 10


def serve(app: FastAPI, host: str, port: int, *, certificate: Path | None = None, key: Path | None = None) -> None:
    """Serve until Ctrl-C; requests that run are ended first.

    Raises:
        InputError: the address is not ours or taken, or the certificate cannot be read.
    """
    import uvicorn

    for option, file in (("--certificate", certificate), ("--key", key)):
        if file is not None and not file.is_file():
            raise InputError("server", option, f"found no file {file}", "expected a PEM file")
    if not 0 <= port <= 65_535:
        raise InputError("server", "--port", f"found {port}", "expected 0 to 65535")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, port), family=family)
    except OSError as error:
        found = f"cannot listen at {host}:{port} ({error.strerror})"
        raise InputError("server", "--port", found, "expected a free one, as --port 0 finds it") from error
    config = uvicorn.Config(
        app,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
    )
    scheme = "http" if certificate is None else "https"
    print(f"open {scheme}://{_shown(host)}:{listening.getsockname()[1]} (Ctrl-C ends it)", flush=True)
    if certificate is None and host not in ("127.0.0.1", "localhost", "::1"):
        said = "warning: passwords go over the network unencrypted; use --certificate, or a proxy that does https"
        print(f"amodal: {said}", file=sys.stderr)
    with listening:
        uvicorn.Server(config).run(sockets=[listening])


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else "127.0.0.1" if host == "0.0.0.0" else host  # noqa: S104 - read, not bound
