"""Work spread over a Ray cluster, here of two workers on this machine: the same results as without."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from amodal.challenge import ChallengeConfig, generate
from amodal.data.formats import open_source
from amodal.errors import AmodalError, InputError
from amodal.scale.run import predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked
from amodal.spread import Spread
from amodal.survey.statistics import survey, survey_spread
from helpers.command_line import contents
from helpers.cut_outs import make_cut_outs
from helpers.deadly import WithDeadly, killed_by_all, refused_by_all
from helpers.many_photos import save_jsonl, save_photos

pytest.importorskip("ray.data", reason="needs ray: pip install 'amodal[scale]'")

ASKED = Asked(method="box")


@pytest.fixture(scope="module")
def spread() -> Iterator[Spread]:
    """One cluster for all: it takes seconds to start."""
    from amodal.scale.cluster import ray_cluster

    with pytest.MonkeyPatch.context() as patch:
        here = str(Path(__file__).parents[1])  # of `helpers`, for the workers
        patch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [here, os.environ.get("PYTHONPATH")])))
        patch.delenv("RAY_ADDRESS", raising=False)
        with ray_cluster(workers=2) as started:
            yield started


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return save_jsonl(save_photos(tmp_path / "photos", 24), tmp_path / "photos" / "all.jsonl")


def results(out: Path) -> dict[str, bytes]:
    """All but the log of how it came about."""
    return {name: content for name, content in contents(out).items() if name != "finished.jsonl"}


def workers_below_this_process() -> list[int]:
    """Ray's workers that are at something."""
    found, waiting = [], [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            for thread in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (thread / "children").read_text().split()]
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"ray::MapWorker"):
                found.append(pid)
        except OSError:
            continue  # it has ended meanwhile
    return found


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the workers by /proc")
def test_photos_give_the_same_rows_though_a_worker_is_killed(spread: Spread, source: Path, tmp_path: Path) -> None:
    killed: list[int] = []

    def kill(_stage: str, done: int, _total: int) -> None:
        if done > 0 and not killed and (workers := workers_below_this_process()):
            killed.append(workers[0])
            os.kill(killed[0], signal.SIGKILL)

    run = partial(predict_many, open_sources([source]), ASKED, photos_per_part=1)
    run(out=tmp_path / "here", workers=0)
    run(out=tmp_path / "there", spread=spread, progress=kill)
    assert killed
    assert results(tmp_path / "there") == results(tmp_path / "here")


@pytest.mark.slow
def test_a_photo_that_kills_is_named_and_left_out(spread: Spread, tmp_path: Path) -> None:
    source = save_jsonl(save_photos(tmp_path / "photos", 6), tmp_path / "photos" / "all.jsonl")
    said: list[str] = []
    photos = WithDeadly(open_sources([source]).sources, None)
    predict_many(photos, ASKED, tmp_path / "out", photos_per_part=8, spread=spread, say=said.append)
    errors = [json.loads(line) for line in (tmp_path / "out" / "errors.jsonl").read_text().splitlines()]
    assert [error["number"] for error in errors] == [4]
    assert any("a worker died of" in line for line in said)


def test_work_that_kills_worker_after_worker_is_told(spread: Spread) -> None:
    with pytest.raises(AmodalError, match="workers died one after the other"):
        list(spread([1], killed_by_all))


def test_what_is_wrong_is_raised_as_it_was_in_the_worker(spread: Spread) -> None:
    with pytest.raises(InputError, match=r"^photo 7: size: too large$"):
        list(spread([7], refused_by_all))


def test_a_challenge_is_the_same_to_the_byte(spread: Spread, tmp_path: Path) -> None:
    drawn = make_cut_outs(tmp_path / "drawn")
    config = ChallengeConfig(drawn.annotations, drawn.backgrounds, scenes=26, classes=("car", "person"), workers=1)
    generate(config, tmp_path / "here")
    generate(config, tmp_path / "there", spread=spread)
    assert contents(tmp_path / "there") == contents(tmp_path / "here")


def test_statistics_are_the_same(spread: Spread, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = make_cut_outs(tmp_path / "drawn")
    opened = partial(open_source, drawn.annotations, cache=tmp_path)
    monkeypatch.setattr("amodal.survey.statistics.PHOTOS_AT_ONCE", 4)  # of 14 photos
    here = survey(opened())
    assert len(here) == 14
    assert survey_spread(opened, spread) == here


def test_more_workers_than_the_cluster_has_processors_are_refused(spread: Spread) -> None:
    from amodal.scale.cluster import ray_cluster

    with pytest.raises(InputError, match="found 3, expected 1 to 2"), ray_cluster(workers=3):
        pass


def test_without_ray_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    from amodal.scale.cluster import ray_cluster

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(AmodalError, match=r"pip install 'amodal\[scale\]'"), ray_cluster():
        pass


def test_an_address_where_nobody_answers_is_refused() -> None:
    from amodal.scale.cluster import ray_cluster

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(InputError, match="no answer"), ray_cluster(address=f"127.0.0.1:{port}"):
        pass
