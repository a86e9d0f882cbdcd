"""A real server and a real Chromium. Each test skips, saying why, where one of them or the built page is missing."""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from helpers.annotate_page import Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "src" / "amodal" / "demo" / "photos"
WEB = ROOT / "src" / "amodal" / "annotate" / "web" / "index.html"
PHOTOS = ("coco_000000002153.jpg", "coco_000000571264.jpg")


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser, or the one that Playwright brought."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not WEB.is_file():
        pytest.skip("the page is not built: npm ci && npm run build in web/")
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with playwright.sync_playwright() as started:
        try:
            browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no Chromium: {error}")
        yield browser
        browser.close()


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts the server of one person over two CC BY photos; gives the address."""
    uvicorn = pytest.importorskip("uvicorn", reason="the extra `annotate` is not installed")
    from amodal.annotate.api.app import create_app
    from amodal.annotate.api.opening import open_place
    from amodal.annotate.api.proposer import Proposer

    images = tmp_path / "photos"
    images.mkdir()
    for name in PHOTOS:
        shutil.copy(DEMO / name, images)
    running: list[tuple[Any, threading.Thread]] = []

    def start() -> str:
        place = open_place(
            tmp_path / "project", images=images, database=None, team=False, proposer=Proposer("default", None)
        )
        listening = socket.create_server(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(create_app(place), log_level="warning"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        running.append((server, thread))
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        wait_for_photos(url)
        return url

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(30)


def wait_for_photos(url: str) -> None:
    """The server takes the folder in meanwhile."""
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{url}/api/photos") as answer:
                if json.load(answer)["total"] == len(PHOTOS):
                    return
        except urllib.error.URLError:
            pass
        time.sleep(0.1)
    raise AssertionError("the server does not list its photos")


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A page of its own profile; a script error or a broken content policy fails the test."""
    opened = []

    def page(**how: object) -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 720}, **how)
        new = context.new_page()
        new.set_default_timeout(20_000)
        troubles: list[str] = []
        new.on("pageerror", lambda error: troubles.append(str(error)))
        new.on("console", lambda said: troubles.append(said.text) if "Content Security" in said.text else None)
        opened.append((context, troubles))
        return new

    yield page
    for context, troubles in opened:
        context.close()
        assert not troubles


@pytest.fixture
def desk(serve: Callable[..., str], open_page: Callable[..., Page]) -> Desk:
    """The page of one person, at the list of photos."""
    return Desk(open_page(), serve())
