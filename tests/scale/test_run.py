"""A run over many photos: the same rows however it is cut, stopped and killed; what is broken is told and left out."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from amodal.data.parts import read_parts
from amodal.data.results import read_scenes
from amodal.errors import AmodalError, InputError
from amodal.scale.jobs import PhotoJob
from amodal.scale.run import Totals, predict_many
from amodal.scale.sources import Photos, open_sources
from amodal.scale.work import Asked
from helpers.command_line import contents, save_truncated_jpeg
from helpers.deadly import WithDeadly
from helpers.many_photos import Photos as Saved
from helpers.many_photos import save_jsonl, save_photos

ASKED = Asked(method="box")
COUNT = 13


@pytest.fixture
def saved(tmp_path: Path) -> Saved:
    return save_photos(tmp_path / "photos", COUNT)


@pytest.fixture
def source(saved: Saved) -> Path:
    return save_jsonl(saved, saved.folder / "all.jsonl")


def run(source: Path, out: Path, *, workers: int = 0, asked: Asked = ASKED, photos_per_part: int = 3) -> Totals:
    return predict_many(
        open_sources([source]), asked, out, workers=workers, photos_per_part=photos_per_part, kind="jsonl"
    )


def results(out: Path) -> dict[str, bytes]:
    """All but the log of how it came about."""
    return {name: content for name, content in contents(out).items() if name != "finished.jsonl"}


def errors(out: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (out / "errors.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("kind", ["jsonl", "parquet"])
def test_parts_hold_a_scene_a_photo_in_the_order_of_the_source(
    kind: str, saved: Saved, source: Path, tmp_path: Path
) -> None:
    totals = predict_many(open_sources([source]), ASKED, tmp_path / "out", workers=0, photos_per_part=3, kind=kind)  # type: ignore[arg-type]
    scenes = list(read_parts(tmp_path / "out"))
    assert [scene.image for scene in scenes] == [saved.path(n).as_posix() for n in range(COUNT)]
    assert [len(scene) for scene in scenes] == [len(entry["boxes"]) for entry in saved.entries]
    assert (totals.photos, totals.rows, totals.errors) == (COUNT, COUNT, 0)
    assert len(list((tmp_path / "out" / "parts").iterdir())) == 5


def test_workers_give_the_same_rows_as_one_process(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "here")
    run(source, tmp_path / "there", workers=2)
    assert results(tmp_path / "here") == results(tmp_path / "there")


@dataclass(frozen=True, eq=False)
class Stopping(Photos):
    """A source that is stopped after so many photos, as by Ctrl-C."""

    after: int = 0

    def __iter__(self) -> Iterator[PhotoJob]:
        for number, job in enumerate(super().__iter__()):
            if number == self.after:
                raise KeyboardInterrupt
            yield job


@pytest.mark.parametrize("after", [1, 5, 9])
def test_a_run_stopped_and_started_again_ends_as_one_that_was_not(after: int, source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "whole")
    photos = open_sources([source])
    with pytest.raises(KeyboardInterrupt):
        predict_many(Stopping(photos.sources, None, after=after), ASKED, tmp_path / "out", workers=0, photos_per_part=3)
    assert len(list(read_parts(tmp_path / "out"))) <= after
    totals = run(source, tmp_path / "out")
    assert totals.before == 3 * (after // 3)
    assert results(tmp_path / "out") == results(tmp_path / "whole")


PROGRAM = """
import sys
from pathlib import Path
from amodal.scale.run import predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked
if __name__ == "__main__":
    source, out, workers = sys.argv[1:]
    predict_many(open_sources([Path(source)]), Asked(method="box"), out, workers=int(workers), photos_per_part=3)
"""


@pytest.mark.parametrize(("workers", "kills"), [(0, 2), (1, 1)])
def test_a_run_killed_at_random_moments_ends_as_one_that_was_not(workers: int, kills: int, tmp_path: Path) -> None:
    source = save_jsonl(save_photos(tmp_path / "photos", 60), tmp_path / "photos" / "all.jsonl")
    run(source, tmp_path / "whole")
    (tmp_path / "program.py").write_text(PROGRAM)
    command = [sys.executable, tmp_path / "program.py", source, tmp_path / "out", str(workers)]
    parts, chance, wanted = tmp_path / "out" / "parts", random.Random(), 0
    for _ in range(kills):
        wanted += chance.randint(1, 8)
        program = subprocess.Popen(command)
        while len(list(parts.glob("part-*"))) < wanted:
            assert program.poll() is None
            time.sleep(0.002)
        time.sleep(chance.random() * 0.02)
        program.kill()
        program.wait()
        wanted = len(list(parts.glob("part-*")))
    assert wanted < 20
    subprocess.run(command, check=True)
    assert results(tmp_path / "out") == results(tmp_path / "whole")


def test_a_line_of_the_ledger_that_was_cut_short_is_made_again(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "out")
    before = results(tmp_path / "out")
    ledger = tmp_path / "out" / "finished.jsonl"
    ledger.write_bytes(ledger.read_bytes()[:-20])
    assert run(source, tmp_path / "out").before == 12
    assert results(tmp_path / "out") == before


def test_a_part_that_was_deleted_is_made_again(source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "out")
    before = results(tmp_path / "out")
    (tmp_path / "out" / "parts" / "part-000001.jsonl").unlink()
    assert run(source, tmp_path / "out").before == COUNT - 3
    assert results(tmp_path / "out") == before


@pytest.mark.parametrize(
    ("other", "named"),
    [
        (lambda source, out: run(source, out, asked=replace(ASKED, least_score=0.7)), "least_score"),
        (lambda source, out: run(source, out, photos_per_part=4), "photos_per_part"),
    ],
)
def test_a_folder_of_other_settings_is_refused_and_stays_as_it_is(
    other: Callable[[Path, Path], Totals], named: str, source: Path, tmp_path: Path
) -> None:
    run(source, tmp_path / "out")
    before = contents(tmp_path / "out")
    with pytest.raises(InputError, match=f"{named}: was begun with"):
        other(source, tmp_path / "out")
    assert contents(tmp_path / "out") == before


def test_a_folder_with_other_files_is_refused(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "scenes.json").write_text("{}")
    with pytest.raises(InputError, match=r"holds scenes\.json"):
        run(source, tmp_path / "out")


def test_a_source_with_other_photos_is_refused(saved: Saved, source: Path, tmp_path: Path) -> None:
    run(source, tmp_path / "out")
    save_jsonl(replace(saved, entries=saved.entries[1:]), source)
    with pytest.raises(InputError, match="was made of other photos"):
        run(source, tmp_path / "out")


def test_a_second_run_at_the_same_time_is_refused(source: Path, tmp_path: Path) -> None:
    refused: list[str] = []

    def meanwhile(_stage: str, done: int, _total: int) -> None:
        if done and not refused:
            with pytest.raises(InputError) as error:
                run(source, tmp_path / "out")
            refused.append(str(error.value))

    predict_many(open_sources([source]), ASKED, tmp_path / "out", workers=0, photos_per_part=3, progress=meanwhile)
    assert "another run is at work" in refused[0]


def test_broken_photos_are_rows_of_the_error_file(saved: Saved, source: Path, tmp_path: Path) -> None:
    save_truncated_jpeg(saved.path(2).with_suffix(".jpg")).replace(saved.path(2))
    saved.path(4).write_bytes(b"no picture")
    saved.path(8).unlink()
    totals = run(source, tmp_path / "out")
    assert (totals.rows, totals.errors) == (COUNT - 3, 3)
    assert [error["number"] for error in errors(tmp_path / "out")] == [2, 4, 8]
    assert [error["key"] for error in errors(tmp_path / "out")] == [saved.entries[n]["file"] for n in (2, 4, 8)]
    assert len(list(read_parts(tmp_path / "out"))) == COUNT - 3


def test_a_photo_that_kills_its_worker_is_named_and_left_out(source: Path, tmp_path: Path) -> None:
    said: list[str] = []
    photos = WithDeadly(open_sources([source]).sources, None)
    predict_many(photos, ASKED, tmp_path / "out", workers=1, photos_per_part=5, say=said.append)
    assert [error["number"] for error in errors(tmp_path / "out")] == [4]
    assert len(list(read_parts(tmp_path / "out"))) == COUNT - 1
    assert any("a worker died of" in line for line in said)


def test_a_worker_that_is_killed_from_outside_loses_nothing(tmp_path: Path) -> None:
    source = save_jsonl(save_photos(tmp_path / "photos", 40), tmp_path / "photos" / "all.jsonl")
    run(source, tmp_path / "whole")
    killed = threading.Event()

    def kill(_stage: str, done: int, _total: int) -> None:
        children = Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()
        workers = [int(pid) for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
        if workers and not killed.is_set():
            killed.set()
            os.kill(workers[0], signal.SIGKILL)

    predict_many(open_sources([source]), ASKED, tmp_path / "out", workers=1, photos_per_part=3, progress=kill)
    assert killed.is_set()
    assert results(tmp_path / "out") == results(tmp_path / "whole")


def unpacked(text: str, tester: int) -> str:
    """Kills a worker, not the process that tests."""
    if os.getpid() != tester:
        os.kill(os.getpid(), signal.SIGKILL)
    return text


class DeadlyText(str):
    def __reduce__(self) -> tuple[Callable[[str, int], str], tuple[str, int]]:
        return unpacked, (str(self), os.getpid())


def test_workers_that_die_before_any_photo_end_the_run_and_blame_none(source: Path, tmp_path: Path) -> None:
    with pytest.raises(AmodalError, match="died before it had seen a photo"):
        run(source, tmp_path / "out", workers=1, asked=Asked(model=DeadlyText("default"), method="box"))
    assert errors(tmp_path / "out") == []


def test_what_a_worker_cannot_load_ends_the_run_with_its_reason(source: Path, tmp_path: Path) -> None:
    with pytest.raises(AmodalError, match=r"no\.safetensors"):
        run(source, tmp_path / "out", workers=1, asked=Asked(model=str(tmp_path / "no.safetensors"), method="orm"))


def test_many_photos_give_the_scenes_that_a_few_give(saved: Saved, source: Path, tmp_path: Path) -> None:
    from amodal.cli.main import main

    paths = [str(saved.path(n)) for n in range(COUNT)]
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps(list(saved.entries)))
    few = ["--boxes", str(boxes), "--method", "box", "--no-pictures", "--out", str(tmp_path / "few")]
    assert main(["predict", *paths, *few]) == 0
    many = ["--method", "box", "--workers", "0", "--out", str(tmp_path / "many")]
    assert main(["predict", str(source), *many]) == 0
    assert list(read_parts(tmp_path / "many")) == read_scenes(tmp_path / "few" / "scenes.json")


def test_parts_are_converted_to_our_file(source: Path, tmp_path: Path) -> None:
    from amodal.cli.main import main

    run(source, tmp_path / "out")
    assert main(["data", "convert", str(tmp_path / "out"), str(tmp_path / "scenes.json"), "--to", "amodal"]) == 0
    assert read_scenes(tmp_path / "scenes.json") == list(read_parts(tmp_path / "out"))
