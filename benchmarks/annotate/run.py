"""How fast the annotation server saves while twenty people draw, and how soon it answers after its start.

    python benchmarks/annotate/run.py [--people 20] [--seconds 60] [--kinds sqlite postgresql] [--out DIR]

The server is a process of its own, with a team's project in SQLite, then one in PostgreSQL (of the system's packages,
started in a temporary folder with its disk settings as they come). Everybody saves a mask of 34 points about
once a second, as autosave does, each time another outline, and opens the photo anew every tenth time. What is
reported is the time from the request to the whole answer, as the browser would see it on this machine. Writes
result.json. On a busy machine the numbers mean little: `load_before` and `load_after` say how busy it was, the second
with this benchmark's own load in it; `server_processor_seconds` is what the server itself worked.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from amodal.bench.desk import outline
from amodal.bench.server import Client

PASSWORD = "simulated people"
WIDTH, HEIGHT = 1242, 375
START = "from amodal.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=20)
    arguments.add_argument("--seconds", type=float, default=60)
    arguments.add_argument("--kinds", nargs="+", choices=("sqlite", "postgresql"), default=["sqlite", "postgresql"])
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = arguments.parse_args()
    result: dict[str, Any] = {
        "command": "python benchmarks/annotate/run.py " + " ".join(sys.argv[1:]),
        "date": datetime.now(UTC).date().isoformat(),
        "seed": "0 to people - 1, one each",
        "people": given.people,
        "seconds": given.seconds,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "machine": platform.machine(),
    }
    for kind in given.kinds:
        with tempfile.TemporaryDirectory() as folder, database_of(kind) as url:
            result[kind] = measured(Path(folder), given.people, given.seconds, url)
    text = json.dumps(result, indent=1)
    (given.out / "result.json").write_text(text + "\n")
    print(text)


@contextmanager
def database_of(kind: str) -> Iterator[str | None]:
    """The URL of an empty database, None for SQLite."""
    if kind == "sqlite":
        yield None
        return
    sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
    from helpers import postgres

    with postgres.server(quick=False) as server, postgres.new_database(server, "benchmark") as url:
        yield url


def measured(folder: Path, people: int, seconds: float, url: str | None) -> dict[str, Any]:
    load_before = os.getloadavg()[0]
    photos = folder / "photos"
    photos.mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(photos / "street.png")
    command = [sys.executable, "-c", START, "annotate", str(folder / "project"), "--images", str(photos)]
    command += ["--port", "0", "--team", "--manager", "manager", *([] if url is None else ["--database", url])]
    began = time.perf_counter()
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        try:
            server.stdin.write(PASSWORD + "\n")
            server.stdin.close()
            port = int(server.stdout.readline().split(":")[2].split()[0])
            manager = Browser(port)
            first_answer = time.perf_counter() - began
            before = processor_seconds(server.pid)
            work = worked(manager, port, people, seconds)
            spent = processor_seconds(server.pid) - before
        finally:
            server.terminate()
    loads = {"load_before": round(load_before, 2), "load_after": round(os.getloadavg()[0], 2)}
    return {
        "first_answer_seconds": round(first_answer, 3),
        **work,
        "server_processor_seconds": round(spent, 2),
        **loads,
    }


def processor_seconds(pid: int) -> float:
    """What a process has used so far; Linux only."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def worked(manager: Browser, port: int, people: int, seconds: float) -> dict[str, Any]:
    manager.log_in("manager")
    manager.ask("PATCH", "/api/project", {"version": 1, "annotators_per_object": min(people, 20)})
    names = [f"annotator {number}" for number in range(people)]
    for name in names:
        manager.ask("POST", "/api/people", {"name": name, "role": "annotator", "password": PASSWORD})
    manager.ask("POST", "/api/people", {"name": "expert", "role": "expert", "password": PASSWORD})
    expert = Browser(port)
    expert.log_in("expert")
    while not (listed := expert.ask("GET", "/api/photos")["photos"]):
        time.sleep(0.1)  # the folder is taken in meanwhile
    photo = listed[0]["id"]
    boxes = f"/api/photos/{photo}/objects"
    objects = [
        expert.ask("POST", boxes, {"label": "car", "box": [60 * k, 100, 60 * k + 90, 200]})["id"] for k in range(15)
    ]
    drawing = [Drawing(Browser(port), name, photo, objects, seconds, seed) for seed, name in enumerate(names)]
    threads = [threading.Thread(target=one.run) for one in drawing]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    saves = sorted(second for one in drawing for second in one.saves)
    opens = sorted(second for one in drawing for second in one.opens)
    errors = [error for one in drawing for error in one.errors]
    return {
        "saves": len(saves),
        "save_seconds": {f"p{share}": quantile(saves, share) for share in (50, 95, 99, 100)},
        "opens": len(opens),
        "open_seconds": {f"p{share}": quantile(opens, share) for share in (50, 95)},
        "errors": errors[:10],
        "error_count": len(errors),
    }


class Browser(Client):
    """One person's connection."""

    def __init__(self, port: int) -> None:
        super().__init__(port)
        self.headers["X-CSRF-Token"] = self.ask("GET", "/api/session")["csrf"]

    def log_in(self, name: str) -> None:
        self.headers["X-CSRF-Token"] = self.ask("POST", "/api/session", {"name": name, "password": PASSWORD})["csrf"]


@dataclass
class Drawing:
    """Somebody who draws one object after the other."""

    browser: Browser
    name: str
    photo: int
    objects: list[int]
    seconds: float
    seed: int
    saves: list[float] = field(default_factory=list)
    opens: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def run(self) -> None:
        chance = random.Random(self.seed)
        try:
            self.browser.log_in(self.name)
            time.sleep(chance.uniform(0, 1))
            until = time.perf_counter() + self.seconds
            versions = dict.fromkeys(self.objects, 0)
            while time.perf_counter() < until:
                self._step(chance, versions)
                time.sleep(chance.uniform(0.5, 1.5))
        except Exception as error:
            self.errors.append(repr(error)[:300])
        finally:
            self.browser.close()

    def _step(self, chance: random.Random, versions: dict[int, int]) -> None:
        began = time.perf_counter()
        if chance.random() < 0.1:
            self.browser.ask("GET", f"/api/photos/{self.photo}")
            self.opens.append(time.perf_counter() - began)
            return
        number = chance.randrange(len(self.objects))
        one, drawn = self.objects[number], outline(60 * number + 45, 150, chance)
        asked = {"version": versions[one], "polygons": [drawn], "seconds": 1.0, "state": "draft"}
        versions[one] = self.browser.ask("PUT", f"/api/objects/{one}/mask", asked)["version"]
        self.saves.append(time.perf_counter() - began)


def quantile(values: list[float], percent: int) -> float | None:
    """In seconds; of sorted values."""
    if not values:
        return None
    return round(values[min(len(values) - 1, math.ceil(len(values) * percent / 100) - 1)], 4)


if __name__ == "__main__":
    main()
