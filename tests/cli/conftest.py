"""A command line with a segmenter that needs no model, a photo, and boxes for it."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest

from amodal.cli import annotate, serve, view
from amodal.cli.main import main
from amodal.segmenter import METHODS
from helpers.command_line import Amodal, Outcome, save_boxes, save_photo


@pytest.fixture
def amodal(capsys: pytest.CaptureFixture[str]) -> Amodal:
    """Runs a command in this process."""

    def run(*arguments: object) -> Outcome:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """The addresses that commands would have taken; tests that run beside each other would take the same."""
    asked: list[tuple[str, int]] = []

    def bind(*address: Any) -> nullcontext[None]:
        asked.append(address)
        return nullcontext()

    for command in (annotate, serve, view):
        monkeypatch.setattr(command, "bind", bind)
    return asked


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes the default method one that needs no model."""
    for method in ("student", "orm"):
        monkeypatch.setitem(METHODS, method, "helpers.stub_segmenter:load")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_photo(tmp_path / "street.jpg")


@pytest.fixture
def boxes(tmp_path: Path) -> Path:
    return save_boxes(tmp_path / "boxes.json", {"street.jpg": [[4, 6, 40, 36], [20, 10, 60, 44]]})
