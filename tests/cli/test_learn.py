"""`amodal learn`: what it passes on, what it refuses before hours of work."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from helpers.command_line import Amodal


@dataclass(frozen=True)
class StubReport:
    learned: dict[str, int]
    skipped: dict[str, int]

    def table(self) -> str:
        return "class  boxes\ncar    350"


@dataclass(frozen=True)
class StubConfig:
    split: str = "train"
    classes: tuple[str, ...] = ()
    seed: int = 0


Calls = list[dict[str, Any]]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """Puts a learner in place that only writes down how it was called."""
    seen: Calls = []

    def learn(data: Path, images: Path, out: Path, **more: Any) -> StubReport:
        seen.append({"data": data, "images": images, "out": out, **more})
        more["progress"]("kernels", 10, 10)
        return StubReport({"car": 350}, {"tram": 0})

    module = ModuleType("amodal.compnet.learn")
    module.__dict__.update(LearnConfig=StubConfig, LearnReport=StubReport, learn=learn)
    if "amodal.compnet" not in sys.modules:
        monkeypatch.setitem(sys.modules, "amodal.compnet", ModuleType("amodal.compnet"))
    monkeypatch.setitem(sys.modules, "amodal.compnet.learn", module)
    sys.modules.pop("amodal.cli.learn", None)  # it holds on to the learner that it was imported with
    yield seen
    sys.modules.pop("amodal.cli.learn", None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / "annotations.json"
    path.write_text("{}")
    return path


def test_arguments_reach_the_learner(amodal: Amodal, calls: Calls, data: Path, tmp_path: Path) -> None:
    out, work = tmp_path / "models" / "m.safetensors", tmp_path / "work"
    more = ("--work", work, "--seed", 3, "--classes", "car", "van")
    outcome = amodal("learn", "--data", data, "--images", tmp_path, "--out", out, *more)
    assert outcome.code == 0, outcome.err
    (call,) = calls
    assert (call["data"], call["images"], call["out"], call["work"]) == (data, tmp_path, out, work)
    assert call["config"] == StubConfig(seed=3, classes=("car", "van"))


def test_the_table_of_classes_is_printed_and_progress_goes_to_stderr(
    amodal: Amodal, calls: Calls, data: Path, tmp_path: Path
) -> None:
    outcome = amodal("learn", "--data", data, "--images", tmp_path, "--out", tmp_path / "m.safetensors")
    assert "car    350" in outcome.out
    assert "kernels: 10 of 10" in outcome.err


def test_the_table_is_json_where_asked_for(amodal: Amodal, calls: Calls, data: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    outcome = amodal("learn", "--data", data, "--images", tmp_path, "--out", out, "--json")
    learned = {"learned": {"car": 350}, "skipped": {"tram": 0}}
    assert json.loads(outcome.out) == {"model": str(out), **learned, "student": None}


Wrong = Callable[[Path], tuple[object, object, object]]
WRONG: dict[str, tuple[Wrong, str]] = {
    "no data": (lambda folder: (folder / "no.json", folder, folder / "m.safetensors"), "no.json"),
    "no images": (
        lambda folder: (folder / "annotations.json", folder / "no", folder / "m.safetensors"),
        "--images",
    ),
    "another suffix": (lambda folder: (folder / "annotations.json", folder, folder / "m.pt"), ".safetensors"),
    "below a file": (
        lambda folder: (folder / "annotations.json", folder, folder / "annotations.json" / "m.safetensors"),
        "cannot be written",
    ),
}


@pytest.mark.parametrize("kind", WRONG)
def test_wrong_use_is_refused_before_learning_begins(
    amodal: Amodal, calls: Calls, data: Path, tmp_path: Path, kind: str
) -> None:
    make, said = WRONG[kind]
    given, images, out = make(tmp_path)
    outcome = amodal("learn", "--data", given, "--images", images, "--out", out)
    assert outcome.code == 2
    assert said in outcome.err
    assert calls == []


def test_ctrl_c_says_that_finished_stages_are_kept(
    amodal: Amodal, calls: Calls, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["amodal.compnet.learn"], "learn", stopped)
    out, work = tmp_path / "m.safetensors", tmp_path / "work"
    outcome = amodal("learn", "--data", data, "--images", tmp_path, "--out", out, "--work", work)
    assert outcome.code == 130
    assert f"finished stages are kept in {work}" in outcome.err
    assert not out.exists()
