"""What is answered to what, without a network."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from amodal.data.fields import Field
from amodal.data.results import scenes_of
from amodal.serve.app import create_app
from amodal.serve.settings import Settings
from helpers.command_line import save_huge_png, save_truncated_jpeg
from helpers.fussy_segmenter import Fussy
from helpers.served import BOXES, Held, picture, png, stub_served
from helpers.stub_segmenter import StubSegmenter

HOST = "http://127.0.0.1:8080"
TOKEN = "0123456789abcdef"
Client = Callable[..., TestClient]


@pytest.fixture
def client() -> Iterator[Client]:
    """Starts a server of its own, and waits until it is ready."""
    with ExitStack() as stack:

        def start(segmenter: Any = None, *, tokens: tuple[str, ...] = (), **settings: Any) -> TestClient:
            app = create_app(stub_served(segmenter), Settings(**settings), tokens=tokens, local_only=True)
            started = stack.enter_context(TestClient(app, base_url=HOST, raise_server_exceptions=False))
            while started.get("/readyz").status_code != 200:
                pass
            return started

        yield start


def ask(client: TestClient, photo: bytes | None = None, boxes: Any = BOXES, **form: Any) -> Any:
    data = {"boxes": boxes if isinstance(boxes, str) else json.dumps(boxes), **form}
    return client.post("/v1/segment", data=data, files={"photo": ("a.png", png() if photo is None else photo)})


def test_the_answer_is_the_scene_that_the_method_gives_in_python(client: Client) -> None:
    said = ask(client(), masks="rle")
    boxes, labels = np.array([one["box"] for one in BOXES], float), [str(one["class"]) for one in BOXES]
    (scene,) = scenes_of(Field("answer", None, "", said.json()))
    assert scene.image == "a.png"
    expected = StubSegmenter().segment(picture(), boxes, labels)
    assert (scene.instances, scene.order) == (expected.instances, expected.order)


def test_polygons_say_the_same_as_run_length_codes(client: Client) -> None:
    server = client()
    rle, polygons = (
        scenes_of(Field("answer", None, "", ask(server, masks=form).json()))[0] for form in ("rle", "polygons")
    )
    assert polygons == rle


def test_boxes_may_be_bare_and_of_visible_parts(client: Client) -> None:
    said = ask(client(), boxes=[[4, 6, 40, 36]], boxes_are="visible")
    assert (said.json()["boxes_are"], len(said.json()["annotations"])) == ("visible", 1)


def test_a_path_in_a_photo_s_name_is_left_out(client: Client) -> None:
    files = {"photo": ("..\\x/secret/\x07p.png", png())}
    said = client().post("/v1/segment", data={"boxes": "[]"}, files=files)
    assert said.json()["images"][0]["file_name"] in ("p.png", "%07p.png")


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        ('[{"box": [1, 2, 3]}]', "boxes[0].box: has 3 numbers, expected [x0, y0, x1, y1]"),
        ('[{"class": "car"}]', "boxes[0].box: is missing"),
        ("[[5, 5, 1, 9]]", "[5, 5, 1, 9] has reversed corners"),
        ("[[900, 5, 950, 9]]", "lies wholly outside"),
        ("[[NaN, 5, 950, 9]]", "boxes[0][0]: is nan, expected a finite number"),
        ("[[" + "9" * 5000 + ", 5, 950, 9]]", "boxes: is not JSON"),
        ("[[", "boxes: is not JSON"),
        ("{}", "boxes: is no list"),
        ("[" * 1000 + "]" * 1000, "boxes: is nested too deeply"),
        ('[{"box": [1, 2, 3, 4], "class": 7}]', "boxes[0].class: is a number, expected a string"),
        ("[" + ",".join(["[1,2,3,4]"] * 201) + "]", "boxes: has 201, expected at most 200"),
    ],
)
def test_boxes_that_cannot_be_are_refused_with_a_sentence(client: Client, boxes: str, message: str) -> None:
    said = ask(client(), boxes=boxes)
    assert said.status_code == 422
    assert message in said.json()["error"]["message"]


@pytest.mark.parametrize("photo", [b"", b"GIF89a", b"%PDF-1.7 no photo", png()[:200]])
def test_what_is_no_whole_photo_is_refused_with_a_sentence(client: Client, photo: bytes) -> None:
    said = ask(client(), photo)
    assert said.status_code == 422
    assert said.json()["error"]["field"] == "photo"
    assert "expected a " in said.json()["error"]["message"]


def test_a_truncated_photo_is_refused(client: Client, tmp_path: Path) -> None:
    said = ask(client(), save_truncated_jpeg(tmp_path / "half.jpg").read_bytes())
    assert (said.status_code, "undamaged" in said.json()["error"]["message"]) == (422, True)


def test_a_photo_s_size_is_judged_before_it_is_decoded(client: Client, tmp_path: Path) -> None:
    save_huge_png(tmp_path / "huge.png")
    said = ask(client(), (tmp_path / "huge.png").read_bytes())
    assert said.status_code == 422
    assert said.json()["error"]["message"] == "photo: is 20000 × 20000 px, expected at most 24,000,000 pixels"


def test_too_many_bytes_are_refused(client: Client) -> None:
    said = ask(client(max_mb=0.005))
    assert (said.status_code, "at most 5,000 bytes" in said.json()["error"]["message"]) == (413, True)


def test_a_full_queue_is_said_with_the_seconds_to_wait(client: Client) -> None:
    held = Held()
    server = client(held, queue_photos=1)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(ask, server)
        held.at_work.acquire()
        refused, ready, health = ask(server), server.get("/readyz"), server.get("/healthz")
        held.go.set()
        assert first.result().status_code == 200
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert (ready.status_code, ready.json()["status"], health.status_code) == (503, "busy", 200)


def test_an_answer_that_takes_too_long_is_a_504_and_its_place_is_free_again(client: Client) -> None:
    held = Held()
    server = client(held, timeout_seconds=0.4, queue_photos=2)
    late = [ask(server).status_code for _ in range(4)]
    assert late == [504] * 4
    held.go.set()
    assert ask(server).status_code == 200
    assert held.batches == [1, 1]  # who had left was not worked on


def test_a_mistake_in_the_model_is_a_500_and_the_next_photo_is_answered(client: Client) -> None:
    server = client(Fussy([], fails_on=lambda objects: objects == 2))
    said = ask(server)
    assert (said.status_code, said.json()["error"]["message"]) == (
        500,
        "The server made a mistake. Its log says more.",
    )
    assert ask(server, boxes=BOXES[:1]).status_code == 200


def test_with_tokens_only_who_has_one_is_answered(client: Client) -> None:
    server = client(tokens=("another-token-of-ours", TOKEN))
    assert [server.get(path).status_code for path in ("/v1/models", "/metrics", "/openapi.json", "/x")] == [401] * 4
    said = ask(server)
    assert (said.status_code, said.headers["WWW-Authenticate"]) == (401, "Bearer")
    for wrong in (TOKEN, f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer ", f"Bearer {TOKEN[:-1]}"):
        assert server.get("/v1/models", headers={"Authorization": wrong}).status_code == 401
    server.headers["Authorization"] = f"Bearer {TOKEN}"
    assert (server.get("/v1/models").status_code, ask(server).status_code) == (200, 200)


def test_health_needs_no_token(client: Client) -> None:
    server = client(tokens=(TOKEN,))
    assert (server.get("/healthz").status_code, server.get("/readyz").status_code) == (200, 200)


def test_a_name_that_is_not_this_machine_s_is_not_answered(client: Client) -> None:
    assert client().get("/v1/models", headers={"Host": "evil.example"}).status_code == 403


def test_the_models_are_listed_with_the_limits(client: Client) -> None:
    said = client(max_boxes=3).get("/v1/models").json()
    assert said["models"] == [{"name": "stub", "method": "stub", "labels": ["car", "person"], "detector": None}]
    assert said["limits"]["max_boxes"] == 3


def test_metrics_count_what_happened(client: Client) -> None:
    server = client()
    for boxes in (BOXES, BOXES[:1], "[["):
        ask(server, boxes=boxes)
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(server.get("/metrics").text)
        for sample in family.samples
    }
    assert found["amodal_requests_total", "/v1/segment", "200"] == 2
    assert found["amodal_requests_total", "/v1/segment", "422"] == 1
    assert found["amodal_refused_total", "bad_input"] == 1
    assert found["amodal_photos_total",] == 2
    assert found["amodal_objects_total",] == 3
    assert found["amodal_batch_photos_count",] == 2
    assert found["amodal_request_seconds_count", "/v1/segment"] == 3
    assert found["amodal_queue_photos",] == 0
    assert found["process_resident_memory_bytes",] > 1e6


def test_many_at_once_get_each_its_own_answer(client: Client) -> None:
    server = client()
    barrier = threading.Barrier(8)

    def one(number: int) -> list[list[float]]:
        barrier.wait()
        boxes = [[1 + number + n, 2, 20 + number + n, 40] for n in range(1 + number % 3)]
        found = ask(server, png(picture(64 + number, 48, number)), boxes).json()
        assert found["images"][0]["width"] == 64 + number
        return [one["bbox"] for one in found["annotations"]]

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(one, range(8)))
    assert answers == [[[1 + k + n, 2, 19, 38] for n in range(1 + k % 3)] for k in range(8)]
