"""What cannot be learned is refused with a reason, and nothing is written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from amodal.challenge.backgrounds import part_of
from amodal.compnet.learn import LearnConfig, learn
from amodal.compnet.model import load_model
from amodal.errors import AmodalError, InputError
from helpers.boxes_file import boxes_file
from helpers.learned import flags_of, learn_command
from helpers.miniature import TRAMS, Miniature


@dataclass(frozen=True)
class Attempt:
    """A learning that must fail; what it says, and that it writes nothing."""

    folder: Path

    def __call__(self, data: Path, images: Path, config: LearnConfig) -> str:
        out = self.folder / "m.safetensors"
        out.write_bytes(b"the model of last week")
        with pytest.raises(AmodalError) as refused:
            learn(data, images, out, config=config)
        assert out.read_bytes() == b"the model of last week"
        return str(refused.value)


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    return Attempt(tmp_path)


def test_no_class_with_enough_boxes_is_refused_with_the_counts(
    mini: Miniature, tiny_config: LearnConfig, attempt: Attempt
) -> None:
    said = attempt(mini.annotations, mini.images, replace(tiny_config, min_boxes=1000))
    assert "1000 boxes" in said
    assert f"tram {TRAMS}" in said


def test_split_without_photos_is_refused(mini: Miniature, tiny_config: LearnConfig, attempt: Attempt) -> None:
    assert "car 0" in attempt(mini.annotations, mini.images, replace(tiny_config, split="test"))


def test_unknown_class_is_refused_by_name(mini: Miniature, tiny_config: LearnConfig, attempt: Attempt) -> None:
    said = attempt(mini.annotations, mini.images, replace(tiny_config, classes=("car", "zebra")))
    assert "zebra" in said
    assert "tram" in said


def test_missing_photo_is_named(mini: Miniature, tiny_config: LearnConfig, attempt: Attempt) -> None:
    content = mini.content()
    content["images"][5]["file_name"] = "lost.png"
    assert "lost.png" in attempt(mini.variant("lost", content), mini.images, tiny_config)


def test_photo_that_cannot_be_read_is_named(tiny_config: LearnConfig, attempt: Attempt) -> None:
    data = boxes_file(attempt.folder, [[20, 20, 90, 90]] * 2)
    photo = attempt.folder / "images" / "0.png"
    photo.write_bytes(photo.read_bytes()[:500])
    assert "0.png" in attempt(data, photo.parent, replace(tiny_config, min_boxes=1))


def test_folder_of_backgrounds_without_a_photo_is_refused(tiny_config: LearnConfig, attempt: Attempt) -> None:
    data = boxes_file(attempt.folder, [[20, 20, 90, 90]] * 2)
    config = replace(tiny_config, backgrounds=attempt.folder / "none", min_boxes=1)
    assert "holds no photo" in attempt(data, attempt.folder / "images", config)


def test_learning_from_the_training_part_never_opens_a_test_background(
    tiny_config: LearnConfig, attempt: Attempt
) -> None:
    folder = attempt.folder / "parted"
    folder.mkdir()
    test = next(name for name in (f"{n}.jpg" for n in range(99)) if part_of(name) == "test")
    (folder / test).write_bytes(b"not even a photo")
    config = replace(tiny_config, backgrounds=folder, background_part="train", min_boxes=1)
    data = boxes_file(attempt.folder, [[20, 20, 90, 90]] * 2)
    assert "backgrounds: holds no photo" in attempt(data, attempt.folder / "images", config)


def test_photos_full_of_boxes_ask_for_a_folder_of_backgrounds(tiny_config: LearnConfig, attempt: Attempt) -> None:
    data = boxes_file(attempt.folder, [[0, 0, 160, 160]] * 2)
    said = attempt(data, attempt.folder / "images", replace(tiny_config, min_boxes=1))
    assert "--backgrounds" in said


def test_boxes_that_fill_their_photos_are_refused_by_class(tiny_config: LearnConfig, attempt: Attempt) -> None:
    data = boxes_file(attempt.folder, [[0, 0, 160, 160]] * 2)
    config = replace(tiny_config, min_boxes=1, backgrounds=attempt.folder / "images")
    said = attempt(data, attempt.folder / "images", config)
    assert said.startswith("class thing: ")
    assert "surround" in said


def test_more_kernels_than_features_are_refused(tiny_config: LearnConfig, attempt: Attempt) -> None:
    data = boxes_file(attempt.folder, [[20, 20, 90, 90]] * 2)
    said = attempt(data, attempt.folder / "images", replace(tiny_config, min_boxes=1, kernels=5000))
    assert "too few for 5000 kernels" in said


@pytest.mark.parametrize(
    ("name", "value"),
    [("kernels", 0), ("mixtures", -1), ("outliers", 0), ("min_boxes", 0), ("concentration", float("nan"))],
)
def test_counts_below_one_are_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=name):
        LearnConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("blank", [False, True], ids=["noise", "one grey"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_boxes_on_meaningless_photos_give_a_model_or_a_clear_refusal(
    tiny_config: LearnConfig, tmp_path: Path, count: int, blank: bool
) -> None:
    data = boxes_file(tmp_path, [[20 + n, 20, 90, 90] for n in range(count)], blank=blank)
    out, images = tmp_path / "m.safetensors", tmp_path / "images"
    try:
        learn(data, images, out, config=replace(tiny_config, min_boxes=1, backgrounds=images))
    except AmodalError as refused:
        assert "thing" in str(refused)
    else:
        assert load_model(out).labels == ("thing",)


def test_command_without_a_class_to_learn_exits_2_and_writes_nothing(
    mini: Miniature, tiny_config: LearnConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.safetensors"
    files = ("--data", mini.annotations, "--images", mini.images, "--out", out)
    assert learn_command(*files, *flags_of(tiny_config), "--min-boxes", 500) == 2
    assert "no class has 500 boxes" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("flag", "value"), [("--kernels", 0), ("--classes", "zebra"), ("--backbone", "no_such_network"), ("--seed", "x")]
)
def test_command_refuses_impossible_settings(
    mini: Miniature,
    tiny_config: LearnConfig,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flag: str,
    value: object,
) -> None:
    files = ("--data", mini.annotations, "--images", mini.images, "--out", tmp_path / "m.safetensors")
    assert learn_command(*files, *flags_of(tiny_config), flag, value) == 2
    assert str(value) in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
