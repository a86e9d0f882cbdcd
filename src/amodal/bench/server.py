"""A server of this program in a process of its own, and a client that keeps its connection."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from importlib.util import find_spec
from typing import Any

from amodal.bench.timing import Skipped
from amodal.errors import AmodalError


@contextmanager
def running(*command: str) -> Iterator[int]:
    """`amodal` with these words, which serve on a port that is free; the port, once it listens.

    Raises:
        AmodalError: it ended before it listened; what it said stands on stderr.
    """
    words = [sys.executable, "-m", "amodal", *command, "--port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        try:
            said = "" if process.stdout is None else process.stdout.readline()
            port = re.search(r":(\d+) ", said)
            if port is None:
                raise AmodalError(f"amodal {command[0]} ended before it listened")
            yield int(port[1])
        finally:
            process.terminate()


def need(extra: str, *modules: str) -> None:
    """Raises `Skipped` where what an extra brings is missing."""
    missing = [name for name in modules if find_spec(name) is None]
    if missing:
        raise Skipped(f"{', '.join(missing)} not installed: pip install 'amodal[{extra}]'")


@dataclass
class Client:
    """One connection to 127.0.0.1, with the cookies it was given."""

    port: int
    headers: dict[str, str] = field(default_factory=dict)
    cookies: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._server = HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, method: str, path: str, content: Any = None) -> Any:
        """The JSON answer to JSON, or to nothing."""
        body = None if content is None else json.dumps(content).encode()
        return json.loads(self.send(method, path, body, {"Content-Type": "application/json"}))

    def send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        """The whole answer.

        Raises:
            AmodalError: it is a refusal.
        """
        sent = {**self.headers, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._server.request(method, path, body, sent)
        answer = self._server.getresponse()
        content = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value.strip('"')
        if answer.status >= 400:
            raise AmodalError(f"{method} {path}: {answer.status} {content[:300].decode(errors='replace')}")
        return content

    def close(self) -> None:
        """Let go of the connection."""
        self._server.close()
