from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from amodal.annotate.api.place import Place
from amodal.annotate.api.security import SESSION_COOKIE
from amodal.annotate.store import people
from amodal.annotate.store.tables import Login, now
from helpers.annotate_client import PASSWORD, Person, both_databases

pytestmark = both_databases
AsPerson = Callable[[str], Person]


def test_one_person_has_every_role_without_log_in(alone: Person) -> None:
    said = alone.get("/session").json()
    assert said["mode"] == "one-person"
    assert set(said["person"]["roles"]) == {"expert", "annotator", "manager"}


def test_a_session_names_its_project_as_long_as_that_is_there(
    alone: Person, open_copy: Callable[[bool], Place], as_person: AsPerson, team: Place
) -> None:
    uid = alone.get("/session").json()["project"]
    assert len(uid) == 32
    said = as_person("anna").get("/session").json()["project"]
    assert said == Person(team).get("/session").json()["project"] != uid, "logged in or not"


def test_other_hosts_are_not_answered_without_log_in(alone: Person) -> None:
    assert alone.http.get("/api/session", headers={"Host": "evil.example"}).status_code == 403
    assert alone.http.get("/api/session", headers={"Host": "localhost:8000"}).status_code == 200


def test_nobody_sees_a_team_s_photos_without_log_in(team: Place) -> None:
    stranger = Person(team)
    for path in ("/photos", "/photos/1", "/photos/1/picture", "/people", "/tasks", "/manager/progress"):
        assert stranger.get(path).status_code == 401


def test_a_session_s_cookie_is_kept_from_scripts_and_other_sites(team: Place) -> None:
    visitor = Person(team)
    said = visitor.post("/session", {"name": "anna", "password": PASSWORD})
    cookie = next(one for one in said.headers.get_list("set-cookie") if one.startswith(SESSION_COOKIE))
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Secure" not in cookie


def test_over_https_the_cookie_is_secure(team: Place) -> None:
    visitor = Person(team)
    visitor.http.base_url = visitor.http.base_url.copy_with(scheme="https")
    visitor.token = visitor.get("/session").json()["csrf"]
    said = visitor.post("/session", {"name": "anna", "password": PASSWORD})
    assert "Secure" in said.headers["set-cookie"]


def test_a_wrong_password_and_an_unknown_name_are_told_alike(team: Place) -> None:
    visitor = Person(team)
    wrong = visitor.post("/session", {"name": "anna", "password": "wrong horse"})
    unknown = visitor.post("/session", {"name": "nobody", "password": "wrong horse"})
    assert (wrong.status_code, unknown.status_code) == (401, 401)
    assert wrong.json() == unknown.json()


def test_after_many_failed_log_ins_one_has_to_wait(team: Place) -> None:
    visitor = Person(team)
    for _ in range(team.attempts.most):
        assert visitor.post("/session", {"name": "anna", "password": "wrong horse"}).status_code == 401
    said = visitor.post("/session", {"name": "anna", "password": PASSWORD})
    assert said.status_code == 429
    assert int(said.headers["retry-after"]) > 0


def test_after_log_out_the_old_cookie_opens_nothing(as_person: AsPerson) -> None:
    anna = as_person("anna")
    token = anna.http.cookies[SESSION_COOKIE]
    assert anna.delete("/session").status_code == 200
    anna.http.cookies.set(SESSION_COOKIE, token)
    assert anna.get("/photos").status_code == 401


def test_an_expired_session_is_told_so(as_person: AsPerson, team: Place) -> None:
    anna = as_person("anna")
    with team.database.write() as session:
        for login in session.query(Login):
            login.expires = now() - timedelta(seconds=1)
    said = anna.get("/photos")
    assert said.status_code == 401
    assert "log in again" in said.json()["error"]["message"]


def test_closing_an_account_ends_its_sessions(as_person: AsPerson) -> None:
    anna, maria = as_person("anna"), as_person("maria")
    id = next(one["id"] for one in maria.get("/people").json()["people"] if one["name"] == "anna")
    assert maria.patch(f"/people/{id}", {"active": False}).status_code == 200
    assert anna.get("/photos").status_code == 401


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_writes_need_the_csrf_token(as_person: AsPerson, token: str) -> None:
    erna = as_person("erna")
    said = erna.http.post("/api/photos/1/objects", json={}, headers={"X-CSRF-Token": token.encode()})
    assert said.status_code == 403


def test_log_in_needs_the_csrf_token_too(team: Place) -> None:
    visitor = Person(team)
    visitor.token = "wrong"
    assert visitor.post("/session", {"name": "anna", "password": PASSWORD}).status_code == 403


def test_pages_of_other_origins_cannot_write(as_person: AsPerson) -> None:
    erna = as_person("erna")
    asked = {"label": "car", "box": [1, 1, 9, 9]}
    said = erna.post("/photos/1/objects", asked, headers={"Origin": "https://evil.example"})
    assert said.status_code == 403
    assert erna.post("/photos/1/objects", asked, headers={"Origin": "http://127.0.0.1:8000"}).status_code == 201


def test_every_answer_forbids_scripts_from_elsewhere(alone: Person) -> None:
    for path in ("/api/photos", "/api/nothing", "/", "/api/photos/1/picture"):
        headers = alone.http.get(path).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_log_ins_are_in_the_audit_log_failed_ones_too(as_person: AsPerson, team: Place) -> None:
    Person(team).post("/session", {"name": "anna", "password": "wrong horse"})
    maria = as_person("maria")
    lines = maria.get("/audit").json()["lines"]
    assert [(line["action"], line["subject"]) for line in lines[:2]] == [
        ("log-in", "maria"),
        ("log-in refused", "anna"),
    ]


def test_a_password_is_nowhere_in_the_answers(as_person: AsPerson) -> None:
    said = as_person("maria").get("/people").text
    assert "hash" not in said
    assert "argon2" not in said


def test_everybody_may_change_their_own_password_and_nobody_else_s(as_person: AsPerson, team: Place) -> None:
    anna, ben = as_person("anna"), as_person("ben")
    id = anna.get("/session").json()["person"]["id"]
    change = {"password": "another horse", "old_password": PASSWORD}
    assert ben.patch(f"/people/{id}", change).status_code == 403
    assert anna.patch(f"/people/{id}", change).status_code == 200
    with team.database.read() as session:
        assert people.by_password(session, "anna", "another horse") is not None


@pytest.mark.parametrize("old", [None, "wrong horse"])
@pytest.mark.parametrize("name", ["anna", "maria"])
def test_a_page_left_open_is_not_enough_for_another_password(
    as_person: AsPerson, team: Place, name: str, old: str | None
) -> None:
    person = as_person(name)
    id = person.get("/session").json()["person"]["id"]
    said = person.patch(f"/people/{id}", {"password": "another horse"} | ({} if old is None else {"old_password": old}))
    assert (said.status_code, said.json()["error"]["field"]) == (422, "old_password")
    with team.database.read() as session:
        assert people.by_password(session, name, PASSWORD) is not None


def test_an_old_password_cannot_be_found_by_trying(as_person: AsPerson) -> None:
    anna = as_person("anna")
    id = anna.get("/session").json()["person"]["id"]
    wrong = {"password": "another horse", "old_password": "wrong horse"}
    codes = [anna.patch(f"/people/{id}", wrong).status_code for _ in range(11)]
    assert codes == [422] * 10 + [429]


def test_a_manager_gives_others_a_password_without_knowing_theirs(as_person: AsPerson, team: Place) -> None:
    maria = as_person("maria")
    id = next(one["id"] for one in maria.get("/people").json()["people"] if one["name"] == "anna")
    assert maria.patch(f"/people/{id}", {"password": "another horse"}).status_code == 200
    with team.database.read() as session:
        assert people.by_password(session, "anna", "another horse") is not None
