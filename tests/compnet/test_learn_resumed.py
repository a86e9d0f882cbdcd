"""Learning that is stopped and goes on, here or on the command line, ends with the same bits."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from amodal.compnet.learn import LearnConfig, learn
from amodal.compnet.model import AGNOSTIC
from helpers.boxes_file import boxes_file
from helpers.learned import Learned, flags_of, learn_command
from helpers.miniature import TRAMS, Miniature, with_rubbish_masks


class StopAt:
    """Progress that is interrupted when a stage is first told of."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.told: list[str] = []

    def __call__(self, stage: str, _done: int, _total: int) -> None:
        self.told.append(stage)
        if stage == self.stage:
            raise KeyboardInterrupt


STOPS = ("dictionary", "backgrounds", "car: hard EM", "person: refining training masks", f"{AGNOSTIC}: clustering")


def test_run_that_is_stopped_in_every_stage_ends_with_the_same_bits(
    mini: Miniature, tiny_config: LearnConfig, reference: Learned, tmp_path: Path
) -> None:
    out, work = tmp_path / "m.safetensors", tmp_path / "work"
    for stage in STOPS:
        stopped = StopAt(stage)
        with pytest.raises(KeyboardInterrupt):
            learn(mini.annotations, mini.images, out, config=tiny_config, work=work, progress=stopped)
        assert stopped.told[-1] == stage
        assert not out.exists()
    learn(mini.annotations, mini.images, out, config=tiny_config, work=work)
    assert out.read_bytes() == reference.content


def test_finished_run_goes_through_again_without_learning_anything(
    mini: Miniature, tiny_config: LearnConfig, reference: Learned, tmp_path: Path
) -> None:
    told: list[str] = []
    out = tmp_path / "m.safetensors"
    learn(
        mini.annotations,
        mini.images,
        out,
        config=tiny_config,
        work=reference.work,
        progress=lambda stage, _done, _total: told.append(stage),
    )
    assert set(told) == {"features"}  # read, not computed
    assert out.read_bytes() == reference.content


def stages_of(work: Path) -> set[str]:
    return {path.name for path in work.iterdir()}


@dataclass
class Street:
    """A photo with two boxes to learn from and one too small, a photo without any, and a folder of backgrounds."""

    folder: Path
    config: LearnConfig

    @classmethod
    def make(cls, folder: Path, config: LearnConfig) -> Street:
        backgrounds = folder / "backgrounds"
        backgrounds.mkdir()
        boxes_file(folder, [[20, 20, 90, 90], [40, 20, 90, 90], [5, 5, 10, 10]])
        shutil.copy(folder / "images" / "0.png", backgrounds / "0.png")
        return cls(folder, replace(config, min_boxes=1, backgrounds=backgrounds))

    def change(self, **image: object) -> dict[str, Any]:
        path = self.folder / "boxes.json"
        content: dict[str, Any] = json.loads(path.read_text())
        content["images"][0] |= image
        path.write_text(json.dumps(content))
        return content

    def stages_after_a_start(self) -> set[str]:
        """Starts a run and stops it once it has its features; those of the same recipe are found, not made."""
        images, work = self.folder / "images", self.folder / "work"
        with pytest.raises(KeyboardInterrupt):
            learn(
                self.folder / "boxes.json",
                images,
                self.folder / "m.safetensors",
                config=self.config,
                work=work,
                progress=StopAt("features"),
            )
        return stages_of(work)


def change_nothing(street: Street) -> None:
    pass


def change_masks(street: Street) -> None:
    (street.folder / "boxes.json").write_text(json.dumps(with_rubbish_masks(street.change())))


def move_a_box_that_is_too_small(street: Street) -> None:
    """Nothing is learned from it, but backgrounds are kept clear of it."""
    content = street.change()
    content["annotations"][2]["bbox"] = [5, 8, 10, 10]
    (street.folder / "boxes.json").write_text(json.dumps(content))


def change_the_seed(street: Street) -> None:
    street.config = replace(street.config, seed=1)


def tell_the_split(street: Street) -> None:
    street.change(split="train")


def change_the_photo(street: Street) -> None:
    Image.new("RGB", (160, 160)).save(street.folder / "images" / "0.png")


def add_a_background(street: Street) -> None:
    shutil.copy(street.folder / "images" / "0.png", street.folder / "backgrounds" / "1.png")


@pytest.mark.parametrize("change", [change_nothing, change_masks])
def test_stages_of_the_same_recipe_are_used(
    tiny_config: LearnConfig, tmp_path: Path, change: Callable[[Street], None]
) -> None:
    street = Street.make(tmp_path, tiny_config)
    before = street.stages_after_a_start()
    change(street)
    assert street.stages_after_a_start() == before


@pytest.mark.parametrize(
    "change", [move_a_box_that_is_too_small, change_the_seed, tell_the_split, change_the_photo, add_a_background]
)
def test_stages_of_another_recipe_are_not_used(
    tiny_config: LearnConfig, tmp_path: Path, change: Callable[[Street], None]
) -> None:
    street = Street.make(tmp_path, tiny_config)
    before = street.stages_after_a_start()
    change(street)
    assert len(street.stages_after_a_start()) == len(before) + 1


def test_command_gives_the_same_model_as_python(
    mini: Miniature,
    tiny_config: LearnConfig,
    reference: Learned,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Also shows that its flags make the same recipe: it goes on with the other run's work."""
    out, work = tmp_path / "models" / "m.safetensors", tmp_path / "work"
    shutil.copytree(reference.work, work)
    before = stages_of(work)
    files = ("--data", mini.annotations, "--images", mini.images, "--out", out, "--work", work)
    assert learn_command(*files, *flags_of(tiny_config), "--json") == 0
    assert stages_of(work) == before
    assert out.read_bytes() == reference.content
    printed = json.loads(capsys.readouterr().out)
    assert printed["skipped"] == {"tram": TRAMS}
    assert printed["learned"] == dict(reference.report.learned)
