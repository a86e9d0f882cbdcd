"""The contract: what the page's client was made from is what the server does, whatever it is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from amodal.annotate.api.openapi import contract
from amodal.annotate.api.place import Place
from amodal.annotate.api.security import SESSION_COOKIE
from amodal.annotate.store import people
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


def check(case: Any, place: Place, token: str, cookies: dict[str, str] | None = None) -> int:
    """Send it; whatever it is, the answer is no mistake, and a refusal has words. The answer's status."""
    headers = {"X-CSRF-Token": token, "Host": "127.0.0.1:8000"}
    said = case.call(app=app_of(place), base_url=HOST, headers=headers, cookies=cookies)
    assert said.status_code < 500, said.text
    if said.status_code >= 400:
        assert said.json()["error"]["message"]
    return int(said.status_code)


@schema.parametrize()
@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
def test_whatever_is_sent_the_server_makes_no_mistake(case: Any, fuzzed: Person) -> None:
    check(case, fuzzed.http.app.state.place, fuzzed.token)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def fuzzed_team(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A team's project in which everybody has done something."""
    place = project(tmp_path_factory.mktemp("fuzzed-team"), team=True, method="box")
    erna, anna = Person(place, "erna"), Person(place, "anna")
    a, b = erna.box(1, 5, 5, 30, 30), erna.box(1, 20, 5, 50, 30)
    erna.put("/photos/1/order", {"version": 0, "edges": [[a, b]]})
    erna.patch("/photos/1", {"boxed": True})
    anna.draw(a, 5, 5, 30, 30)
    yield place
    place.database.close()


@pytest.mark.parametrize(("name", "role"), [("erna", "expert"), ("anna", "annotator"), ("maria", "manager")])
@schema.parametrize()
@settings(max_examples=2, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True)
def test_whoever_of_a_team_sends_it_the_server_makes_no_mistake(
    case: Any, fuzzed_team: Place, name: str, role: str
) -> None:
    with fuzzed_team.database.write() as session:  # what was sent before may have logged out, or changed people
        person = next(one for one in people.people(session) if one.name == name)
        person.role, person.active = role, True
        secret, login = people.log_in(session, person)
        token = login.csrf
    status = check(case, fuzzed_team, token, {SESSION_COOKIE: secret})
    assert status != 401 or case.path == "/api/session", "was not logged in"
