"""Learning as a whole: from boxes alone, the same bits every time, stopped and resumed anywhere."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from safetensors.torch import load_file

import amodal
from amodal.cli.main import main
from amodal.compnet.learn import LearnConfig, learn
from amodal.compnet.model import AGNOSTIC, load_model
from amodal.errors import AmodalError, InputError
from helpers.learned import Learned
from helpers.miniature import CATEGORIES, TRAMS, Miniature, mask_of_polygon, with_rubbish_masks, without_masks

# Masks are never read.


def test_same_file_without_any_mask_gives_a_bit_identical_model(
    mini: Miniature, mini_config: LearnConfig, mini_model: Path, tmp_path: Path
) -> None:
    """The promise of learning from boxes alone, kept by the default backbone and all stages."""
    bare = mini.variant("bare", without_masks(mini.content()))
    assert "segmentation" in mini.annotations.read_text()
    assert "segmentation" not in bare.read_text()
    learn(bare, mini.images, tmp_path / "m.safetensors", config=mini_config)
    assert (tmp_path / "m.safetensors").read_bytes() == mini_model.read_bytes()


def test_masks_of_rubbish_and_other_names_change_nothing_but_the_names(
    mini: Miniature, tiny_config: LearnConfig, reference: Learned, tmp_path: Path
) -> None:
    """The names would be the same file name if blanks and slashes were merely replaced."""
    content = with_rubbish_masks(mini.content())
    content["categories"][0]["name"], content["categories"][1]["name"] = "big/car", "big car"
    spoilt = mini.variant("rubbish", content)
    learn(spoilt, mini.images, tmp_path / "m.safetensors", config=tiny_config, work=tmp_path / "work")
    found, expected = load_file(tmp_path / "m.safetensors"), load_file(reference.model)
    assert len(found) == len(expected)
    for key, tensor in expected.items():
        renamed = key.replace("class.car.", "class.big/car.").replace("class.person.", "class.big car.")
        assert found[renamed].equal(tensor), key


# Interrupted and resumed.


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


# What is learned.


def test_report_lists_what_was_learned_and_what_was_skipped(reference: Learned) -> None:
    report = reference.report
    assert set(report.learned) == {"car", "person", AGNOSTIC}
    assert report.skipped == {"tram": TRAMS}
    assert report.learned == {"car": 14, "person": 14, AGNOSTIC: 2 * 14 + TRAMS}
    assert report.visible["car"] == 14
    lines = report.table().splitlines()
    assert any(line.startswith("tram") and str(TRAMS) in line and "skipped" in line for line in lines)
    assert any(line.startswith("car") and str(report.learned["car"]) in line for line in lines)


def test_progress_tells_of_every_stage(reference: Learned) -> None:
    told = Counter(stage for stage, _, _ in reference.progress)
    assert {"features", *STOPS} <= told.keys()
    assert all(0 <= done <= total for _, done, total in reference.progress)


def test_model_says_what_it_was_made_from(mini_config: LearnConfig, mini_model: Path) -> None:
    card = load_model(mini_model).card
    assert card["supervision"] == "bounding boxes and labels and flags of fully visible objects"
    assert card["skipped"] == {"tram": TRAMS}
    assert card["config"]["kernels"] == mini_config.kernels
    assert sum(source["photos"] for source in card["photos"]) >= 14
    assert all(source["licence"] for source in card["photos"])


def val_objects(mini: Miniature) -> list[tuple[Path, list[float], str, np.ndarray]]:
    """Fully visible objects of photos that were not learned from: photo, XYXY box, label, true mask."""
    content = mini.content()
    photos = {image["id"]: image for image in content["images"] if image["split"] == "val"}
    found = []
    for a in content["annotations"]:
        if a["image_id"] in photos and a["clean"]:
            x, y, w, h = a["bbox"]
            path = mini.images / photos[a["image_id"]]["file_name"]
            found.append((path, [x, y, x + w, y + h], CATEGORIES[a["category_id"] - 1], mask_of_polygon(a)))
    return found


def test_learned_model_tells_the_classes_apart(mini: Miniature, mini_model: Path) -> None:
    model = amodal.load(mini_model, "compnet")
    objects = val_objects(mini)
    assert len(objects) >= 8
    scenes = model.segment_batch([path for path, *_ in objects], [[box] for _, box, *_ in objects])
    assert [scene.instances[0].label for scene in scenes] == [label for _, _, label, _ in objects]


def test_learned_masks_are_better_than_the_whole_box(mini: Miniature, mini_model: Path) -> None:
    model = amodal.load(mini_model, "compnet")
    objects = val_objects(mini)
    scenes = model.segment_batch(
        [path for path, *_ in objects], [[box] for _, box, *_ in objects], [[label] for *_, label, _ in objects]
    )
    gained: dict[str, list[float]] = {}
    for scene, (_, box, label, truth) in zip(scenes, objects, strict=True):
        whole = np.zeros_like(truth)
        whole[box[1] : box[3], box[0] : box[2]] = True  # type: ignore[misc]
        ours = iou(scene.instances[0].amodal.to_dense(), truth)
        gained.setdefault(label, []).append(ours - iou(whole, truth))
    assert {label: float(np.mean(gains)) > 0.03 for label, gains in gained.items()} == {"car": True, "person": True}


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_weights_given_as_a_file_are_in_the_model(reference: Learned, tiny_config: LearnConfig, tmp_path: Path) -> None:
    """Whoever predicts with the model has no such file."""
    assert tiny_config.backbone_weights is not None
    given = load_file(tiny_config.backbone_weights)
    used = load_model(reference.model).backbone.network.state_dict()
    assert all(used[name].equal(given[name]) for name in used)


# What cannot be learned.


def boxes_file(folder: Path, boxes: Sequence[Sequence[float]], *, side: int = 160, blank: bool = False) -> Path:
    """One photo of noise (or of one grey) with boxes (XYWH) of one class."""
    (folder / "images").mkdir()
    pixels = np.random.default_rng(0).integers(0, 256, (side, side, 3), dtype=np.uint8)
    Image.fromarray(np.full_like(pixels, 90) if blank else pixels).save(folder / "images" / "0.png")
    content = {
        "images": [{"id": 0, "file_name": "0.png", "width": side, "height": side}],
        "annotations": [{"id": n, "image_id": 0, "category_id": 1, "bbox": list(b)} for n, b in enumerate(boxes)],
        "categories": [{"id": 1, "name": "thing"}],
    }
    (folder / "boxes.json").write_text(json.dumps(content))
    return folder / "boxes.json"


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


# The command.


def command(*arguments: object) -> int:
    return main(["learn", *map(str, arguments)])


def flags(config: LearnConfig) -> list[object]:
    return [
        *("--kernels", config.kernels, "--mixtures", config.mixtures, "--outliers", config.outliers),
        *("--teacher", config.teacher, "--max-objects", config.max_objects),
        *("--backbone", config.backbone, "--backbone-weights", config.backbone_weights),
    ]


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
    assert command(*files, *flags(tiny_config), "--json") == 0
    assert stages_of(work) == before
    assert out.read_bytes() == reference.content
    printed = json.loads(capsys.readouterr().out)
    assert printed["skipped"] == {"tram": TRAMS}
    assert printed["learned"] == dict(reference.report.learned)


def test_command_without_a_class_to_learn_exits_2_and_writes_nothing(
    mini: Miniature, tiny_config: LearnConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.safetensors"
    files = ("--data", mini.annotations, "--images", mini.images, "--out", out)
    assert command(*files, *flags(tiny_config), "--min-boxes", 500) == 2
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
    assert command(*files, *flags(tiny_config), flag, value) == 2
    assert str(value) in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_the_miniature_is_the_same_every_time(mini: Miniature, tmp_path: Path) -> None:
    from helpers.miniature import make_miniature

    again = make_miniature(tmp_path)
    assert again.content() == mini.content()
    for path in sorted(mini.images.iterdir())[:3]:
        assert (again.images / path.name).read_bytes() == path.read_bytes()
