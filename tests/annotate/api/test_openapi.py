"""The contract: what the page's client was made from is what the server does, whatever it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from amodal.annotate.api.openapi import contract
from helpers.annotate_client import HOST, Person, app_of, project

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis is not installed")

from hypothesis import HealthCheck, settings  # noqa: E402

ROOT = Path(__file__).parents[3]


def test_the_kept_contract_is_what_the_routes_say() -> None:
    kept = ROOT / "web" / "openapi.json"
    if not kept.is_file():
        pytest.skip("web/ is not here")
    said = "run `python -m amodal.annotate.api.openapi > web/openapi.json`"
    assert kept.read_text("utf-8") == contract(), said


def test_every_route_says_who_is_refused() -> None:
    for path, methods in json.loads(contract())["paths"].items():
        for method, route in methods.items():
            assert {"401", "403", "404", "422"} <= set(route["responses"]), (method, path)


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Person]:
    """One person's project with objects, masks and an order in it."""
    place = project(tmp_path_factory.mktemp("fuzzed"), method="box")
    me = Person(place)
    a, b = me.box(1, 5, 5, 30, 30), me.box(1, 20, 5, 50, 30)
    me.put("/photos/1/order", {"version": 0, "edges": [[a, b]]})
    me.draw(a, 5, 5, 30, 30)
    yield me
    place.database.close()


schema = schemathesis.openapi.from_dict(json.loads(contract()))


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
def test_whatever_is_sent_the_server_makes_no_mistake(case: object, fuzzed: Person) -> None:
    headers = {"X-CSRF-Token": fuzzed.token, "Host": "127.0.0.1:8000"}
    app = app_of(fuzzed.http.app.state.place)  # type: ignore[attr-defined]
    said = case.call(app=app, base_url=HOST, headers=headers)  # type: ignore[attr-defined]
    assert said.status_code < 500, said.text
    if said.status_code >= 400:
        assert said.json()["error"]["message"]
