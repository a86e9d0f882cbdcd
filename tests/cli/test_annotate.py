"""The commands that open the page, up to the moment a server would run."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `annotate` is not installed")

from amodal.annotate.api.opening import open_place
from amodal.annotate.api.taking_in import Register
from helpers.annotate_client import save_photos
from helpers.command_line import Amodal


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What would have been served."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr("amodal.cli.annotate.serve", lambda *asked, **_: calls.append(asked))
    return calls


def test_a_project_is_made_and_served_at_this_machine(
    amodal: Amodal, served: list[tuple[object, ...]], taken: list[tuple[str, int]], tmp_path: Path
) -> None:
    outcome = amodal("annotate", tmp_path / "project", "--images", save_photos(tmp_path / "photos"))
    assert outcome.code == 0
    assert (tmp_path / "project" / "project.sqlite").is_file()
    assert (taken, len(served)) == ([("127.0.0.1", 8000)], 1)


def test_without_log_in_no_other_machine_is_answered(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("annotate", tmp_path / "project", "--host", "0.0.0.0")
    assert outcome.code == 2
    assert "--team" in outcome.err


def test_a_folder_of_photos_that_is_not_there_is_refused(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("annotate", tmp_path / "project", "--images", tmp_path / "nothing")
    assert (outcome.code, "--images" in outcome.err) == (2, True)


@pytest.mark.parametrize(("option", "words"), [("--method", "student"), ("--model", "found no file")])
def test_a_method_or_model_that_is_none_is_refused_before_anything_is_made(
    amodal: Amodal, served: list[tuple[object, ...]], tmp_path: Path, option: str, words: str
) -> None:
    outcome = amodal("annotate", tmp_path / "project", option, "no-such")
    assert (outcome.code, served, (tmp_path / "project").exists()) == (2, [], False)
    assert f"{option}: found" in outcome.err and "'no-such'" in outcome.err and words in outcome.err


def test_the_names_are_checked_without_loading_a_model() -> None:
    code = "import sys; from amodal.annotate.help.propose import check_names; check_names('default', 'orm', 'x')"
    subprocess.run([sys.executable, "-c", f"{code}; sys.exit('torch' in sys.modules)"], check=True)


def test_a_team_s_first_manager_is_asked_for_once(
    amodal: Amodal, served: list[tuple[object, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    assert amodal("annotate", tmp_path / "project", "--team", "--manager", "maria").code == 0
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    assert amodal("annotate", tmp_path / "project", "--team").code == 0
    assert len(served) == 2


MANAGER = ("--team", "--manager", "maria")


@pytest.fixture
def solo(amodal: Amodal, served: list[tuple[object, ...]], tmp_path: Path) -> Path:
    """A project that one person has opened."""
    assert amodal("annotate", tmp_path / "project").code == 0
    served.clear()
    return tmp_path / "project"


class Terminal(io.StringIO):
    """Somebody who types."""

    def isatty(self) -> bool:
        return True


def test_a_project_of_one_person_becomes_a_team_s_only_where_that_is_said(
    amodal: Amodal, served: list[tuple[object, ...]], solo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("correct horse\n"))
    outcome = amodal("annotate", solo, *MANAGER)
    assert (outcome.code, served) == (2, [])
    assert "project of one person" in outcome.err and "--from-solo" in outcome.err
    assert amodal("annotate", solo).code == 0  # and is still that
    outcome = amodal("annotate", solo, *MANAGER, "--from-solo")
    assert (outcome.code, "is a team's now" in outcome.err) == (0, True)


def test_leaving_solo_is_not_asked_for_without_a_team(
    amodal: Amodal, served: list[tuple[object, ...]], solo: Path
) -> None:
    outcome = amodal("annotate", solo, "--from-solo")
    assert (outcome.code, served) == (2, [])
    assert "--from-solo: found without --team" in outcome.err


@pytest.mark.parametrize(("said", "code"), [("yes", 0), ("", 2), ("n", 2)])
def test_on_a_terminal_that_is_asked(
    amodal: Amodal,
    served: list[tuple[object, ...]],
    solo: Path,
    monkeypatch: pytest.MonkeyPatch,
    said: str,
    code: int,
) -> None:
    monkeypatch.setattr(sys, "stdin", Terminal(f"{said}\n"))
    monkeypatch.setattr("getpass.getpass", lambda _: "correct horse")
    assert amodal("annotate", solo, *MANAGER).code == code
    assert len(served) == (code == 0)


@pytest.mark.usefixtures("served")
def test_a_backup_restores_to_the_same_project(amodal: Amodal, tmp_path: Path) -> None:
    assert amodal("annotate", tmp_path / "one", "--images", save_photos(tmp_path / "photos")).code == 0
    assert amodal("annotate", tmp_path / "one", "--backup", tmp_path / "b.zip").code == 0
    again = amodal("annotate", tmp_path / "one", "--backup", tmp_path / "b.zip")
    assert (again.code, "b.zip: backup: is there already" in again.err) == (2, True)
    assert amodal("annotate", tmp_path / "two", "--restore", tmp_path / "b.zip").code == 0
    assert (tmp_path / "two" / "project.sqlite").is_file()
    outcome = amodal("annotate", tmp_path / "two", "--restore", tmp_path / "b.zip")
    assert (outcome.code, "is there already" in outcome.err) == (2, True)


@pytest.mark.usefixtures("served")
def test_backup_and_restore_say_how_many_photos_are_not_in_the_file(amodal: Amodal, tmp_path: Path) -> None:
    place = open_place(tmp_path / "one", images=save_photos(tmp_path / "photos"))
    Register(place).run()
    place.database.close()
    backup = amodal("annotate", tmp_path / "one", "--backup", tmp_path / "b.zip")
    restored = amodal("annotate", tmp_path / "two", "--restore", tmp_path / "b.zip")
    assert "the files of 2 photos are not in it" in backup.out
    assert "2 photos were not in the backup: start with --images" in restored.out


def test_a_file_as_project_is_refused_in_words(amodal: Amodal, tmp_path: Path) -> None:
    (tmp_path / "cars.json").write_text("{}")
    outcome = amodal("annotate", tmp_path / "cars.json")
    assert (outcome.code, "is a file, expected a folder" in outcome.err) == (2, True)


def test_view_without_results_is_refused(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("view", tmp_path)
    assert (outcome.code, "holds none" in outcome.err) == (2, True)
