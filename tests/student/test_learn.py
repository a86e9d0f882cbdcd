"""`amodal learn --student`: taught from boxes alone, resumable, in the model's own file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from shutil import copy

import pytest

from amodal.compnet.model import Extension, load_model, save_model
from amodal.data.coco import read_objects
from amodal.errors import AmodalError, InputError
from amodal.segmenter import best_method
from amodal.student.config import Inputs, StudentConfig
from amodal.student.learn import teach_student
from amodal.student.model import student_in
from helpers.learned import Learned, flags_of, learn_command
from helpers.miniature import Miniature, with_rubbish_masks, without_masks

SHORT = StudentConfig(
    steps=2,
    batch=1,
    widths=(16, 8),
    teacher="none",
    least_tightness=0,
    least_sureness=0,
    calibration_lessons=1,
    box_steps=0,
)


@pytest.fixture
def model(reference: Learned, tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    copy(reference.model, path)
    return path


def taught(model: Path, mini: Miniature, annotations: Path | None = None, **settings: object) -> bytes:
    options: dict[str, object] = {"config": SHORT, **settings}
    teach_student(model, annotations or mini.annotations, mini.images, mini.backgrounds, **options)  # type: ignore[arg-type]
    return model.read_bytes()


def test_masks_in_the_file_change_nothing(model: Path, mini: Miniature, reference: Learned) -> None:
    with_masks = taught(model, mini)
    for name, content in (
        ("student-bare", without_masks(mini.content())),
        ("student-rubbish", with_rubbish_masks(mini.content())),
    ):
        copy(reference.model, model)
        assert taught(model, mini, mini.variant(name, content)) == with_masks


def test_flags_of_fully_visible_objects_can_be_missing(model: Path, mini: Miniature) -> None:
    bare = without_masks(mini.content())
    bare["annotations"] = [
        {key: value for key, value in entry.items() if key not in ("clean", "clean64")} for entry in bare["annotations"]
    ]
    path = mini.variant("student-unflagged", bare)
    assert read_objects(path, images=mini.images).clean is None
    taught(model, mini, path)
    assert student_in(load_model(model)) is not None


def test_a_run_that_was_stopped_goes_on_to_the_same_student(
    model: Path, mini: Miniature, reference: Learned, tmp_path: Path
) -> None:
    whole = taught(model, mini)
    copy(reference.model, model)

    class Stop(Exception):
        pass

    def stop(stage: str, done: int, _total: int) -> None:
        if stage == "train student" and done == 1:
            raise Stop

    with pytest.raises(Stop):
        taught(model, mini, work=tmp_path / "work", progress=stop)
    assert model.read_bytes() == reference.content
    again = taught(model, mini, work=tmp_path / "work")
    assert _weights(again, tmp_path) == _weights(whole, tmp_path)


def _weights(content: bytes, folder: Path) -> dict[str, bytes]:
    path = folder / "read.safetensors"
    path.write_bytes(content)
    extension = load_model(path).extensions["student"]
    return {name: tensor.numpy().tobytes() for name, tensor in extension.tensors.items()}


def test_the_model_then_serves_the_student_by_default_and_everything_else_as_before(
    model: Path, mini: Miniature, reference: Learned
) -> None:
    assert best_method(model) == "orm"
    taught(model, mini)
    assert best_method(model) == "student"
    before, after = load_model(reference.model), load_model(model)
    assert before.classes.keys() == after.classes.keys()
    assert before.kernels.directions.equal(after.kernels.directions)


def test_another_seed_gives_another_student(model: Path, mini: Miniature, reference: Learned) -> None:
    one = taught(model, mini)
    copy(reference.model, model)
    assert taught(model, mini, seed=1) != one


def test_inputs_are_remembered(model: Path, mini: Miniature) -> None:
    blind = replace(SHORT, inputs=Inputs(maps=False))
    taught(model, mini, config=blind)
    student = student_in(load_model(model))
    assert student is not None
    assert student.inputs == Inputs(maps=False)
    assert 0.5 <= student.temperature <= 3


def test_a_garbled_student_is_refused(model: Path, mini: Miniature) -> None:
    taught(model, mini)
    sound = load_model(model)
    for settings in ({"inputs": {}}, {**sound.extensions["student"].settings, "temperature": 0}):
        garbled = Extension(settings, sound.extensions["student"].tensors)
        save_model(replace(sound, extensions={"student": garbled}), model)
        with pytest.raises(InputError, match="student"):
            student_in(load_model(model))


def test_without_a_fully_visible_object_there_is_nothing_to_teach(model: Path, mini: Miniature) -> None:
    nothing = mini.content()
    nothing["annotations"] = [{**entry, "clean": False, "clean64": False} for entry in nothing["annotations"]]
    with pytest.raises(AmodalError, match="fully visible"):
        taught(model, mini, mini.variant("student-hidden", nothing))


def test_a_student_needs_backgrounds(mini: Miniature, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "m.safetensors"
    assert learn_command("--data", mini.annotations, "--images", mini.images, "--out", out, "--student") == 2
    assert "--backgrounds" in capsys.readouterr().err
    assert not out.exists()


def test_the_command_teaches_and_says_so(
    mini: Miniature, tiny_config: object, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.safetensors"
    options = ["--student", "--student.steps", 1, "--student.batch", 1, "--student.widths", 16, 8, "--json"]
    options += [
        "--student.least-tightness",
        0,
        "--student.least-sureness",
        0,
        "--student.teacher",
        "none",
        "--student.box-steps",
        0,
    ]
    files = ["--data", mini.annotations, "--images", mini.images, "--backgrounds", mini.backgrounds, "--out", out]
    assert learn_command(*files, *flags_of(tiny_config), *options) == 0  # type: ignore[arg-type]
    assert json.loads(capsys.readouterr().out)["student"] >= 0
    assert best_method(out) == "student"


@pytest.mark.parametrize("widths", [(12,), (), (16, 8, 8, 8, 8)])
def test_widths_that_cannot_be_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match="widths"):
        StudentConfig(widths=widths)
