"""The server killed (SIGKILL) at random moments while masks are saved: what it said was saved is there afterwards."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from pathlib import Path

import pytest
from sqlalchemy import select

from amodal.annotate.store.database import PROJECT_FILE, open_database
from amodal.annotate.store.tables import Mask
from helpers.annotate_client import Person, project
from helpers.annotate_rows import check_file, check_revisions, check_values

KILLS = 50
WRITERS = 3
SERVER = """
import sys
from pathlib import Path
import uvicorn
from amodal.annotate.api.app import create_app
from amodal.annotate.api.opening import open_place

place = open_place(Path(sys.argv[1]), database=sys.argv[3] or None)
app = create_app(place)
# The process stays while the server in it is made ready; only the child is killed, so imports are paid once.
import os, socket, time
listening = socket.socket(fileno=int(sys.argv[2]))
place.database.close()
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        uvicorn.Server(uvicorn.Config(app, log_level="error")).run(sockets=[listening])
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
    print("gone", flush=True)
"""


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_that_was_acknowledged_is_lost_by_kill_9(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    url = request.getfixturevalue("postgres_url") if kind == "postgresql" else ""
    place = project(tmp_path, database=url or None)
    me = Person(place)
    objects = [me.box(1, 5 + k, 5, 40 + k, 40) for k in range(WRITERS)]
    place.database.close()
    where = url or place.folder / PROJECT_FILE
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    chance = random.Random(7)
    acknowledged = dict.fromkeys(objects, 0)
    wrong: list[str] = []
    with subprocess.Popen(
        [sys.executable, "-c", SERVER, str(place.folder), str(listening.fileno()), url],
        pass_fds=[listening.fileno()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        for _ in range(KILLS):
            server.stdin.write("go\n")
            server.stdin.flush()
            child = int(server.stdout.readline())
            stop = threading.Event()
            began = threading.Event()
            writers = [
                threading.Thread(target=_save_until, args=(port, one, acknowledged, began, stop, wrong))
                for one in objects
            ]
            for writer in writers:
                writer.start()
            began.wait(60)
            time.sleep(chance.uniform(0, 0.15))
            os.kill(child, signal.SIGKILL)
            assert server.stdout.readline() == "gone\n"
            stop.set()
            for writer in writers:
                writer.join()
            assert not wrong
            _check(where, acknowledged)
        server.stdin.close()
    listening.close()
    assert sum(acknowledged.values()) >= KILLS


def _save_until(
    port: int,
    one: int,
    acknowledged: dict[int, int],
    began: threading.Event,
    stop: threading.Event,
    wrong: list[str],
) -> None:
    """Save over and over; `acknowledged` is the version that the server last said is saved."""
    try:
        with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as server:
            server.request("GET", "/api/session")
            headers = {
                "X-CSRF-Token": json.loads(server.getresponse().read())["csrf"],
                "Content-Type": "application/json",
            }
            server.request("GET", "/api/photos/1")
            listed = json.loads(server.getresponse().read())["objects"]
            mask = next(it["mask"] for it in listed if it["id"] == one)
            version = 0 if mask is None else mask["version"]  # one more may have been saved than was acknowledged
            if version < acknowledged[one]:
                wrong.append(f"object {one}: version {acknowledged[one]} was acknowledged, the server has {version}")
            while not stop.is_set():
                x = 10 + version % 30
                asked = {"version": version, "polygons": [[5, 5, x, 5, x, 40, 5, 40]], "state": "done"}
                server.request("PUT", f"/api/objects/{one}/mask", json.dumps(asked), headers)
                answer = server.getresponse()
                said = json.loads(answer.read())
                if answer.status != 200:
                    wrong.append(str(said))
                    return
                version = acknowledged[one] = said["version"]
                began.set()
    except (OSError, HTTPException, ValueError):
        return  # the server is gone


def _check(where: str | Path, acknowledged: dict[int, int]) -> None:
    """The file is whole, the rows agree with each other, and every mask is as new as was last said."""
    if isinstance(where, Path):
        check_file(where)
    database = open_database(where)
    try:
        with database.read() as session:
            check_revisions(session)
            check_values(session)
            kept = {row.object_id: row.version for row in session.scalars(select(Mask))}
    finally:
        database.close()
    for one, version in acknowledged.items():
        assert kept.get(one, 0) >= version, f"object {one}: version {version} was acknowledged"
