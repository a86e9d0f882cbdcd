"""A project's file in which one thing is wrong: refused in words that name it, and nothing of it stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from amodal.annotate.api.place import Place
from amodal.annotate.errors import Forbidden
from amodal.annotate.exchange.project_file import project_content
from amodal.annotate.exchange.project_read import read_project
from amodal.annotate.store.people import add_person, person_of
from amodal.annotate.store.tables import Object
from amodal.errors import AmodalError

TIME = "2026-01-31T12:00:00+00:00"


def twice(kind: str) -> Callable[[dict[str, Any]], None]:
    return lambda content: content[kind].append(content[kind][0])


def put(value: Any, *way: str | int) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        at: Any = content
        for step in way[:-1]:
            at = at[step]
        at[way[-1]] = value

    return change


def elsewhere(sha256: str) -> Callable[[dict[str, Any]], None]:
    """A photo that is not here yet, so that its row is made of the file."""
    photo = {"name": "c.png", "width": 80, "height": 60, "sha256": sha256, "boxed_by": None, "boxed_at": None}
    return lambda content: content["photos"].append({**photo, "meta": {}})


def place_twice(content: dict[str, Any]) -> None:
    content["people"].append({"name": "anna", "role": "annotator", "every_role": False})
    content["assignments"].append({**content["assignments"][0], "annotator": "anna"})


WRONG: dict[str, tuple[Callable[[dict[str, Any]], None], str]] = {
    "a mask twice": (twice("masks"), r"masks\[3\].*each mask once"),
    "an assignment twice": (twice("assignments"), r"assignments\[1\].*once"),
    "a place taken by two": (place_twice, r"assignments\[1\].*each place once"),
    "a settled object twice": (twice("consensus"), r"consensus\[3\].*each consensus once"),
    "an order twice": (twice("orders"), r"orders\[1\].*each order once"),
    "a sample twice": (put([[2, 0], [2, 0]], "samples"), r"samples\[1\].*once"),
    "a sample of three": (put([[2, 0, 0]], "samples"), r"samples\[0\].*\[stage, object\]"),
    "a round of 2^63 - 1": (put(2**63 - 1, "masks", 0, "round"), r"masks\[0\].round"),
    "a place of 2^31": (put(2**31, "assignments", 0, "place"), r"assignments\[0\].place"),
    "a third stage": (put(3, "consensus", 0, "stage"), r"consensus\[0\].stage"),
    "an endless photo": (put(2**40, "photos", 0, "width"), r"photos\[0\].width"),
    "a path for a fingerprint": (elsewhere("/home/u/x"), r"photos\[2\].sha256"),
    "a fingerprint too long": (elsewhere("a" * 65), r"photos\[2\].sha256"),
    "half a character for a fingerprint": (elsewhere("\ud800" * 64), r"photos\[2\].sha256"),
    "half a character in meta": (put({"a": "\ud800"}, "photos", 0, "meta"), r"photos\[0\].meta"),
    "NaN in meta": (put({"a": float("nan")}, "objects", 0, "meta"), r"objects\[0\].meta"),
    "time before all time": (put("0001-01-01T00:00:00+14:00", "masks", 0, "time"), r"masks\[0\].time"),
    "seconds that ran backwards": (put(-1, "masks", 0, "seconds"), r"masks\[0\].seconds"),
    "agreement above 1": (put(2.5, "consensus", 0, "agreement"), r"consensus\[0\].agreement"),
    "a name like one that is here": (put("ME", "people", 0, "name"), r"people\[0\].name.*large and small letters"),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_project_with_one_thing_wrong_is_refused_in_words(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path, what: str
) -> None:
    change, words = WRONG[what]
    content = content_of(drawn)
    change(content)
    other = new_place("other")
    with pytest.raises(AmodalError, match=words):
        read(other, content, tmp_path)
    with other.database.read() as session:
        assert not session.scalar(select(func.count()).select_from(Object))


def test_the_project_that_these_are_made_of_is_taken(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    assert read(new_place("other"), content_of(drawn), tmp_path)["objects"] == 4


def test_a_whole_project_is_the_manager_s_to_bring_not_the_expert_s(
    drawn: Place, new_place: Callable[[str], Place], tmp_path: Path
) -> None:
    other = new_place("other")
    with other.database.write() as session:
        me = person_of(session, other.alone or 0)
        erna = add_person(session, me, name="erna", role="expert", password="correct horse").id
    with pytest.raises(Forbidden, match="manager"):
        read(other, content_of(drawn), tmp_path, by=erna)


def content_of(place: Place) -> dict[str, Any]:
    with place.database.read() as session:
        content = project_content(session)
    content["assignments"] = [{"object": 0, "stage": 1, "place": 1, "annotator": "me", "time": TIME}]
    return content


def read(place: Place, content: dict[str, Any], folder: Path, by: int | None = None) -> dict[str, int]:
    file = folder / "project.json"
    file.write_text(json.dumps(content))
    with place.database.write() as session:
        return read_project(session, person_of(session, by or place.alone or 0), file)
