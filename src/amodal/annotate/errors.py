"""What the app refuses, and why; the API makes 404, 403, 409 and 422 of these."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from amodal.errors import AmodalError

Document = dict[str, Any]
"""Plain JSON values that describe one thing whole."""


@dataclass(frozen=True)
class Draft:
    """What somebody wanted to write and could not; it is kept as a refused revision."""

    kind: str
    subject: int
    version: int
    author: int | None
    payload: Mapping[str, Any]


class AnnotateError(AmodalError):
    """Something that was asked for is refused; `field` names what was wrong with it, `draft` is not to be lost."""

    def __init__(self, message: str, field: str = "", draft: Draft | None = None) -> None:
        super().__init__(message)
        self.message, self.field, self.draft = message, field, draft


class Missing(AnnotateError):
    """There is no such thing, or it was deleted."""


class Forbidden(AnnotateError):
    """There is such a thing, but not for this person."""


class Invalid(AnnotateError):
    """What was handed in cannot be: says what was found and what was expected."""


class Conflict(AnnotateError):
    """Somebody else wrote first. `current` is what stands there now."""

    def __init__(self, message: str, current: Document, draft: Draft | None = None) -> None:
        super().__init__(message, "version", draft)
        self.current = current
