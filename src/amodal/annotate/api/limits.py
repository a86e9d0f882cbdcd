"""How much a request may bring: bytes of its body, and how deep its JSON goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amodal.annotate.api.problems import problem

MAX_DEPTH = 32
# Possessive, and content with a string that never ends: no text makes it look at a character twice.
_TOKENS = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


@dataclass(frozen=True)
class Limited:
    """An application whose bodies have limits. What goes over them is refused before anything parses it."""

    app: ASGIApp
    max_json_bytes: int = 16 * 2**20
    max_upload_bytes: int = 2**30

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve, or refuse with 413 or 400."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self.app(scope, receive, send)
            return
        headers = dict(scope["headers"])
        is_upload = headers.get(b"content-type", b"").lower().startswith(b"multipart/form-data")
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
            message = await receive()
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


def _too_large(limit: int) -> str:
    return f"What was sent is too large, expected at most {limit:,} bytes."
