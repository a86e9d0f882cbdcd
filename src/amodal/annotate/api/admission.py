"""Who may upload is asked before the upload is read: FastAPI takes a body in first, and asks who sent it then."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from amodal.annotate.api.asking import allowed, here, whoever

UPLOADS = frozenset({"/api/photos", "/api/imports"})
"""Where large bodies are taken; nowhere else."""


class UploadRoute(APIRoute):
    """A route that experts and managers send files to."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """As others' handlers, with the question asked first."""
        handle = super().get_route_handler()

        async def admitted(request: Request) -> Response:
            await run_in_threadpool(_check, request)  # it reads the database
            return await handle(request)

        return admitted


def _check(request: Request) -> None:
    allowed("expert", "manager")(request, whoever(request, here(request)))
