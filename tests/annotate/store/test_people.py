from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Forbidden, Invalid
from amodal.annotate.store import audit
from amodal.annotate.store import people as store
from amodal.annotate.store.tables import Audit, Login, Revision, now
from helpers.annotation import PASSWORD, Team, car, photo, team


@pytest.fixture
def all_of(session: Session) -> Team:
    return team(session)


def test_the_first_person_must_be_a_manager_and_adds_the_others(session: Session) -> None:
    store.create_project(session, "street")
    with pytest.raises(Invalid, match="expected 'manager'"):
        store.add_person(session, None, name="Ann", role="annotator", password=PASSWORD)
    store.add_person(session, None, name="Mia", role="manager", password=PASSWORD)
    with pytest.raises(Forbidden, match="a manager must add others"):
        store.add_person(session, None, name="Max", role="manager", password=PASSWORD)


def test_only_managers_change_people_and_the_project(session: Session, all_of: Team) -> None:
    for person in (all_of.expert, all_of.annotators[0]):
        with pytest.raises(Forbidden, match="needs the role manager"):
            store.add_person(session, person, name="x", role="annotator", password=PASSWORD)
        with pytest.raises(Forbidden):
            store.change_person(session, person, all_of.manager.id, active=False)
        with pytest.raises(Forbidden):
            store.change_project(session, person, name="x")


def test_the_last_active_manager_must_stay_one(session: Session, all_of: Team) -> None:
    for change in ({"role": "expert"}, {"active": False}):
        with pytest.raises(Invalid, match="last active manager"), session.begin_nested():
            store.change_person(session, all_of.manager, all_of.manager.id, **change)


def test_a_manager_who_cannot_log_in_does_not_count_as_the_last_one(session: Session, all_of: Team) -> None:
    other = store.add_person(session, all_of.manager, name="Max", role="manager", password=PASSWORD)
    other.password_hash = None  # as imported people are, or who worked here alone before
    for change in ({"role": "expert"}, {"active": False}):
        with pytest.raises(Invalid, match="last active manager"), session.begin_nested():
            store.change_person(session, all_of.manager, all_of.manager.id, **change)


def test_passwords_are_kept_as_hashes_and_stand_in_no_revision(session: Session, all_of: Team) -> None:
    kept = all_of.expert.password_hash
    assert kept is not None and kept.startswith("$argon2id$") and PASSWORD not in kept
    said = str([row.payload for row in session.scalars(select(Revision))])
    said += str([row.detail for row in session.scalars(select(Audit))])
    assert PASSWORD not in said and kept not in said


@pytest.mark.parametrize("password", ["short", "x" * 201])
def test_passwords_too_short_or_too_long_are_refused(session: Session, all_of: Team, password: str) -> None:
    with pytest.raises(Invalid, match="expected 8 to 200"):
        store.change_person(session, all_of.expert, all_of.expert.id, password=password)


def test_logging_in_needs_the_name_the_password_and_an_active_account(session: Session, all_of: Team) -> None:
    assert store.by_password(session, "Eva", PASSWORD) is all_of.expert
    assert store.by_password(session, "Eva", "wrong horse") is None
    assert store.by_password(session, "Nobody", PASSWORD) is None
    store.change_person(session, all_of.manager, all_of.expert.id, active=False)
    assert store.by_password(session, "Eva", PASSWORD) is None


def test_a_session_ends_by_time_by_logging_out_and_with_the_account(session: Session, all_of: Team) -> None:
    token, login = store.log_in(session, all_of.expert)
    found = store.login_of(session, token)
    assert found is not None and found.person is all_of.expert
    assert session.get(Login, token) is None, "the token itself must not be kept"
    login.expires = now() - timedelta(seconds=1)
    assert store.login_of(session, token) is None
    other, _ = store.log_in(session, all_of.expert)
    store.log_out(session, other)
    assert store.login_of(session, other) is None
    third, _ = store.log_in(session, all_of.expert)
    store.change_person(session, all_of.expert, all_of.expert.id, password="another horse")
    assert store.login_of(session, third) is None


@pytest.mark.parametrize("name", ["", "  ", "a/b", "..\\x", "<script>", "a\nb", "\x00", "x" * 201, "\u202eabc"])
def test_names_that_could_be_paths_or_tags_are_refused(session: Session, all_of: Team, name: str) -> None:
    with pytest.raises(Invalid, match="name"):
        store.add_person(session, all_of.manager, name=name, role="expert", password=PASSWORD)


def test_a_name_is_taken_once(session: Session, all_of: Team) -> None:
    with pytest.raises(Invalid, match="already somebody called 'Eva'"):
        store.add_person(session, all_of.manager, name=" Eva ", role="expert", password=PASSWORD)
    assert len(store.people(session)) == 5, "the session goes on after the refusal"


def test_who_works_alone_has_every_role_and_no_password(session: Session) -> None:
    store.create_project(session, "street", annotators_per_object=1)
    alone = store.person_alone(session)
    assert alone is store.person_alone(session)
    assert alone.roles == ("expert", "annotator", "manager")
    assert store.by_password(session, alone.name, "") is None


def test_a_teams_project_cannot_be_opened_alone(session: Session, all_of: Team) -> None:
    with pytest.raises(Forbidden, match="team mode"):
        store.person_alone(session)


def test_a_project_that_was_one_person_s_is_closed_to_whoever_comes_without_log_in(session: Session) -> None:
    store.create_project(session, "street", annotators_per_object=1)
    alone = store.person_alone(session)
    store.add_person(session, alone, name="Mia", role="manager", password=PASSWORD)
    with pytest.raises(Forbidden, match="--team"):
        store.person_alone(session)


def test_a_class_that_objects_have_cannot_be_taken_away(session: Session, all_of: Team) -> None:
    car(session, all_of.expert, photo(session, all_of.expert).id)
    with pytest.raises(Invalid, match="'car'"):
        store.change_project(session, all_of.manager, categories=[{"name": "tram", "group": "vehicle"}])


@pytest.mark.parametrize(
    "change",
    [{"annotators_per_object": 0}, {"agreement_threshold": 1.1}, {"agreement_threshold": float("nan")},
     {"max_rounds": 0}, {"categories": []}, {"stage": 2}],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(session: Session, all_of: Team, change: dict[str, object]) -> None:
    with pytest.raises(Invalid), session.begin_nested():
        store.change_project(session, all_of.manager, **change)


def test_two_managers_cannot_overwrite_each_others_settings(session: Session, all_of: Team) -> None:
    store.change_project(session, all_of.manager, version=1, max_rounds=5)
    with pytest.raises(Conflict) as conflict:
        store.change_project(session, all_of.manager, version=1, max_rounds=7)
    assert conflict.value.current["max_rounds"] == 5


def test_the_audit_says_who_did_what_and_only_managers_read_it(session: Session, all_of: Team) -> None:
    store.change_person(session, all_of.manager, all_of.expert.id, role="annotator")
    session.flush()
    newest = audit.lines(session, all_of.manager, limit=1)[0]
    assert (newest["person"], newest["action"], newest["subject"]) == ("Mia", "change person", "Eva")
    with pytest.raises(Forbidden):
        audit.lines(session, all_of.expert)
