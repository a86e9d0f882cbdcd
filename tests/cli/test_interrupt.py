"""Ctrl-C, and the unexpected, in the middle of a run."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from amodal.cli.segmenting import PHOTOS_AT_ONCE
from amodal.data.results import read_scenes
from amodal.scene import Scene
from helpers.command_line import Amodal, contents, save_boxes, save_photo
from helpers.stub_segmenter import StubSegmenter

pytestmark = pytest.mark.usefixtures("stub")


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    return [save_photo(tmp_path / f"photo{number}.jpg") for number in range(PHOTOS_AT_ONCE + 2)]


@pytest.fixture
def boxes(tmp_path: Path, photos: list[Path]) -> Path:
    return save_boxes(tmp_path / "boxes.json", {photo.name: [[1, 1, 30, 30]] for photo in photos})


Break = Callable[[int, type[BaseException]], None]


@pytest.fixture
def break_at(monkeypatch: pytest.MonkeyPatch) -> Break:
    """Makes the segmenter raise something at a call of this number."""

    def plan(number: int, error: type[BaseException]) -> None:
        calls = []
        whole = StubSegmenter.segment_batch

        def segment_batch(
            self: StubSegmenter, photos: Sequence[np.ndarray], *rest: object, **more: object
        ) -> list[Scene]:
            calls.append(len(photos))
            if len(calls) == number:
                raise error("stopped here")
            return whole(self, photos, *rest, **more)  # type: ignore[arg-type]

        monkeypatch.setattr(StubSegmenter, "segment_batch", segment_batch)

    return plan


def test_ctrl_c_leaves_earlier_results_as_they_were_and_keeps_finished_photos(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path, break_at: Break
) -> None:
    out = tmp_path / "out"
    assert amodal("predict", photos[0], "--boxes", boxes, "--out", out).code == 0
    before = contents(out)
    break_at(2, KeyboardInterrupt)
    outcome = amodal("predict", *photos, "--boxes", boxes, "--out", out)
    assert outcome.code == 130
    assert f"{PHOTOS_AT_ONCE} of {len(photos)} photos are finished and kept in {out / 'unfinished'}" in outcome.err
    after = contents(out)
    assert {name: after[name] for name in before} == before
    assert len(read_scenes(out / "unfinished" / "scenes.json")) == PHOTOS_AT_ONCE
    assert (out / "unfinished" / "index.html").exists()
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


def test_ctrl_c_before_the_first_photo_leaves_nothing(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path, break_at: Break
) -> None:
    break_at(1, KeyboardInterrupt)
    outcome = amodal("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out")
    assert outcome.code == 130
    assert "nothing was written" in outcome.err
    assert not (tmp_path / "out").exists()


def test_a_second_interrupted_run_does_not_touch_what_the_first_has_kept(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path, break_at: Break
) -> None:
    arguments = ("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    break_at(2, KeyboardInterrupt)
    amodal(*arguments)
    break_at(2, KeyboardInterrupt)
    amodal(*arguments)
    assert set(contents(tmp_path / "out")) == {"unfinished/scenes.json", "unfinished-2/scenes.json"}


def test_an_unexpected_error_keeps_its_traceback_and_finished_photos(
    amodal: Amodal, photos: list[Path], boxes: Path, tmp_path: Path, break_at: Break
) -> None:
    break_at(2, ZeroDivisionError)
    with pytest.raises(ZeroDivisionError):
        amodal("predict", *photos, "--boxes", boxes, "--out", tmp_path / "out", "--no-pictures")
    assert set(contents(tmp_path / "out")) == {"unfinished/scenes.json"}


SLOW_PROGRAM = """
import signal, sys, time
from helpers.stub_segmenter import StubSegmenter
from amodal.cli.main import main
from amodal.segmenter import METHODS

def slow(self, *args, **more):
    print("working", flush=True)
    time.sleep(60)

StubSegmenter.segment_batch = slow
METHODS["student"] = "helpers.stub_segmenter:load"
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits it ignored
sys.exit(main(sys.argv[1:]))
"""


def test_a_real_signal_ends_the_program_with_130_and_no_traceback(
    photos: list[Path], boxes: Path, tmp_path: Path
) -> None:
    arguments = ["predict", str(photos[0]), "--boxes", str(boxes), "--out", str(tmp_path / "out")]
    program = subprocess.Popen(
        [sys.executable, "-c", SLOW_PROGRAM, *arguments],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert program.stdout is not None
    assert program.stdout.readline() == "working\n"
    program.send_signal(signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert program.returncode == 130
    assert "interrupted" in said and "Traceback" not in said
    assert not (tmp_path / "out").exists()
