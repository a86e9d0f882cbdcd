"""`amodal serve` on the loopback, beside the same photos without a server; both in turns, on the same machine."""

from __future__ import annotations

import json
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from amodal.bench.many import make_streets
from amodal.bench.server import Client, need, running
from amodal.bench.street import Street
from amodal.bench.timing import Measurement, ratios, taken_in_turns
from amodal.errors import AmodalError
from amodal.segmenter import load

PHOTOS = 12  # of a turn
CLIENTS = 8
AT_ONCE = 4  # photos that are worked on together, as the server does
SECONDS_TO_BE_READY = 120.0
_NAME = "serve"
_EDGE = "amodal-bench"


def measure(model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds; a server is started and ended."""
    need("serve", "fastapi", "uvicorn", "python_multipart", "prometheus_client")
    segmenter = load(model)
    waits: list[float] = []
    with tempfile.TemporaryDirectory() as folder, running("serve", "--model", model, "--detector", "none") as port:
        streets = make_streets(Path(folder))[:PHOTOS]
        _wait_until_ready(Client(port))
        with ThreadPoolExecutor(CLIENTS) as pool:

            def served() -> None:
                waits[:] = [*waits, *pool.map(partial(_seconds_of_an_answer, port), streets)]

            def offline() -> None:
                for start in range(0, len(streets), AT_ONCE):
                    some = streets[start : start + AT_ONCE]
                    segmenter.segment_batch(
                        [one.path for one in some], [one.boxes for one in some], [list(one.labels) for one in some]
                    )

            taken = taken_in_turns({"offline": offline, "served": served}, seconds, least=2)
    waits = waits[len(streets) :]  # the first turn is not measured
    rates = {what: [len(streets) / one for one in values] for what, values in taken.items()}
    shares = [100 * share for share in ratios(taken["offline"], taken["served"])]
    return [
        Measurement.of(_NAME, f"{segmenter.name}, served to {CLIENTS} clients", rates["served"], "photos/s", "more"),
        Measurement.of(_NAME, f"{segmenter.name}, without a server", rates["offline"], "photos/s", "more"),
        Measurement.of(_NAME, "served, share of without", shares, "%", "more", digits=1),
        Measurement.of(_NAME, "an answer", [1e3 * one for one in waits], "ms", digits=1),
        Measurement(_NAME, "the slowest answer", round(1e3 * max(waits), 1), "ms"),
    ]


def _wait_until_ready(client: Client) -> None:
    until = time.perf_counter() + SECONDS_TO_BE_READY
    while True:
        try:
            client.send("GET", "/readyz")
            return
        except AmodalError:
            if time.perf_counter() > until:
                raise
            time.sleep(0.2)


def _seconds_of_an_answer(port: int, street: Street) -> float:
    started = time.perf_counter()
    client = Client(port)
    client.send("POST", "/v1/segment", _form(street), {"Content-Type": f"multipart/form-data; boundary={_EDGE}"})
    client.close()
    return time.perf_counter() - started


def _form(street: Street) -> bytes:
    """The photo and its boxes as multipart/form-data."""
    boxes = [{"box": box, "class": label} for box, label in zip(street.boxes.tolist(), street.labels, strict=True)]
    parts = {
        'name="boxes"': json.dumps(boxes).encode(),
        f'name="photo"; filename="{street.path.name}"': street.path.read_bytes(),
    }
    lines = [
        f"--{_EDGE}\r\nContent-Disposition: form-data; {about}\r\n\r\n".encode() + content + b"\r\n"
        for about, content in parts.items()
    ]
    return b"".join(lines) + f"--{_EDGE}--\r\n".encode()
