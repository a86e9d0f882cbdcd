"""Before a request is read: may it, is there room; and afterwards: how did it go."""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amodal.errors import InputError
from amodal.http.problems import problem
from amodal.serve.line import Line
from amodal.serve.meters import Meters

TOKEN_VARIABLE = "AMODAL_TOKEN"  # noqa: S105 - where a token is looked for, not one
SEGMENT = "/v1/segment"
OPEN = frozenset({"/healthz", "/readyz"})  # what watches a server has no token
ROUTES = frozenset({SEGMENT, "/v1/models", "/metrics", "/openapi.json", *OPEN})
LEAST_TOKEN = 16
CLIENT_GONE = 499


@dataclass(frozen=True)
class Gate:
    """An application behind tokens (any of them; none for everybody), a full queue's refusal, and meters."""

    app: ASGIApp
    line: Line
    meters: Meters
    tokens: Sequence[str] = ()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse with 401 or 429 before anything is read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = time.perf_counter(), CLIENT_GONE

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await (self._refusal(scope) or self.app)(scope, receive, sending)
        except Exception:
            status = 500  # answered further out
            raise
        finally:
            route = scope["path"] if scope["path"] in ROUTES else "other"
            self.meters.answered(route, status, time.perf_counter() - started)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["path"] not in OPEN and not self._knows(dict(scope["headers"]).get(b"authorization", b"")):
            said = "This server asks for a token, as Authorization: Bearer TOKEN."
            return problem(401, said, headers={"WWW-Authenticate": "Bearer"})
        if scope["path"] == SEGMENT and scope["method"] == "POST" and self.line.is_full:
            busy = self.line.busy()
            return problem(429, str(busy), headers={"Retry-After": str(busy.seconds)})
        return None

    def _knows(self, authorization: bytes) -> bool:
        """Compared with each token to the end, so that time tells nothing."""
        kind, _, given = authorization.partition(b" ")
        matches = [hmac.compare_digest(given.strip(), token.encode()) for token in self.tokens]
        return not self.tokens or (any(matches) and kind.lower() == b"bearer")


def tokens_from(file: Path | None, environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """The tokens of a file, one a line, or the one in the environment; none where neither is.

    Raises:
        InputError: no such file, no token in it, or one that could be guessed.
    """
    where, text = TOKEN_VARIABLE, environment.get(TOKEN_VARIABLE, "")
    if file is not None:
        where = str(file)
        try:
            text = file.read_text("ascii")
        except (OSError, ValueError) as error:
            raise InputError(where, "--token-file", "cannot be read", "expected a text file of tokens") from error
    tokens = tuple(line.strip() for line in text.splitlines() if line.strip())
    if file is not None and not tokens:
        raise InputError(where, "--token-file", "is empty", "expected tokens, one a line")
    if any(len(token) < LEAST_TOKEN or not token.isascii() or " " in token for token in tokens):
        expected = f"expected at least {LEAST_TOKEN} ASCII characters without blanks, as `openssl rand -hex 24` prints"
        raise InputError(where, "token", "is too short or no token", expected)
    return tokens
