"""Cookies, CSRF tokens, and how often a log-in may be tried."""

from __future__ import annotations

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import Response

from amodal.annotate.api.problems import TooMany
from amodal.annotate.errors import Forbidden
from amodal.annotate.store.audit import note
from amodal.annotate.store.people import by_password

if TYPE_CHECKING:
    from amodal.annotate.api.place import Place

SESSION_COOKIE = "amodal_session"
VISITOR_COOKIE = "amodal_visitor"  # who has not logged in yet is protected too: a log-in is a write
CSRF_HEADER = "X-CSRF-Token"
_hashing = threading.Semaphore(4)  # a hash takes 64 MiB on purpose; many at once would take all of it
READING = frozenset({"GET", "HEAD", "OPTIONS"})


def set_cookie(request: Request, response: Response, name: str, value: str, seconds: int | None = None) -> None:
    """A cookie that scripts cannot read and other sites' pages do not send."""
    response.set_cookie(
        name, value, max_age=seconds, path="/", httponly=True, samesite="strict", secure=request.url.scheme == "https"
    )


def clear_cookie(response: Response, name: str) -> None:
    """Take it away."""
    response.delete_cookie(name, path="/", httponly=True, samesite="strict")


def new_token() -> str:
    """Something nobody can guess."""
    return secrets.token_urlsafe(24)


def check_csrf(request: Request, expected: str) -> None:
    """Refuse a write that no page of ours can have sent.

    Raises:
        Forbidden: without the right token, or sent by a page of another origin.
    """
    if request.method in READING:
        return
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower():
        raise Forbidden(f"a page of {origin[:100]} may not write here")
    given = request.headers.get(CSRF_HEADER, "")
    if not expected or not secrets.compare_digest(given.encode("utf-8", "replace"), expected.encode()):
        raise Forbidden(f"the header {CSRF_HEADER} is missing or old, expected the token that GET /api/session gives")


def proved(here: Place, request: Request, name: str, password: str) -> int | None:
    """The id of the active person of this name and password, None where they are wrong; failed ones are noted.

    Raises:
        TooMany: there were too many failed ones.
    """
    keys = (f"name {name.strip().lower()}", f"address {request.client.host if request.client else ''}")
    here.attempts.check(*keys)
    with _hashing, here.database.read() as session:
        found = by_password(session, name, password)
        id = None if found is None else found.id
    if id is not None:
        here.attempts.succeeded(keys[0])
        return id
    here.attempts.failed(*keys)
    with here.database.write() as session:
        note(session, None, "log-in refused", name)
    return None


@dataclass
class Attempts:
    """Failed log-ins by name and by address; too many of them, and one has to wait."""

    most: int = 10
    seconds: int = 300
    clock: Callable[[], float] = time.monotonic
    _failed: dict[str, deque[float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, *keys: str) -> None:
        """Refuse where there were too many.

        Raises:
            TooMany: that is so.
        """
        with self._lock:
            for key in keys:
                times = self._recent(key)
                if len(times) >= self.most:
                    wait = max(1, int(self.seconds - (self.clock() - times[0])))
                    raise TooMany(f"too many failed log-ins; try again in {wait} seconds", wait)

    def failed(self, *keys: str) -> None:
        """Note a failed one."""
        with self._lock:
            if len(self._failed) > 10_000:  # names are the asker's choice and could fill the memory
                self._failed = {key: self._failed[key] for key in list(self._failed) if self._recent(key)}
            for key in keys:
                self._recent(key).append(self.clock())

    def succeeded(self, key: str) -> None:
        """Forget the failed ones."""
        with self._lock:
            self._failed.pop(key, None)

    def _recent(self, key: str) -> deque[float]:
        times = self._failed.setdefault(key, deque(maxlen=self.most))
        while times and self.clock() - times[0] > self.seconds:
            times.popleft()
        return times
