"""A real server and a real Chromium. Each test skips, saying why, where one of them or the built page is missing."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from helpers.annotate_drawn import DEMO, RIDER, STREET
from helpers.annotate_page import Desk, Pages
from helpers.annotate_server import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "src" / "amodal" / "annotate" / "web" / "index.html"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's browser, or the one that Playwright brought."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    pytest.importorskip("uvicorn", reason="the extra `annotate` is not installed")
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
    """Starts the server of one person over two photos of the demo; gives the address."""
    from amodal.annotate.api.app import create_app
    from amodal.annotate.api.opening import open_place
    from amodal.annotate.api.taking_in import Register

    images = tmp_path / "photos"
    images.mkdir()
    for name in (STREET, RIDER):
        shutil.copy(DEMO / name, images)
    with ExitStack() as running:

        def start() -> str:
            place = open_place(tmp_path / "project", images=images)
            Register(place).run()
            return running.enter_context(served(create_app(place)))

        yield start


@pytest.fixture
def open_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """A page of its own profile; a script error or a broken content policy fails the test."""
    with Pages(chromium) as pages:
        yield pages.open


@pytest.fixture(scope="module")
def module_pages(chromium: Browser) -> Iterator[Pages]:
    """The same for pages that a whole file of tests shares."""
    with Pages(chromium) as pages:
        yield pages


@pytest.fixture
def desk(serve: Callable[..., str], open_page: Callable[..., Page]) -> Desk:
    """The page of one person, at the list of photos."""
    return Desk(open_page(), serve())
