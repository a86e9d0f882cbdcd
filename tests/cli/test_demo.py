from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

import amodal as package
from amodal.data.results import read_scenes
from helpers.command_line import Amodal, contents

FOLDER = Path(package.__file__).parent


@pytest.mark.usefixtures("stub")
def test_every_shipped_photo_is_done_and_shown(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("demo", "--out", tmp_path / "demo")
    assert outcome.code == 0, outcome.err
    shipped = sorted(path.name for path in (FOLDER / "demo" / "photos").iterdir())
    scenes = read_scenes(tmp_path / "demo" / "scenes.json")
    assert [Path(scene.image or "").name for scene in scenes] == shipped
    assert "index.html" in contents(tmp_path / "demo")
    assert str(tmp_path / "demo" / "index.html") in outcome.out


@pytest.mark.skipif(
    not (FOLDER / "models" / "default.safetensors").exists(),
    reason="the shipped model is not in this checkout",
)
def test_the_demo_takes_less_than_a_minute(amodal: Amodal, tmp_path: Path) -> None:
    started = time.perf_counter()
    outcome = amodal("demo", "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    assert time.perf_counter() - started < 60
    assert json.loads(outcome.out)["refused"] == []
