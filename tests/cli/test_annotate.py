"""The commands that open the page, up to the moment a server would run."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra `annotate` is not installed")

from helpers.annotate_client import save_photos
from helpers.command_line import Amodal


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What would have been served."""
    calls: list[tuple[object, ...]] = []
    monkeypatch.setattr("amodal.cli.annotate.serve", lambda *asked, **_: calls.append(asked))
    return calls


def test_a_project_is_made_and_served_at_this_machine(
    amodal: Amodal, served: list[tuple[object, ...]], tmp_path: Path
) -> None:
    outcome = amodal("annotate", tmp_path / "project", "--images", save_photos(tmp_path / "photos"))
    assert outcome.code == 0
    assert (tmp_path / "project" / "project.sqlite").is_file()
    assert served[0][1:] == ("127.0.0.1", 8000)


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


@pytest.mark.usefixtures("served")
def test_a_backup_restores_to_the_same_project(amodal: Amodal, tmp_path: Path) -> None:
    assert amodal("annotate", tmp_path / "one", "--images", save_photos(tmp_path / "photos")).code == 0
    assert amodal("annotate", tmp_path / "one", "--backup", tmp_path / "b.zip").code == 0
    assert amodal("annotate", tmp_path / "two", "--restore", tmp_path / "b.zip").code == 0
    assert (tmp_path / "two" / "project.sqlite").is_file()
    outcome = amodal("annotate", tmp_path / "two", "--restore", tmp_path / "b.zip")
    assert (outcome.code, "is there already" in outcome.err) == (2, True)


def test_view_without_results_is_refused(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("view", tmp_path)
    assert (outcome.code, "holds none" in outcome.err) == (2, True)
