"""Headers of every answer, and the hosts that are answered at all."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from amodal.http.problems import problem

# Konva and React set styles from scripts, which needs no 'unsafe-inline'; pictures drawn in the page are blobs.
POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)
SAFE = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
LOCAL_HOSTS = frozenset({"127.0.0.1", "localhost", "[::1]"})


@dataclass(frozen=True)
class Guarded:
    """An application whose answers carry those headers. `hosts`: names it answers to; None for all.

    A page elsewhere can give its own name our address (DNS rebinding), and would then be of our origin: without log-in
    only our own names are answered.
    """

    app: ASGIApp
    hosts: frozenset[str] | None = None
    uncached: str = "/api/"  # below this path no answer is kept by anybody

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve with headers."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in SAFE.items():
                    headers[name] = value
                if scope["path"].startswith(self.uncached):
                    headers.setdefault("Cache-Control", "no-store")
            await send(message)

        host = dict(scope["headers"]).get(b"host", b"").decode("latin-1").lower()
        if self.hosts is not None and _name_of(host) not in self.hosts:
            said = "This server answers to 127.0.0.1 and localhost only; use one of them in the address."
            await problem(403, said)(scope, receive, sending)
            return
        await self.app(scope, receive, sending)


def _name_of(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
