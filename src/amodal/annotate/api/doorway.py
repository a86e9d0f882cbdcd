"""The page's files at once, everything else when it is there.

To import FastAPI and to make all routes takes about as long as a browser needs to begin the page; so both happen at the
same time.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from amodal.annotate.api.page import page_file
from amodal.annotate.api.place import Place
from amodal.http.headers import LOCAL_HOSTS, Guarded
from amodal.imports import without_collecting

if TYPE_CHECKING:
    from fastapi import FastAPI


def open_doorway(place: Place) -> Doorway:
    """The application over an open project, for a server that shall listen at once."""

    def make() -> FastAPI:
        with without_collecting():
            from amodal.annotate.api.app import create_app

            return create_app(place)

    return Doorway(make, local_only=place.mode == "one-person")


class Doorway:
    """An application that `make` makes in a thread; meanwhile the page's files are sent, and the API waits."""

    def __init__(self, make: Callable[[], FastAPI], *, local_only: bool) -> None:
        self._make = make
        self._hosts = LOCAL_HOSTS if local_only else None
        self._whole: asyncio.Task[FastAPI] | None = None
        self.failure: Exception | None = None
        """What `make` raised; the process was then told to end."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve."""
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        assert self._whole is not None  # noqa: S101 - servers begin with the lifespan
        page = None if self._whole.done() else _page_of(scope)
        if page is not None:
            await Guarded(page, self._hosts)(scope, receive, send)
        else:
            app = await asyncio.shield(self._whole)  # who goes away meanwhile must not end it for all
            await app(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        async with AsyncExitStack() as running:
            self._whole = asyncio.create_task(self._begun(running))
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await asyncio.wait([self._whole])
        await send({"type": "lifespan.shutdown.complete"})

    async def _begun(self, running: AsyncExitStack) -> FastAPI:
        try:
            app = await asyncio.to_thread(self._make)
            await running.enter_async_context(app.router.lifespan_context(app))
        except Exception as error:
            self.failure = error
            signal.raise_signal(signal.SIGTERM)  # a page that asks and is never answered is worse than none
            raise
        return app


def _page_of(scope: Scope) -> Response | None:
    """The file of the page that is asked for; None for what the whole application has to answer."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith("/api"):
        return None
    try:
        return page_file(scope["path"].removeprefix("/"))
    except HTTPException:
        return None
