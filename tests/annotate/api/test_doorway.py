"""The page before the rest of the application is there."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `annotate` is not installed")

from fastapi import FastAPI
from starlette.testclient import TestClient

from amodal.annotate.api.app import create_app
from amodal.annotate.api.doorway import Doorway
from amodal.annotate.api.opening import open_place
from amodal.annotate.api.page import WEB
from helpers.annotate_client import HOST

pytestmark = pytest.mark.skipif(not (WEB / "index.html").is_file(), reason="the page has not been built")


@pytest.fixture
def made() -> threading.Event:
    """Set where the application may get ready."""
    return threading.Event()


@pytest.fixture
def browser(made: threading.Event, tmp_path: Path) -> Iterator[TestClient]:
    def make() -> FastAPI:
        made.wait(30)
        return create_app(open_place(tmp_path / "project"))

    with TestClient(Doorway(make, local_only=True), base_url=HOST) as client:
        yield client
        made.set()


def test_the_page_comes_while_the_application_is_made(browser: TestClient) -> None:
    page = browser.get("/")
    assert (page.status_code, page.content) == (200, (WEB / "index.html").read_bytes())


def test_that_page_has_the_headers_of_every_page(browser: TestClient, made: threading.Event) -> None:
    early = dict(browser.get("/").headers)
    made.set()
    assert browser.get("/api/health").status_code == 200
    assert early == dict(browser.get("/").headers)


def test_other_names_are_not_answered_before_either(browser: TestClient) -> None:
    assert browser.get("/", headers={"Host": "elsewhere.example"}).status_code == 403


def test_a_question_to_the_api_waits_until_it_is_there(browser: TestClient, made: threading.Event) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(browser.get, "/api/health")
        assert browser.get("/").status_code == 200
        assert not asked.done()
        made.set()
        assert asked.result(30).json()["status"] == "ok"


def test_scripts_that_are_not_there_are_refused_once_it_is(browser: TestClient, made: threading.Event) -> None:
    made.set()
    assert browser.get("/assets/none.js").status_code == 404


def test_a_server_that_cannot_make_its_application_ends_with_the_reason(tmp_path: Path) -> None:
    program = (
        "from amodal.annotate.api import app\n"
        "from amodal.cli.main import main\n"
        "def broken(_place): raise RuntimeError('no such library')\n"
        "app.create_app = broken\n"
        f"main(['annotate', {str(tmp_path / 'project')!r}, '--port', '0'])"
    )
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True, timeout=60)
    assert ended.returncode not in (0, 2)
    assert ended.stderr.rstrip().endswith("RuntimeError: no such library")
