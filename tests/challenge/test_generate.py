"""Whole folders: what is in them, stopped and gone on with, refused."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amodal.challenge import Backgrounds, ChallengeConfig, Sources, generate, record_from_json, render
from amodal.challenge.write import assemble, scene_line
from amodal.data.results import read_scenes, write_scenes
from amodal.errors import InputError

Files = dict[str, bytes]


def _files(folder: Path) -> Files:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture(scope="session")
def finished(config: ChallengeConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made without interruption in one process."""
    folder = tmp_path_factory.mktemp("finished") / "out"
    generate(config, folder)
    return folder


def test_a_finished_folder_holds_what_is_promised_and_nothing_else(finished: Path) -> None:
    names = {path.name for path in finished.iterdir()}
    assert names == {
        "scenes.json",
        "images",
        "records.jsonl",
        "sheet.jpg",
        "datasheet.json",
        "datasheet.md",
        "settings.json",
    }
    assert len(list((finished / "images").iterdir())) == 50


def test_scenes_are_written_as_any_scenes_are(finished: Path, tmp_path: Path) -> None:
    scenes = read_scenes(finished / "scenes.json")
    assert [scene.image for scene in scenes] == [f"images/{number:06d}.jpg" for number in range(50)]
    write_scenes(scenes, tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == (finished / "scenes.json").read_bytes()


def test_records_render_the_photos_and_the_truth_again(
    finished: Path, sources: Sources, backgrounds: Backgrounds
) -> None:
    records = [record_from_json(line) for line in (finished / "records.jsonl").read_text().splitlines()]
    scenes = read_scenes(finished / "scenes.json")
    for number in (0, 24, 49):
        photo, scene = render(records[number], sources, backgrounds)
        assert scene == scenes[number]
        with Image.open(finished / str(scene.image)) as stored:
            difference = np.abs(np.asarray(stored, int) - photo)
        assert stored.size == (scene.width, scene.height) and difference.mean() < 20  # JPEG, of fine stripes


def test_the_datasheet_counts_what_is_there(finished: Path) -> None:
    counts = json.loads((finished / "datasheet.json").read_text())["counts"]
    known = [i for scene in read_scenes(finished / "scenes.json") for i in scene.instances if i.meta["known"]]
    assert counts["scenes"] == 50 and counts["objects"] == len(known)
    for level in ("L0", "L1", "L2", "L3"):
        assert counts["levels"][level] == sum(instance.level == level for instance in known)
    text = (finished / "datasheet.md").read_text()
    assert "| drawn cars | free |" in text and "lower edge in front" in text


def test_any_number_of_processes_gives_the_same_files(config: ChallengeConfig, finished: Path, tmp_path: Path) -> None:
    generate(replace(config, workers=2), tmp_path)
    assert _files(tmp_path) == _files(finished)


def test_a_killed_run_goes_on_and_gives_the_same_files(config: ChallengeConfig, finished: Path, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "amodal", "challenge", "--objects", str(config.objects)),
        *("--backgrounds", str(config.backgrounds), "--scenes", "50", "--seed", "5", "--workers", "1"),
        *("--out", str(tmp_path), "--classes", "car", "person"),
    ]
    running = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    first_part = tmp_path / "parts" / "00000.jsonl"
    deadline = time.monotonic() + 60
    while not first_part.exists() and running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    assert not (tmp_path / "datasheet.json").exists()
    told: list[int] = []
    generate(config, tmp_path, lambda stage, done, total: told.append(done) if stage == "scenes" else None)
    assert told[0] == 24  # the first part is kept
    assert _files(tmp_path) == _files(finished)


def test_a_run_stopped_while_files_are_put_together_goes_on(
    config: ChallengeConfig, finished: Path, tmp_path: Path
) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        if stage == "records":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(config, tmp_path, stop)
    (tmp_path / ".0123456789abcdef.part").write_text("left by a kill")
    generate(config, tmp_path)
    assert _files(tmp_path) == _files(finished)


def test_a_finished_folder_is_left_as_it_is(config: ChallengeConfig, finished: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    summary = generate(config, finished)
    assert summary.scenes == 50
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"seed": 6}, "seed: was begun with 5, now 6"),
        ({"scenario": "four"}, "scenario: was begun with 'two', now 'four'"),
        ({"scenes": 51}, "scenes: was begun with 50, now 51"),
        ({"split": "val"}, "inputs: was begun with"),
    ],
)
def test_other_settings_in_the_same_folder_are_an_error(
    config: ChallengeConfig, finished: Path, change: dict[str, object], named: str
) -> None:
    before = _files(finished)
    with pytest.raises(InputError, match=named):
        generate(replace(config, **change), finished)  # type: ignore[arg-type]
    assert _files(finished) == before


def test_a_folder_with_scenes_of_others_is_not_written_to(config: ChallengeConfig, tmp_path: Path) -> None:
    (tmp_path / "scenes.json").write_text("mine")
    with pytest.raises(InputError, match=r"scenes.json: is already there, expected an empty folder or one of ours"):
        generate(config, tmp_path)
    assert _files(tmp_path) == {"scenes.json": b"mine"}


@pytest.mark.parametrize(("name", "value"), [("scenes", 0), ("workers", 0), ("quality", 101), ("seed", -1)])
def test_a_number_out_of_range_is_an_error(config: ChallengeConfig, tmp_path: Path, name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"--{name}: found {value}, expected"):
        generate(replace(config, **{name: value}), tmp_path / "out")  # type: ignore[arg-type]
    assert not (tmp_path / "out").exists()


def test_memory_does_not_grow_with_the_number_of_scenes(finished: Path, tmp_path: Path) -> None:
    records = [record_from_json(line) for line in (finished / "records.jsonl").read_text().splitlines()]
    lines = [scene_line(*pair) for pair in zip(read_scenes(finished / "scenes.json"), records, strict=True)]
    part = tmp_path / "part.jsonl"
    part.write_text("".join(lines[:24]))
    peaks = []
    for shards in (1, 20):
        tracemalloc.start()
        for _ in assemble(tmp_path, [part] * shards, lambda *_: None):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert len(read_scenes(tmp_path / "scenes.json")) == 480
    assert peaks[1] < 1.3 * peaks[0] + 50_000
