"""How many crops a pass has in a run: decided by its first process, kept in the index, the same when it goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from amodal.features.chunks import CHUNK
from amodal.scale.chunks import with_chunk
from amodal.scale.run import predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked, Tools
from helpers.many_photos import save_jsonl, save_photos

ORM = Asked(method="orm", settings={"refine": "none"}, detector=None)


def eight(_backbone: str, _threads: int) -> int:
    return 8


def never(_backbone: str, _threads: int) -> int:
    raise AssertionError("measured")


def run(asked: Asked, folder: Path, out: Path, photos: int = 1) -> None:
    source = folder / "all.jsonl"
    if not source.exists():
        save_jsonl(save_photos(folder / "photos", photos), source)
    predict_many(open_sources([source]), asked, out, workers=0)


def settings(out: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((out / "index.json").read_text())["settings"]
    return found


def test_a_new_run_has_what_suits_the_machine(tmp_path: Path) -> None:
    assert with_chunk(ORM, tmp_path, 1, eight).chunk == 8


def test_the_backbone_of_the_model_is_what_is_measured(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def measure(backbone: str, threads: int) -> int:
        seen.append((backbone, threads))
        return 1

    with_chunk(ORM, tmp_path, 3, measure)
    assert seen == [("tf_efficientnet_lite0", 3)]


def test_what_is_asked_for_is_not_measured(tmp_path: Path) -> None:
    assert with_chunk(replace(ORM, chunk=2), tmp_path, 1, never).chunk == 2


@pytest.mark.parametrize("asked", [Asked(method="box"), replace(ORM, model="no such file")])
def test_where_no_backbone_sees_crops_nothing_is_measured(asked: Asked, tmp_path: Path) -> None:
    assert with_chunk(asked, tmp_path, 1, never).chunk is None


def test_the_index_says_it_and_a_run_that_goes_on_has_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AMODAL_CHUNK", "2")
    run(ORM, tmp_path, tmp_path / "out")
    monkeypatch.setenv("AMODAL_CHUNK", "16")  # another machine, where another number is faster
    run(ORM, tmp_path, tmp_path / "out")
    assert settings(tmp_path / "out")["chunk"] == 2


def test_a_run_that_was_begun_before_there_was_a_choice_goes_on(tmp_path: Path) -> None:
    run(Asked(method="box"), tmp_path, tmp_path / "out")
    index = tmp_path / "out" / "index.json"
    said = json.loads(index.read_text())
    del said["settings"]["chunk"]
    index.write_text(json.dumps(said))
    run(Asked(method="box"), tmp_path, tmp_path / "out")
    assert settings(tmp_path / "out")["chunk"] is None


@pytest.mark.parametrize("chunk", [None, 2])
def test_a_worker_has_the_number_that_it_was_handed(chunk: int | None) -> None:
    segmenter: Any = Tools(replace(ORM, chunk=chunk)).segmenter
    assert segmenter.model.backbone.chunk == (chunk or CHUNK)


def test_a_method_without_a_backbone_has_no_use_for_it() -> None:
    assert Tools(Asked(method="box", chunk=2)).segmenter.name == "box"
