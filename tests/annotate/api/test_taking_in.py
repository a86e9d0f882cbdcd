from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from amodal.annotate.api.app import create_app
from amodal.annotate.api.place import Place
from amodal.annotate.api.taking_in import Register
from amodal.annotate.store.photos import photos
from helpers.annotate_client import HOST, save_photos


def names(place: Place) -> list[str]:
    with place.database.read() as session:
        return [one.name for one in photos(session)]


def test_photos_that_come_while_the_server_runs_are_listed(open_copy: Callable[[bool], Place]) -> None:
    place = open_copy(False)
    assert place.images is not None
    with TestClient(create_app(place), base_url=HOST) as page:
        assert page.get("/api/photos").json()["total"] == 2
        for folder in (place.images, place.images / "more"):
            save_photos(folder, ("new.png",))
        until = time.monotonic() + 20
        while page.get("/api/photos").json()["total"] < 4 and time.monotonic() < until:
            time.sleep(0.05)
        assert page.get("/api/photos").json()["total"] == 4


def test_links_out_of_the_folder_are_not_taken_in(open_copy: Callable[[bool], Place], tmp_path: Path) -> None:
    place = open_copy(False)
    assert place.images is not None
    outside = save_photos(tmp_path / "outside", ("secret.png",))
    (place.images / "link.png").symlink_to(outside / "secret.png")
    (place.images / "linked").symlink_to(outside)
    Register(place).run()
    assert names(place) == ["a.png", "b.png"]


def test_names_that_no_page_should_show_are_left_out_and_named(open_copy: Callable[[bool], Place]) -> None:
    place = open_copy(False)
    assert place.images is not None
    for name in ("<script>.png", "a\nb.png", os.fsdecode(b"\xff.png"), "größer 你好.png"):
        save_photos(place.images, (name,))
    refused = Register(place).run()
    assert names(place) == ["a.png", "b.png", "größer 你好.png"]
    assert len(refused) == 3


def test_the_list_says_that_photos_are_being_read_until_they_are(open_copy: Callable[[bool], Place]) -> None:
    place = open_copy(False)
    app = create_app(place)
    with TestClient(app, base_url=HOST) as page:
        until = time.monotonic() + 20
        while page.get("/api/photos").json()["reading"] is not None and time.monotonic() < until:
            time.sleep(0.05)
        assert page.get("/api/photos").json()["reading"] is None
        app.state.register.reading = (25, 60)
        assert page.get("/api/photos").json()["reading"] == {"done": 25, "of": 60}


def test_a_photo_whose_file_is_gone_is_marked_and_counted_at_the_start(
    open_copy: Callable[[bool], Place], caplog: pytest.LogCaptureFixture
) -> None:
    place = open_copy(False)
    assert place.images is not None
    (place.images / "a.png").unlink()
    with TestClient(create_app(place), base_url=HOST) as page:
        found = {one["name"]: one["found"] for one in page.get("/api/photos").json()["photos"]}
    assert found == {"a.png": False, "b.png": True}
    assert "1 photos of the project are not found, a.png first; start with --images" in caplog.text
