"""A project with small photos, and people who speak to its API as the page does."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image

from amodal.annotate.api.app import create_app
from amodal.annotate.api.opening import open_place
from amodal.annotate.api.place import Place
from amodal.annotate.api.proposer import Proposer
from amodal.annotate.api.taking_in import Register
from amodal.annotate.store.people import add_person

if TYPE_CHECKING:
    from httpx import Response

PASSWORD = "correct horse"
HOST = "http://127.0.0.1:8000"
WIDTH, HEIGHT = 80, 60


class Person:
    """One browser: cookies of its own, the CSRF token on every write."""

    def __init__(self, place: Place, name: str | None = None) -> None:
        self.http = TestClient(app_of(place), base_url=HOST, raise_server_exceptions=False)
        self.token = self.http.get("/api/session").json()["csrf"]
        if name is not None:
            said = self.post("/session", {"name": name, "password": PASSWORD})
            assert said.status_code == 200, said.text
            self.token = said.json()["csrf"]

    def get(self, path: str, **parameters: Any) -> Response:
        return self.http.get(f"/api{path}", params=parameters)

    def post(self, path: str, content: Any = None, **more: Any) -> Response:
        return self._write("POST", path, content, **more)

    def put(self, path: str, content: Any) -> Response:
        return self._write("PUT", path, content)

    def patch(self, path: str, content: Any) -> Response:
        return self._write("PATCH", path, content)

    def delete(self, path: str) -> Response:
        return self._write("DELETE", path, None)

    def box(self, photo: int, *box: float, label: str = "car") -> int:
        """Draw a box; its object's id."""
        said = self.post(f"/photos/{photo}/objects", {"label": label, "box": box})
        assert said.status_code == 201, said.text
        return int(said.json()["id"])

    def draw(self, object: int, *box: float, version: int = 0, state: str = "done") -> Response:
        """Draw the mask of an object as a rectangle."""
        x0, y0, x1, y1 = box
        polygon = [x0, y0, x1, y0, x1, y1, x0, y1]
        asked = {"version": version, "polygons": [polygon], "state": state, "seconds": 2.5}
        return self.put(f"/objects/{object}/mask", asked)

    def _write(self, method: str, path: str, content: Any, **more: Any) -> Response:
        headers = {"X-CSRF-Token": self.token, **more.pop("headers", {})}
        return self.http.request(method, f"/api{path}", json=content, headers=headers, **more)


_APPS: dict[str, FastAPI] = {}


def app_of(place: Place) -> FastAPI:
    """The application of a mode, built once for all tests, over this place."""
    if place.mode not in _APPS:
        _APPS[place.mode] = create_app(place)
    app = _APPS[place.mode]
    app.state.place = place
    return app


def save_photos(folder: Path, names: tuple[str, ...] = ("a.png", "b.png")) -> Path:
    """Different noise in each."""
    folder.mkdir(parents=True, exist_ok=True)
    for seed, name in enumerate(names):
        pixels = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / name)
    return folder


def project(folder: Path, *, team: bool = False, method: str | None = None, database: str | None = None) -> Place:
    """An open project with two photos; a team's has erna (expert), anna, ben, cleo (annotators), maria (manager)."""
    images = save_photos(folder / "photos")
    proposer = Proposer(method=method)
    place = open_place(folder / "project", images=images, database=database, team=team, proposer=proposer)
    Register(place).run()
    if team:
        with place.database.write() as session:
            manager = add_person(session, None, name="maria", role="manager", password=PASSWORD)
            for name, role in TEAM.items():
                add_person(session, manager, name=name, role=role, password=PASSWORD)
    return place


both_databases = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
"""For tests of what rows become: they run over each kind of database."""

TEAM = {"erna": "expert", "anna": "annotator", "ben": "annotator", "cleo": "annotator"}
