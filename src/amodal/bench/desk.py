"""The annotation app's server, for one person: its start, the first screen, a photo opened, a mask saved.

What the browser does with the answers is not in it; the repository's `benchmarks/annotate` has that, and a team.
"""

from __future__ import annotations

import math
import random
import tempfile
import time
from functools import partial
from pathlib import Path

from amodal.bench.many import make_streets
from amodal.bench.server import Client, need, running
from amodal.bench.timing import Measurement, taken_in_turns
from amodal.errors import AmodalError

OBJECTS, POINTS = 15, 34  # of a photo; of an outline, as KINS has them on average
SECONDS_TO_TAKE_IN = 60.0
_NAME = "annotate"


def measure(_model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds; a server is started and ended."""
    need("annotate", "fastapi", "uvicorn", "sqlalchemy", "alembic", "python_multipart")
    with tempfile.TemporaryDirectory() as name:
        photos = Path(name) / "photos"
        photos.mkdir()
        make_streets(photos)
        started = time.perf_counter()
        with running("annotate", str(Path(name) / "project"), "--images", str(photos)) as port:
            desk = _Desk(port)
            first = time.perf_counter() - started
            taken = taken_in_turns(
                {
                    "the first screen: session, project, photos": desk.first_screen,
                    "a photo opened: its objects and its picture": desk.opened,
                    f"a mask of {POINTS} points saved": desk.saved,
                },
                seconds,
                least=10,
            )
            desk.client.close()
    return [
        Measurement(_NAME, "from the command to the first answer", round(first, 2), "s"),
        *(Measurement.of(_NAME, what, [1e3 * one for one in values], "ms") for what, values in taken.items()),
    ]


class _Desk:
    """A person at a photo with boxes."""

    def __init__(self, port: int) -> None:
        self.client = Client(port)
        self.client.headers["X-CSRF-Token"] = self.client.ask("GET", "/api/session")["csrf"]
        self.photo = self._first_photo()
        box = partial(self.client.ask, "POST", f"/api/photos/{self.photo}/objects")
        self.objects = [box({"label": "car", "box": [60 * k, 100, 60 * k + 90, 200]})["id"] for k in range(OBJECTS)]
        self.versions, self.chance = dict.fromkeys(self.objects, 0), random.Random(0)  # noqa: S311 - no secret

    def first_screen(self) -> None:
        for path in ("session", "project", "photos"):
            self.client.ask("GET", f"/api/{path}")

    def opened(self) -> None:
        self.client.ask("GET", f"/api/photos/{self.photo}")
        self.client.send("GET", f"/api/photos/{self.photo}/picture")

    def saved(self) -> None:
        number = self.chance.randrange(len(self.objects))
        one = self.objects[number]
        asked = {"polygons": [outline(60 * number + 45, 150, self.chance)], "seconds": 1.0, "state": "draft"}
        answer = self.client.ask("PUT", f"/api/objects/{one}/mask", {**asked, "version": self.versions[one]})
        self.versions[one] = answer["version"]

    def _first_photo(self) -> int:
        until = time.perf_counter() + SECONDS_TO_TAKE_IN
        while not (listed := self.client.ask("GET", "/api/photos")["photos"]):
            if time.perf_counter() > until:
                raise AmodalError("amodal annotate lists no photo of its folder")
            time.sleep(0.1)  # the folder is taken in meanwhile
        return int(listed[0]["id"])


def outline(x: float, y: float, chance: random.Random, points: int = POINTS) -> list[float]:
    """Drawn by hand around (x, y), some 80 pixels across; another each time."""
    x += chance.uniform(-5, 5)
    ring = [(2 * math.pi * k / points, chance.uniform(35, 45)) for k in range(points)]
    return [edge for angle, r in ring for edge in (x + r * math.cos(angle), y + r * math.sin(angle))]
