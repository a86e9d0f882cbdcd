"""A PostgreSQL server of our own for the tests: in a temporary folder, from the system's packages, gone afterwards."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

URL = "AMODAL_POSTGRES_URL"


@contextmanager
def server(quick: bool = True) -> Iterator[str]:
    """The URL of a server on which databases can be made: the one that the environment names, or a new one.

    A `quick` one does not wait for its disk. Skips the test where there is neither.
    """
    if os.environ.get(URL):
        yield os.environ[URL]
        return
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip(f"no PostgreSQL: set {URL}, or install the system's package postgresql")
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="amodal-postgres-"))
    try:
        if user is not None:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        yield from _running(programs[-1].parent, folder, user, quick)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def new_database(server_url: str, name: str, copy_of: str = "template1") -> Iterator[str]:
    """The URL of a database of this name: an empty one, or a copy of another that nobody is connected to."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{copy_of}"')
    try:
        yield server_url.rsplit("/", 1)[0] + f"/{name}"
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _running(programs: Path, folder: Path, user: str | None, quick: bool) -> Iterator[str]:
    data, port = folder / "data", _free_port()
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c max_connections=50"
    options += " -F -c synchronous_commit=off" if quick else ""
    _run([programs / "initdb", "-D", data, "-A", "trust", "-U", "amodal", "--no-sync"], folder, user)
    _run([programs / "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-o", options, "start"], folder, user)
    try:
        yield f"postgresql://amodal@127.0.0.1:{port}/postgres"
    finally:
        _run([programs / "pg_ctl", "-D", data, "-m", "immediate", "stop"], folder, user)


def _run(command: list[str | Path], folder: Path, user: str | None) -> None:
    # The server keeps the output's pipe open, so it must not be waited for.
    with (folder / "said").open("wb") as said:
        done = subprocess.run([*map(str, command)], cwd=folder, user=user, stdout=said, stderr=said, check=False)
    if done.returncode:
        pytest.skip(f"PostgreSQL does not start here: {(folder / 'said').read_text(errors='replace')[-300:]}")


def _user() -> str | None:
    """The server refuses to run as root."""
    if os.geteuid():
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    pytest.skip("PostgreSQL does not run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
