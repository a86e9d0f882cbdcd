"""Who asks, and whether they may: what routes take as their first parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Request

from amodal.annotate.api.schemas import Role


@dataclass(frozen=True)
class Asker:
    """The person behind a request."""

    id: int
    name: str
    roles: frozenset[Role]


def here(request: Request) -> Any:
    """The project behind the application."""
    return request.app.state.here


def asker(request: Request) -> Asker:
    raise NotImplementedError


Here = Annotated[Any, Depends(here)]
Anyone = Expert = Annotator = Manager = Worker = Overseer = Annotated[Asker, Depends(asker)]
