"""Servers to test against: in this process, or one of their own; both with a segmenter that needs no model."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from amodal.scene import Scene
from amodal.serve.line import Job
from amodal.serve.model import Served
from helpers.stub_segmenter import StubSegmenter

WIDTH, HEIGHT = 64, 48
BOXES = [{"box": [4, 6, 40, 36], "class": "car"}, {"box": [20, 10, 60, 44], "class": "person"}]
SERVER = """
import json, sys, time
from amodal.cli.serving import Manners, bind, serve
from amodal.serve.app import create_app
from amodal.serve.model import Served
from amodal.serve.settings import Settings
from helpers.served import Waits

seconds, settings = float(sys.argv[1]), Settings(**json.loads(sys.argv[2]))
manners = Manners(settings.grace_seconds, settings.body_seconds + 0.5, private=None)
serve(create_app(Served(Waits(seconds), "stub"), settings), bind("127.0.0.1", 0), "127.0.0.1", manners=manners)
"""


class Held(StubSegmenter):
    """Works when it is let go, and remembers how many photos each call brought; the warm-up's is not one."""

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.at_work = threading.Semaphore(0)

    def segment_batch(self, photos: Any, boxes: Any, labels: Any = None, *, boxes_are: Any = "amodal") -> list[Scene]:
        if len(photos) == 1 and photos[0].shape[:2] == (96, 128):  # the warm-up's
            return super().segment_batch(photos, boxes, labels, boxes_are=boxes_are)
        self.batches.append(len(photos))
        self.at_work.release()
        assert self.go.wait(30)
        return super().segment_batch(photos, boxes, labels, boxes_are=boxes_are)


class Waits(StubSegmenter):
    """Takes some seconds for a photo."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def segment_batch(self, photos: Any, boxes: Any, labels: Any = None, *, boxes_are: Any = "amodal") -> list[Scene]:
        if photos[0].shape[:2] != (96, 128):
            threading.Event().wait(self.seconds * len(photos))
        return super().segment_batch(photos, boxes, labels, boxes_are=boxes_are)


def wait_until(holds: Callable[[], bool]) -> None:
    ends = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.02)


def stub_served(segmenter: Any = None) -> Served:
    return Served(segmenter or StubSegmenter(), "stub")


def picture(width: int = WIDTH, height: int = HEIGHT, seed: int = 7) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def png(pixels: np.ndarray | None = None) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(picture() if pixels is None else pixels).save(stream, "PNG")
    return stream.getvalue()


def job(objects: int = 1, **more: Any) -> Job:
    boxes = np.array([[2.0 + n % 20, 3.0, 30.0 + n % 20, 40.0] for n in range(objects)]).reshape(-1, 4)
    return Job(picture(), boxes, (None,) * objects, **more)


def multipart(photo: bytes, boxes: Sequence[Any] | None = BOXES) -> tuple[bytes, str]:
    """A whole body by hand, and its content type."""
    parts = [b'Content-Disposition: form-data; name="photo"; filename="a.png"\r\n\r\n' + photo]
    if boxes is not None:
        parts.append(b'Content-Disposition: form-data; name="boxes"\r\n\r\n' + json.dumps(boxes).encode())
    body = b"".join(b"--limit\r\n" + part + b"\r\n" for part in parts) + b"--limit--\r\n"
    return body, "multipart/form-data; boundary=limit"


@contextmanager
def server_process(seconds: float = 0.0, **settings: Any) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A server in a process of its own whose model takes so long for a photo; and its port, once it listens."""
    tests = str(Path(__file__).parents[1])
    path = os.pathsep.join([tests, *(part for part in sys.path if part)])
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(seconds), json.dumps(settings)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"},
    ) as server:
        try:
            assert server.stdout is not None
            said = server.stdout.readline()
            port = re.search(r":(\d+) ", said)
            assert port is not None, server.communicate()[1]
            yield server, int(port[1])
        finally:
            server.kill()
