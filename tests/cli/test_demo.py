from __future__ import annotations

import json
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


def test_the_shipped_model_does_every_shipped_photo(amodal: Amodal, tmp_path: Path) -> None:
    outcome = amodal("demo", "--out", tmp_path, "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["refused"] == []
    scenes = read_scenes(tmp_path / "scenes.json")
    assert all(scene.validate().instances for scene in scenes)
    assert all(instance.modal.area > 0 for scene in scenes for instance in scene.instances)
