"""Progress where stderr is no terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from amodal.cli import progress


def test_without_a_terminal_a_finished_stage_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with progress.progress_on_stderr() as report:
        for done in range(4):
            report("photos", done, 3)
    assert capsys.readouterr().err == "amodal: photos: 3 of 3\n"


def test_without_a_terminal_long_work_says_now_and_then_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([0, 10, 29, 31, 40, 61, 62])  # the beginning, then one for each step
    monkeypatch.setattr(progress, "time", SimpleNamespace(monotonic=lambda: next(seconds)))
    with progress.progress_on_stderr() as report:
        for done in range(1, 7):
            report("train", done, 7)
    assert capsys.readouterr().err == (
        "amodal: train: 3 of 7, 0.0952/s, 0:00:42 left\n"  # two in 21 seconds, four are left
        "amodal: train: 5 of 7, 0.0784/s, 0:00:26 left\n"  # four in 51 seconds, two are left
    )
