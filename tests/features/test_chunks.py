"""How many crops a pass should have: measured once, kept, and measured again when what is kept is no good."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from amodal.errors import InputError
from amodal.features import chunks
from amodal.features.chunks import CANDIDATES, CHUNK, Measured, best_of, chunk_for

EIGHT_IS_BEST: Measured = {1: 12.0, 2: 10.0, 4: 9.0, 8: 7.0, 16: 13.0}


@pytest.fixture(autouse=True)
def nothing_is_fixed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AMODAL_CHUNK", raising=False)


class Machine:
    """Counts how often it is measured."""

    def __init__(self, found: Measured | None) -> None:
        self.found, self.asked = found, list[tuple[str, int]]()

    def __call__(self, backbone: str, threads: int) -> Measured | None:
        self.asked.append((backbone, threads))
        return self.found


def test_the_fastest_is_taken() -> None:
    assert best_of(EIGHT_IS_BEST) == 8


def test_what_is_a_little_faster_than_the_usual_number_is_noise() -> None:
    assert best_of({**EIGHT_IS_BEST, 8: 8.8}) == CHUNK


def test_a_machine_is_measured_once(tmp_path: Path) -> None:
    machine = Machine(EIGHT_IS_BEST)
    assert [chunk_for("a", 1, cache=tmp_path, measure=machine) for _ in range(3)] == [8, 8, 8]
    assert machine.asked == [("a", 1)]


def test_who_waits_for_it_is_told_and_who_does_not_is_not(tmp_path: Path) -> None:
    words: list[str] = []
    for _ in range(2):
        chunk_for("a", 1, cache=tmp_path, measure=Machine(EIGHT_IS_BEST), say=words.append)
    assert [word.partition(",")[0] for word in words] == ["measuring"]


@pytest.mark.parametrize(("backbone", "threads"), [("b", 1), ("a", 2)])
def test_another_backbone_or_other_threads_are_measured_anew(backbone: str, threads: int, tmp_path: Path) -> None:
    machine = Machine(EIGHT_IS_BEST)
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    chunk_for(backbone, threads, cache=tmp_path, measure=machine)
    assert machine.asked == [("a", 1), (backbone, threads)]


@pytest.mark.parametrize("what", ["cpu_name", "cores"])
def test_another_processor_is_measured_anew(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(EIGHT_IS_BEST)
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    monkeypatch.setattr(chunks, what, lambda: "another")
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    assert len(machine.asked) == 2


def cut_short(said: str) -> str:
    return said[: len(said) // 2]


def with_value(value: object) -> Callable[[str], str]:
    return lambda said: json.dumps(json.loads(said) | {"chunk": value})


BROKEN = [cut_short, with_value(3), with_value("8"), with_value(True), lambda _: "[]", lambda _: "", lambda _: "\0"]


@pytest.mark.parametrize("broken", BROKEN)
def test_a_broken_cache_is_measured_anew_and_mended(broken: Callable[[str], str], tmp_path: Path) -> None:
    machine = Machine(EIGHT_IS_BEST)
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    (file,) = (tmp_path / "chunks").iterdir()
    whole = file.read_text()
    file.write_text(broken(whole))
    assert chunk_for("a", 1, cache=tmp_path, measure=machine) == 8
    assert (len(machine.asked), file.read_text()) == (2, whole)


def test_what_was_measured_of_another_machine_is_not_taken(tmp_path: Path) -> None:
    machine = Machine(EIGHT_IS_BEST)
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    (file,) = (tmp_path / "chunks").iterdir()
    said = json.loads(file.read_text())
    file.write_text(json.dumps({**said, "key": {**said["key"], "cpu": "another"}}))
    chunk_for("a", 1, cache=tmp_path, measure=machine)
    assert len(machine.asked) == 2


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "chunks").write_text("a file where the folder would be")
    assert chunk_for("a", 1, cache=tmp_path, measure=Machine(EIGHT_IS_BEST)) == 8


def test_where_measuring_fails_it_is_the_usual_number_and_nothing_is_kept(tmp_path: Path) -> None:
    assert chunk_for("a", 1, cache=tmp_path, measure=Machine(None)) == CHUNK
    assert list(tmp_path.iterdir()) == []


def test_the_environment_fixes_it_and_nothing_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMODAL_CHUNK", "3")
    machine = Machine(EIGHT_IS_BEST)
    assert (chunk_for("a", 1, cache=tmp_path, measure=machine), machine.asked) == (3, [])


@pytest.mark.parametrize("said", ["0", "65", "-1", "four", "4.0", "٤"])
def test_an_environment_that_says_no_number_of_crops_is_refused(said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMODAL_CHUNK", said)
    with pytest.raises(InputError, match="AMODAL_CHUNK"):
        chunk_for("a", 1)


def test_a_small_backbone_is_really_measured_in_a_process_of_its_own(tmp_path: Path) -> None:
    assert chunk_for("test_efficientnet", 1, cache=tmp_path) in CANDIDATES
    (file,) = (tmp_path / "chunks").iterdir()
    taken = json.loads(file.read_text())["milliseconds_a_crop"]
    assert {int(size) for size in taken} == set(CANDIDATES)
    assert all(0 < ms < 10_000 for ms in taken.values())


def test_a_backbone_that_cannot_be_built_leaves_the_usual_number(tmp_path: Path) -> None:
    assert chunk_for("no_such_network", 1, cache=tmp_path) == CHUNK
