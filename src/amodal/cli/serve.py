"""`amodal serve`: a method as an HTTP service."""

from __future__ import annotations

import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from amodal.cli.exits import DONE
from amodal.cli.serving import Manners, bind, is_local, serve
from amodal.errors import InputError

if TYPE_CHECKING:
    from amodal.serve.model import Served


@dataclass(frozen=True)
class Serve:
    """Answer POST /v1/segment: a photo and boxes in, whole and visible masks and their order out, as COCO JSON.

    Requests that come together are worked on together. When the queue is full, clients are told when to come again
    (429, Retry-After). Beside it: /v1/models, /healthz, /readyz, /metrics (Prometheus), /openapi.json.
    Ctrl-C or SIGTERM: takes no more, ends what is under way, exit code 0.

    Example: amodal serve --port 8080
    then: curl -F photo=@street.jpg -F 'boxes=[{"box": [153, 113, 457, 339], "class": "bus"}]'
    http://127.0.0.1:8080/v1/segment
    """

    model: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "default"
    """The shipped model, or a .safetensors file made by amodal learn or amodal train."""
    method: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the model's best)")] = (
        None
    )
    """See amodal predict."""
    refine: Annotated[
        Literal["none", "guided", "grabcut"] | None,
        tyro.conf.arg(metavar="none|guided|grabcut", help_behavior_hint="(default: the method's own)"),
    ] = None
    """Fit the masks to the photo's edges."""
    device: Annotated[str, tyro.conf.arg(metavar="cpu|cuda|auto")] = "cpu"
    """See amodal predict: cuda for method orm with --refine none; then --batch-photos 32, say."""
    detector: Annotated[str, tyro.conf.arg(metavar="default|none|NAME|FILE")] = "default"
    """Finds the objects of photos that come without boxes; none: boxes must come with every photo."""
    host: Annotated[str, tyro.conf.arg(metavar="NAME")] = "127.0.0.1"
    """Another address of this machine, as 0.0.0.0 for all; then with --token-file, please."""
    port: Annotated[int, tyro.conf.arg(metavar="INT")] = 8080
    """0 takes any that is free."""
    token_file: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Answer only to Authorization: Bearer TOKEN, for a token of this file, one a line; or the one in the environment
    variable AMODAL_TOKEN. /healthz and /readyz stay open."""
    certificate: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Serve https with this certificate (PEM), its key in the same file or in --key."""
    key: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """The certificate's key."""
    batch_photos: Annotated[int, tyro.conf.arg(metavar="INT")] = 4
    """Photos that the model is given at once: more for a GPU, fewer where every answer is urgent."""
    wait_ms: Annotated[float, tyro.conf.arg(metavar="MS")] = 5.0
    """How long a batch waits for requests that are on their way; a single client never waits."""
    queue_photos: Annotated[int, tyro.conf.arg(metavar="INT")] = 32
    """Photos that may wait or be at work; the next is refused."""
    timeout_seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 60.0
    """For an answer, from the moment its request is here; then 504."""
    body_seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 20.0
    """For a request to come whole; then 408."""
    grace_seconds: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 30.0
    """For what is under way when the server is told to stop."""
    max_mb: Annotated[float, tyro.conf.arg(metavar="MB")] = 20.0
    """Largest request."""
    max_megapixels: Annotated[float, tyro.conf.arg(metavar="MP")] = 24.0
    """Largest photo, judged before it is decoded."""
    max_boxes: Annotated[int, tyro.conf.arg(metavar="INT")] = 200
    """Most boxes of a photo."""
    log_requests: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """A line on stderr for every request."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        _check_installed()
        with bind(self.host, self.port) as address:
            self._serve(address)
        return DONE

    def _serve(self, address: socket.socket) -> None:
        from amodal.serve.app import create_app
        from amodal.serve.gate import tokens_from
        from amodal.serve.settings import Settings
        from amodal.threads import ModelThread

        asked = {name: getattr(self, name) for name in Settings.__dataclass_fields__ if hasattr(self, name)}
        settings = Settings(**asked)
        tokens = tokens_from(self.token_file)
        thread = ModelThread()
        served = thread.submit(self._loaded, settings.max_object_megapixels).result()
        local = is_local(self.host)
        if not tokens and not local:
            said = f"whoever reaches {self.host}:{self.port} can use this; --token-file asks for a token"
            print(f"amodal: warning: {said}", file=sys.stderr)
        app = create_app(served, settings, tokens=tokens, local_only=local and not tokens, thread=thread)
        manners = Manners(
            grace_seconds=settings.grace_seconds,
            patience_seconds=settings.body_seconds + 5,  # the answer 408 goes first
            most_connections=settings.connections,
            private="tokens" if tokens else None,
            log_requests=self.log_requests,
        )
        with suppress(KeyboardInterrupt):  # raised again once all is done
            serve(app, address, self.host, certificate=self.certificate, key=self.key, manners=manners)

    def _loaded(self, most_megapixels: float) -> Served:
        from amodal.serve.model import load_served

        return load_served(self.model, self.method, self.detector, most_megapixels, self.device, self.refine)


def _check_installed() -> None:
    missing = [name for name in ("fastapi", "uvicorn", "python_multipart", "prometheus_client") if not find_spec(name)]
    if missing:
        found = f"{', '.join(missing)} not installed"
        raise InputError("serve", "", found, "expected the extra, as pip install 'amodal[serve]' brings it")
