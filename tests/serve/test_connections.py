"""A server in a process of its own: slow clients, clients that go, and the way it stops."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.request import urlopen

import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from helpers.command_line import save_boxes, save_photo
from helpers.served import multipart, png, server_process, wait_until

CLIENT = Path(__file__).parents[2] / "examples" / "client.py"


def request(port: int) -> tuple[int, dict[str, object]]:
    """Status and document of the answer to a photo."""
    body, kind = multipart(png())
    with closing(HTTPConnection("127.0.0.1", port, timeout=30)) as server:
        server.request("POST", "/v1/segment", body, {"Content-Type": kind})
        answer = server.getresponse()
        return answer.status, json.loads(answer.read())


def metrics(port: int) -> list[Sample]:
    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        families = text_string_to_metric_families(answer.read().decode())
    return [sample for family in families for sample in family.samples]


def metric(port: int, name: str, **labels: str) -> float:
    return sum(one.value for one in metrics(port) if one.name == name and labels.items() <= one.labels.items())


def came(port: int) -> float:
    """How many photos are in line or were answered."""
    kinds = ("amodal_queue_photos", {}), ("amodal_requests_total", {"route": "/v1/segment"})
    found = metrics(port)
    return sum(
        one.value for name, own in kinds for one in found if one.name == name and own.items() <= one.labels.items()
    )


def received(connection: socket.socket) -> bytes:
    """All that comes until the other side closes."""
    parts = []
    try:
        while part := connection.recv(65_536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def test_a_server_that_is_told_to_stop_answers_all_who_are_in_line() -> None:
    with server_process(0.1, batch_photos=2) as (server, port), ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(request, port) for _ in range(12)]
        wait_until(lambda: came(port) == 12)
        server.send_signal(signal.SIGTERM)
        answers = [one.result() for one in asked]
        assert [status for status, _ in answers] == [200] * 12
        assert all(len(found["annotations"]) == 2 for _, found in answers)  # type: ignore[arg-type]
        assert server.wait(20) == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port))


def test_a_second_ctrl_c_ends_it_at_once() -> None:
    with server_process(60) as (server, port), ThreadPoolExecutor(1) as pool:
        asked = pool.submit(request, port)
        wait_until(lambda: came(port) == 1)
        server.send_signal(signal.SIGINT)
        time.sleep(0.5)
        server.send_signal(signal.SIGINT)
        server.wait(10)
        assert asked.exception(10) is not None


def test_what_takes_longer_than_the_grace_time_is_given_up() -> None:
    with server_process(3, grace_seconds=1, batch_photos=1) as (server, port), ThreadPoolExecutor(5) as pool:
        asked = [pool.submit(request, port) for _ in range(5)]
        wait_until(lambda: came(port) == 5)
        started = time.monotonic()
        server.send_signal(signal.SIGTERM)
        assert server.wait(20) == 0
        assert time.monotonic() - started < 10  # five photos would take 15 s
        answered = [one for one in asked if one.exception() is None and one.result()[0] == 200]
        assert len(answered) < 5


def test_a_body_that_trickles_is_cut_off_and_said_so_and_others_are_served_meanwhile() -> None:
    with server_process(body_seconds=0.7) as (_, port):
        body, kind = multipart(png())
        with socket.create_connection(("127.0.0.1", port), timeout=20) as slow:
            head = f"POST /v1/segment HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: {kind}\r\n"
            slow.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode())
            started = time.monotonic()
            for byte in body[:3]:
                slow.sendall(bytes([byte]))
                time.sleep(0.1)
            assert request(port)[0] == 200
            said = received(slow)
        assert time.monotonic() - started < 10
        assert said.startswith(b"HTTP/1.1 408 ")
        assert b"did not come whole within 0.7 s" in said
        wait_until(lambda: metric(port, "amodal_refused_total", reason="slow_client") == 1)


@pytest.mark.parametrize("sent", [b"", b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX: "])
def test_a_connection_that_never_finishes_its_request_is_closed(sent: bytes) -> None:
    with (
        server_process(body_seconds=0.5) as (_, port),
        socket.create_connection(("127.0.0.1", port), timeout=20) as slow,
    ):
        slow.sendall(sent)
        started = time.monotonic()
        assert received(slow) == b""
        assert 0.5 < time.monotonic() - started < 10


def test_a_client_that_goes_gives_its_place_back() -> None:
    with server_process(10.0) as (_, port):
        body, kind = multipart(png())
        with closing(HTTPConnection("127.0.0.1", port)) as stays, closing(HTTPConnection("127.0.0.1", port)) as goes:
            stays.request("POST", "/v1/segment", body, {"Content-Type": kind})
            wait_until(lambda: metric(port, "amodal_queue_photos") == 1)
            goes.request("POST", "/v1/segment", body, {"Content-Type": kind})
            wait_until(lambda: metric(port, "amodal_queue_photos") == 2)
            goes.close()
            wait_until(lambda: metric(port, "amodal_refused_total", reason="client_gone") == 1)
            assert metric(port, "amodal_queue_photos") == 1


def test_the_example_client_comes_again_when_it_is_told_and_gets_every_scene(tmp_path: Path) -> None:
    names = [f"{n}.png" for n in range(4)]
    photos = [save_photo(tmp_path / name) for name in names]
    boxes = save_boxes(tmp_path / "boxes.json", {name: [[4, 6, 40, 36]] for name in names})
    out = tmp_path / "answers"
    with server_process(0.3, queue_photos=1) as (_, port):
        server = f"http://127.0.0.1:{port}"
        ran = subprocess.run(
            [sys.executable, CLIENT, *photos, "--boxes", boxes, "--out", out, "--at-once", "3", "--server", server],
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )
        refused = metric(port, "amodal_refused_total", reason="queue_full")
    assert ran.returncode == 0, ran.stderr
    assert sorted(path.stem for path in out.iterdir()) == ["0", "1", "2", "3"]
    assert all(len(json.loads(path.read_text())["annotations"]) == 1 for path in out.iterdir())
    assert refused >= 2
