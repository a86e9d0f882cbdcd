"""The server as people start it: a process of `amodal annotate`, spoken to over the network."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from amodal.annotate.store.migrate import newest
from helpers.annotate_client import PASSWORD, project, save_photos
from helpers.annotate_rows import check_file

PROGRAM = [sys.executable, "-c", "import sys; from amodal.cli.main import main; sys.exit(main(sys.argv[1:]))"]
SMALL_FILES = [
    sys.executable,
    "-c",
    "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000));"
    "from amodal.cli.main import main; sys.exit(main(sys.argv[1:]))",
]


class Server:
    """A running one; `address` is what it printed."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self.process, self.address = process, address
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
        self.token = ""

    def ask(self, path: str, content: Any = None, method: str | None = None) -> tuple[int, Any]:
        data = None if content is None else json.dumps(content).encode()
        headers = {"X-CSRF-Token": self.token, "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api{path}", data, headers, method=method)
        try:
            with self.browser.open(request, timeout=30) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as refused:
            return refused.code, json.loads(refused.read())

    def end(self, how: int = signal.SIGTERM) -> int:
        self.process.send_signal(how)
        return self.process.wait(30)


@contextmanager
def running(*arguments: str | Path, stdin: str = "", program: list[str] = PROGRAM) -> Iterator[Server]:
    asked = [*program, "annotate", *map(str, arguments), "--port", "0"]
    quiet = {**os.environ, "OMP_NUM_THREADS": "1"}
    pipe = subprocess.PIPE
    with subprocess.Popen(asked, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=quiet) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdin.write(stdin)
        process.stdin.close()
        said = process.stdout.readline()
        try:
            assert said.startswith("open http"), process.stderr.read()
            server = Server(process, said.split()[1])
            if said.startswith("open http:"):
                server.token = server.ask("/session")[1]["csrf"]
            yield server
        finally:
            process.kill()


def refused(*arguments: str | Path) -> str:
    """What it says when it ends with 2."""
    asked = [*PROGRAM, "annotate", *map(str, arguments)]
    done = subprocess.run(asked, capture_output=True, text=True, timeout=60, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
    return done.stderr


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return save_photos(tmp_path / "photos")


def wait_for_photos(server: Server) -> None:
    while server.ask("/photos")[1]["total"] < 2:
        pass


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_listens_on_this_machine_alone_and_ends_well(tmp_path: Path, photos: Path, how: int) -> None:
    with running(tmp_path / "p", "--images", photos) as server:
        assert server.address.startswith("http://127.0.0.1:")
        port = int(server.address.rpartition(":")[2])
        with closing(socket.socket()) as other, pytest.raises(OSError):
            other.connect((other_address(), port))
        assert server.end(how) == 0
    check_file(tmp_path / "p" / "project.sqlite")


def other_address() -> str:
    """This machine's under another name than 127.0.0.1; loopback has a whole network."""
    return "127.0.0.2"


def test_a_port_in_use_is_refused_in_words(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        assert f"cannot listen at 127.0.0.1:{port}" in refused(tmp_path / "p", "--port", str(port))
    assert not (tmp_path / "p").exists()


def test_a_project_file_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "project.sqlite").write_bytes(b"no database at all " * 100)
    assert "project.sqlite" in refused(tmp_path / "p")


def test_an_older_database_file_is_brought_to_today_s_tables(tmp_path: Path, photos: Path) -> None:
    from sqlalchemy import create_engine

    from amodal.annotate.store.migrate import upgrade

    (tmp_path / "p").mkdir()
    file = tmp_path / "p" / "project.sqlite"
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        upgrade(connection, "0001")
    engine.dispose()
    with running(tmp_path / "p", "--images", photos) as server:
        wait_for_photos(server)
        assert server.ask("/photos/1/objects", {"label": "car", "box": [1, 1, 9, 9]})[0] == 201
        server.end()
    with closing(sqlite3.connect(file)) as rows:
        assert rows.execute("SELECT version_num FROM alembic_version").fetchall() == [(newest(),)]


def test_a_team_s_first_manager_logs_in_with_the_password_from_stdin(tmp_path: Path) -> None:
    with running(tmp_path / "p", "--team", "--manager", "maria", stdin=f"{PASSWORD}\n") as server:
        status, said = server.ask("/session", {"name": "maria", "password": PASSWORD})
        assert (status, said["person"]["role"]) == (200, "manager")


def test_a_backup_is_taken_beside_the_running_server_and_restores(tmp_path: Path, photos: Path) -> None:
    with running(tmp_path / "p", "--images", photos) as server:
        wait_for_photos(server)
        server.ask("/photos/1/objects", {"label": "car", "box": [1, 1, 9, 9]})
        asked = [*PROGRAM, "annotate", str(tmp_path / "p"), "--backup", str(tmp_path / "day.zip")]
        assert subprocess.run(asked, timeout=60, check=False).returncode == 0
        assert server.ask("/photos/1/objects", {"label": "car", "box": [2, 2, 9, 9]})[0] == 201
    asked = [*PROGRAM, "annotate", str(tmp_path / "again"), "--restore", str(tmp_path / "day.zip")]
    assert subprocess.run(asked, timeout=60, check=False).returncode == 0
    with closing(sqlite3.connect(tmp_path / "again" / "project.sqlite")) as rows:
        assert rows.execute("SELECT count(*) FROM objects").fetchone() == (1,)
    assert "again" in refused(tmp_path / "again", "--restore", tmp_path / "day.zip")


def test_a_team_s_backup_is_taken_without_anybody_s_log_in(tmp_path: Path) -> None:
    project(tmp_path, team=True).database.close()
    asked = [*PROGRAM, "annotate", str(tmp_path / "project"), "--backup", str(tmp_path / "day.zip")]
    assert subprocess.run(asked, timeout=60, check=False).returncode == 0
    assert "--team" in refused(tmp_path / "project", "--port", "0")


def test_a_backup_of_no_project_is_refused_and_makes_none(tmp_path: Path) -> None:
    assert "no project.sqlite" in refused(tmp_path / "mistyped", "--backup", tmp_path / "day.zip")
    assert list(tmp_path.iterdir()) == []


def test_slow_clients_and_many_connections_have_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from amodal.cli import annotate
    from amodal.cli.serving import Manners

    asked: list[Manners] = []
    monkeypatch.setattr(annotate, "serve", lambda *_, **more: asked.append(more["manners"]))
    annotate.Annotate(tmp_path / "p", port=0).run()
    assert asked[0].patience_seconds is not None and asked[0].most_connections is not None
    assert asked[0].patience_seconds * 10e6 / 8 > 2**30, "1 GiB may come over 10 Mbit/s"


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl, which makes the certificate")
def test_over_https_the_cookie_is_for_https_alone(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost"]
    made = [*make, "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(made, check=True, capture_output=True)
    options = ("--team", "--manager", "maria", "--certificate", certificate, "--key", key)
    with running(tmp_path / "p", *options, stdin=f"{PASSWORD}\n") as server:
        trusted = ssl.create_default_context(cafile=str(certificate))
        with urllib.request.urlopen(f"{server.address}/api/session", context=trusted, timeout=30) as answer:
            cookie = answer.headers["Set-Cookie"]
    assert "Secure" in cookie
    assert "HttpOnly" in cookie


def test_a_full_disk_is_told_and_loses_nothing_that_was_acknowledged(tmp_path: Path, photos: Path) -> None:
    with running(tmp_path / "p", "--images", photos, program=SMALL_FILES) as server:
        wait_for_photos(server)
        id = server.ask("/photos/1/objects", {"label": "car", "box": [1, 1, 60, 50]})[1]["id"]
        version, status, said = 0, 200, {}
        while status == 200 and version < 2000:
            polygon = [edge for k in range(40) for edge in (10 + k, 5 + (k + version) % 40)]
            asked = {"version": version, "polygons": [polygon], "state": "draft"}
            status, said = server.ask(f"/objects/{id}/mask", asked, "PUT")
            version = said["version"] if status == 200 else version
        assert status == 507, said
        assert "disk" in said["error"]["message"]
        assert server.ask("/photos/1")[1]["objects"][0]["mask"]["version"] == version
    check_file(tmp_path / "p" / "project.sqlite")
    with closing(sqlite3.connect(tmp_path / "p" / "project.sqlite")) as rows:
        assert rows.execute("SELECT version FROM masks").fetchall() == [(version,)]
