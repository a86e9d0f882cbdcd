"""How much a request may bring: bytes of its body, the time it takes to come, and how deep its JSON goes."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amodal.errors import size_in_words
from amodal.http.problems import problem

MAX_DEPTH = 32
# Possessive, and content with a string that never ends: no text makes it look at a character twice.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Limited:
    """An application whose bodies have limits. What goes over them is refused before anything parses it."""

    app: ASGIApp
    max_json_bytes: int = 16 * 2**20
    max_upload_bytes: int = 2**30
    upload_paths: frozenset[str] | None = None
    """Where multipart may bring so much; None for everywhere."""
    body_seconds: float | None = None
    """How long a body may take to come; None for as long as it likes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse with 413, 408 or 400."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        if self.body_seconds is not None:
            receive = _in_time(receive, self.body_seconds)
        headers = dict(scope["headers"])
        is_upload = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
        is_upload = is_upload and (self.upload_paths is None or scope["path"] in self.upload_paths)
        limit = self.max_upload_bytes if is_upload else self.max_json_bytes
        said = headers.get(b"content-length", b"0")
        if not said.isdigit() or int(said) > limit:
            await problem(413, _too_large(limit))(scope, receive, send)
        elif is_upload:
            await self.app(scope, _counted(receive, limit), send)
        else:
            await self._checked(scope, receive, send)

    async def _checked(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = bytearray()
        message: Message = {"more_body": True}
        while message.get("more_body", False):
            try:
                message = await receive()
            except HTTPException as error:  # here nobody else would answer it
                await problem(error.status_code, error.detail, headers=error.headers)(scope, receive, send)
                return
            if message["type"] != "http.request":
                return  # the other side has gone
            body += message.get("body", b"")
            if len(body) > self.max_json_bytes:
                await problem(413, _too_large(self.max_json_bytes))(scope, receive, send)
                return
        if is_deeper(bytes(body), MAX_DEPTH):
            said = f"The body is nested more than {MAX_DEPTH} levels deep, expected plain values."
            await problem(400, said)(scope, receive, send)
            return
        given = False

        async def again() -> Message:
            nonlocal given
            if given:
                return await receive()
            given = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, again, send)


def is_deeper(text: bytes, levels: int) -> bool:
    """Whether JSON is nested deeper than that; brackets in strings do not count."""
    depth = 0
    for token in _TOKENS.finditer(text):
        first = text[token.start()]
        if first in b"[{":
            depth += 1
            if depth > levels:
                return True
        elif first in b"]}":
            depth -= 1
    return False


def _counted(receive: Receive, limit: int) -> Receive:
    seen = 0

    async def counting() -> Message:
        nonlocal seen
        message = await receive()
        seen += len(message.get("body", b""))
        if seen > limit:
            raise HTTPException(413, _too_large(limit))
        return message

    return counting


def _in_time(receive: Receive, seconds: float) -> Receive:
    """What comes, until the body is whole; then waiting, for the other side to go, may last."""
    ends = asyncio.get_running_loop().time() + seconds
    is_whole = False

    async def receiving() -> Message:
        nonlocal is_whole
        if is_whole:
            return await receive()
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            said = f"What was sent did not come whole within {seconds:g} s."
            raise HTTPException(408, said, {"Connection": "close"}) from None
        is_whole = not message.get("more_body", False)
        return message

    return receiving


def _too_large(limit: int) -> str:
    return f"What was sent is too large, expected at most {size_in_words(limit)}."
