"""What clients do, for locust; run.py starts it. AMODAL_LOAD (JSON) says:

boxes: the photos' boxes.json · out: where what was seen is written · stop_after: so many answers end the run ·
malformed: this share of requests is broken in some way · slow: so many clients send a byte a second besides.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import random
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import gevent
from gevent import socket
from locust import HttpUser, constant, events, task

ASKED = json.loads(os.environ["AMODAL_LOAD"])
BOXES = Path(ASKED["boxes"])
LINE = "limit-of-a-part"
KIND = {"Content-Type": f"multipart/form-data; boundary={LINE}"}

seen: dict[str, Any] = {
    "answers": {},
    "counts": Counter(),
    "latencies": [],
    "statuses": Counter(),
    "lost": 0,
    "cut": 0,
    "first": 0.0,
    "last": 0.0,
}
chance = random.Random(7)


def body(name: str, photo: bytes, boxes: object) -> bytes:
    return (
        f'--{LINE}\r\nContent-Disposition: form-data; name="photo"; filename="{name}"\r\n\r\n'.encode()
        + photo
        + f'\r\n--{LINE}\r\nContent-Disposition: form-data; name="boxes"\r\n\r\n{json.dumps(boxes)}'.encode()
        + f"\r\n--{LINE}--\r\n".encode()
    )


GOOD = [
    (entry["file"], body(entry["file"], (BOXES.parent / entry["file"]).read_bytes(), entry["boxes"]))
    for entry in json.loads(BOXES.read_text())
]
_whole = (BOXES.parent / GOOD[0][0]).read_bytes()
MALFORMED = [
    body("half.jpg", _whole[: len(_whole) // 2], [[1, 1, 50, 50]]),
    body("none.jpg", b"no photo", [[1, 1, 50, 50]]),
    body("outside.jpg", _whole, [[-90, -90, -50, -50]]),
    body("word.jpg", _whole, "boxes"),
    b"--" + LINE.encode() + b"\r\nbroken",
]
turn = itertools.cycle(GOOD)


class Sender(HttpUser):
    """Sends the next photo as soon as it has the answer to the last; comes again when it is told to."""

    wait_time = constant(0)

    @task
    def segment(self) -> None:
        if chance.random() < ASKED.get("malformed", 0):
            with self._post(chance.choice(MALFORMED), "malformed") as said:
                seen["statuses"][f"malformed: {said.status_code}"] += 1
                said.success() if 400 <= said.status_code < 500 else said.failure(f"status {said.status_code}")
            return
        name, content = next(turn)
        for _ in range(50):
            started = time.perf_counter()
            with self._post(content, "segment") as said:
                seen["statuses"][str(said.status_code)] += 1
                said.success() if said.status_code in (200, 429) else said.failure(f"status {said.status_code}")
            if said.status_code == 200:
                seen["latencies"].append(time.perf_counter() - started)
                keep(name, said.content)
                break
            if said.status_code != 429:
                seen["lost"] += 1
                break
            gevent.sleep(float(said.headers["Retry-After"]) * chance.uniform(0.5, 1))
        else:
            seen["lost"] += 1
        if sum(seen["counts"].values()) >= ASKED.get("stop_after", float("inf")):
            self.environment.runner.quit()

    def _post(self, content: bytes, name: str) -> Any:
        return self.client.post("/v1/segment", content, headers=KIND, name=name, catch_response=True)


def keep(name: str, content: bytes) -> None:
    """Count the answer, and keep it where it is not one of those that came before."""
    seen["counts"][name] += 1
    seen["last"] = time.perf_counter()
    answers = seen["answers"].setdefault(name, {})
    answers.setdefault(hashlib.sha256(content).hexdigest(), content.decode())


@events.test_start.add_listener
def begin(environment: Any, **_: Any) -> None:
    seen["first"] = time.perf_counter()
    address = urlsplit(environment.host)
    for _ in range(ASKED.get("slow", 0)):
        gevent.spawn(trickle, (address.hostname, address.port))


def trickle(address: tuple[str, int]) -> None:
    """Again and again: a request of which a byte comes each second, until the server has enough of it."""
    content = GOOD[0][1]
    head = f"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {KIND['Content-Type']}\r\n"
    while True:
        try:
            with socket.create_connection(address, timeout=60) as connection:
                connection.sendall(f"{head}Content-Length: {len(content)}\r\n\r\n".encode())
                for byte in content:
                    connection.sendall(bytes([byte]))
                    gevent.sleep(1)
        except OSError:
            seen["cut"] += 1


@events.quitting.add_listener
def write(**_: Any) -> None:
    Path(ASKED["out"]).write_text(json.dumps(seen))
