"""`amodal challenge` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amodal.data.results import read_scenes
from helpers.command_line import Amodal
from helpers.cut_outs import CutOuts, make_cut_outs


@pytest.fixture(scope="module")
def cut_outs(tmp_path_factory: pytest.TempPathFactory) -> CutOuts:
    return make_cut_outs(tmp_path_factory.mktemp("cut_outs"))


def _arguments(cut_outs: CutOuts, out: Path, *more: str) -> tuple[str, ...]:
    given = ("--objects", str(cut_outs.annotations), "--backgrounds", str(cut_outs.backgrounds), "--out", str(out))
    return ("challenge", *given, "--scenes", "3", "--workers", "1", *more)


def test_scenes_are_made_and_summed_up(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out"))
    assert outcome.code == 0
    assert "3 scenes: 6 known objects (L0 3, L1 1, L2 1, L3 1)" in outcome.out
    assert "scenes: 3 of 3" in outcome.err
    assert len(read_scenes(tmp_path / "out" / "scenes.json")) == 3


def test_json_is_all_of_stdout(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", "--json", "--scenario", "two-unknown"))
    summary = json.loads(outcome.out)
    assert summary["scenes"] == 3 and summary["unknown"] >= 3


def test_what_is_refused_is_told(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["annotations"][0]["segmentation"] = None
    objects = cut_outs.variant(tmp_path, content)
    more = ("--objects", str(objects), "--images", str(cut_outs.images))
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", *more))
    assert outcome.code == 0 and "not used: 1 × no mask" in outcome.err


def test_other_settings_for_a_folder_are_an_error(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    amodal(*_arguments(cut_outs, tmp_path / "out"))
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", "--layout", "ground"))
    assert outcome.code == 2
    assert "layout: was begun with 'free', now 'ground', expected the same settings or another folder" in outcome.err


def test_a_missing_file_is_an_error_of_one_line(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", "--objects", "none.json"))
    assert outcome.code == 2 and outcome.err.count("\n") == 1 and "none.json: file: does not exist" in outcome.err


def test_too_few_objects_are_told_before_a_folder_is_begun(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["annotations"] = [one for one in content["annotations"] if one.get("clean64", True)][:1]
    objects = cut_outs.variant(tmp_path, content)
    more = ("--objects", str(objects), "--images", str(cut_outs.images))
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", *more))
    assert outcome.code == 2 and f"{objects}: objects: found 1 usable, expected at least 2" in outcome.err
    assert not (tmp_path / "out").exists()


def test_unknown_objects_of_no_unknown_class_are_an_error(amodal: Amodal, cut_outs: CutOuts, tmp_path: Path) -> None:
    more = ("--scenario", "two-unknown", "--unknown-objects", str(cut_outs.annotations))
    outcome = amodal(*_arguments(cut_outs, tmp_path / "out", *more))
    assert outcome.code == 2 and "objects: found none to take as unknown" in outcome.err
