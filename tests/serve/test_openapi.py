"""The OpenAPI document: what it says is what the server does, whatever it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")
pytest.importorskip("schemathesis", reason="schemathesis is not installed")

import schemathesis
from fastapi import FastAPI
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, settings

from amodal.data.fields import Field
from amodal.data.results import scenes_of
from amodal.serve.app import create_app
from amodal.serve.openapi import contract
from amodal.serve.schemas import BOXES_EXAMPLE, EXAMPLE
from helpers.served import png, stub_served

ROOT = Path(__file__).parents[2]
HOST = "http://127.0.0.1:8080"


def test_the_kept_document_is_what_the_routes_say() -> None:
    kept = ROOT / "docs" / "serve-openapi.json"
    if not kept.is_file():
        pytest.skip("docs/ is not here")
    assert kept.read_text("utf-8") == contract(), "run `python -m amodal.serve.openapi > docs/serve-openapi.json`"


def test_the_example_of_an_answer_is_a_scene_of_ours() -> None:
    (scene,) = scenes_of(Field("example", None, "", EXAMPLE))
    assert [one.occlusion for one in scene.instances] == [one["occlusion"] for one in EXAMPLE["annotations"]]
    assert [one.amodal.area for one in scene.instances] == [one["area"] for one in EXAMPLE["annotations"]]


@pytest.fixture(scope="module")
def server() -> Iterator[TestClient]:
    with TestClient(create_app(stub_served()), base_url=HOST, raise_server_exceptions=False) as client:
        yield client


def test_the_example_of_boxes_is_taken(server: TestClient) -> None:
    said = server.post("/v1/segment", data={"boxes": BOXES_EXAMPLE}, files={"photo": ("a.png", png(None))})
    assert "lies wholly outside" in said.json()["error"]["message"]  # of this small photo, all else is fine


def ready_app() -> FastAPI:
    """Answers once the model is warm: before that /readyz says 503, and is right."""
    app = create_app(stub_served())
    running = app.router.lifespan_context

    @asynccontextmanager
    async def ready(app: FastAPI) -> AsyncIterator[None]:
        async with running(app):
            while not app.state.service.line.is_ready:
                await asyncio.sleep(0.005)
            yield

    app.router.lifespan_context = ready
    return app


schema = schemathesis.openapi.from_dict(json.loads(contract()))


@schema.parametrize()
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
def test_whatever_is_sent_the_server_makes_no_mistake(case: schemathesis.Case) -> None:
    if isinstance(case.body, dict) and case.body.get("photo") and len(str(case.body)) % 2:
        case.body["photo"] = png()  # nobody makes a photo by chance
    said = case.call(app=ready_app(), base_url=HOST)  # it starts and ends the application each time
    assert said.status_code < 500, said.text
    if said.status_code >= 400:
        assert said.json()["error"]["message"]
