"""Pictures to learn from: masks and boxes that fit the photo whatever is done to it, from any annotated data set."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from amodal.data.kins import read_kins_folder
from amodal.data.truth import Truth, read_truth
from amodal.errors import AmodalError, InputError, NoSplits
from amodal.images import read_photo
from amodal.training.truths import (
    Picture,
    TruthPictures,
    Variation,
    line_of,
    read_pictures,
    read_truths,
    scaled_size,
    varied,
)
from helpers.kins_miniature import TEST_PHOTOS, TRAIN_PHOTOS, make_kins_miniature
from helpers.miniature import Miniature

PLAIN = Variation(76, 248, smallest=1.0, mirrored=0.0, brightness=0.0)


@pytest.fixture(scope="module")
def kins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kins_miniature(tmp_path_factory.mktemp("kins"))


@pytest.fixture(scope="module")
def pictures(kins: Path) -> TruthPictures:
    return read_pictures([kins], split="train")


def test_an_epoch_has_every_photo_once_and_the_next_another_sequence(pictures: TruthPictures) -> None:
    epochs = [[pictures.photo_of(TRAIN_PHOTOS * epoch + place) for place in range(TRAIN_PHOTOS)] for epoch in range(3)]
    assert all(sorted(epoch) == list(range(TRAIN_PHOTOS)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3


def test_without_variation_a_picture_is_the_photo_with_its_true_masks(pictures: TruthPictures) -> None:
    truth = pictures.truths[0]
    picture = varied(truth, pictures.classes, PLAIN, np.random.default_rng(0))
    assert truth.path is not None and np.array_equal(picture.pixels, read_photo(truth.path))
    for row, one in enumerate(truth.given):
        assert np.array_equal(picture.amodal[row] > 0, one.amodal.to_dense())
        assert np.array_equal(picture.inmodal[row] > 0, one.modal.to_dense())
        assert pictures.classes[picture.labels[row] - 1] == one.label
    assert picture.boxes == pytest.approx(np.array([one.box for one in truth.given]))
    assert picture.whole.all() and picture.complete


@pytest.mark.parametrize("mirrored", [0.0, 1.0])
@pytest.mark.parametrize("shortest", [40, 76, 150])
def test_boxes_and_masks_move_together(pictures: TruthPictures, shortest: int, mirrored: float) -> None:
    variation = Variation(shortest, 10_000, mirrored=mirrored)
    for index in range(TRAIN_PHOTOS):
        picture = pictures.draw(index, variation, np.random.default_rng(index))
        assert picture.amodal.shape[1:] == picture.pixels.shape[:2]
        assert (picture.inmodal <= picture.amodal).all()
        for box, mask in zip(picture.boxes, picture.amodal, strict=True):
            rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
            assert box == pytest.approx([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], abs=1.01)


def test_a_mirrored_picture_is_the_mirror_of_the_plain_one(pictures: TruthPictures) -> None:
    def drawn(mirrored: float) -> Picture:
        return pictures.draw(1, Variation(76, 248, 1.0, mirrored, 0.0), np.random.default_rng(5))

    plain, mirror = drawn(0.0), drawn(1.0)
    assert np.array_equal(plain.pixels[:, ::-1], mirror.pixels)
    assert np.array_equal(plain.inmodal[:, :, ::-1], mirror.inmodal)


def test_a_sample_follows_from_its_number_alone(pictures: TruthPictures) -> None:
    first, again = (pictures.draw(3, Variation(60, 200), np.random.default_rng([0, 3])) for _ in range(2))
    assert np.array_equal(first.pixels, again.pixels) and first.seed == again.seed


def test_the_shorter_side_decides_unless_the_longer_would_be_too_long() -> None:
    assert scaled_size(375, 1242, shortest_px=800, longest_px=1333) == (402, 1333)
    assert scaled_size(480, 640, shortest_px=256, longest_px=384) == (256, 341)


def test_of_visible_masks_only_clean_objects_are_whole(mini: Miniature) -> None:
    found = read_pictures([mini.annotations], [mini.images], split="train", classes=["car", "person"])
    for truth in found.truths[:8]:
        picture = varied(truth, found.classes, PLAIN, np.random.default_rng(0))
        kept = [one for one in truth.given if one.label in found.classes]
        assert picture.whole.tolist() == [one.meta["clean"] for one in kept]
        assert np.array_equal(picture.amodal, picture.inmodal)
        trams = any(one.label == "tram" for one in truth.given)
        assert picture.complete is not trams  # a tram may be taken for a car


def test_classes_are_those_with_examples_unless_told(kins: Path, pictures: TruthPictures) -> None:
    assert pictures.classes == ("car", "pedestrian", "tram")
    assert read_pictures([kins], split="train", classes=["tram", "car"]).classes == ("tram", "car")


def test_a_class_without_examples_is_refused_with_the_counts(kins: Path) -> None:
    with pytest.raises(InputError, match=r"no object of truck, .*there are: car \d+, pedestrian \d+, tram \d+"):
        read_pictures([kins], split="train", classes=["car", "truck"])


def test_several_data_sets_are_learned_from_together(kins: Path, mini: Miniature) -> None:
    both = read_pictures([kins, mini.annotations], [kins / "training/image_2", mini.images], split="train")
    assert {"car", "pedestrian", "person"} <= set(both.classes)
    assert len(both.truths) > TRAIN_PHOTOS


def test_folders_that_do_not_match_the_data_are_refused(kins: Path) -> None:
    with pytest.raises(InputError, match="found 1 for 2 files"):
        read_pictures([kins, kins], [kins])


def test_a_missing_photo_is_refused_before_training(kins: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_pictures([kins / "update_train_2020.json"], [tmp_path])


def test_a_photo_of_another_size_than_its_annotation_is_refused(kins: Path, tmp_path: Path) -> None:
    content = json.loads((kins / "update_train_2020.json").read_text())
    for image in content["images"]:
        image["width"] += 2
    changed = tmp_path / "changed.json"
    changed.write_text(json.dumps(content))
    found = read_pictures([changed], [kins / "training/image_2"])
    with pytest.raises(InputError, match="248 × 76 px, expected 250 × 76"):
        found.draw(0, PLAIN, np.random.default_rng(0))


def test_each_part_of_kins_has_its_own_photos(kins: Path) -> None:
    train, test = (read_truth(kins, split=split) for split in ("train", "test"))
    assert {truth.path and truth.path.parent.parent.name for truth in train} == {"training"}
    assert {truth.path and truth.path.parent.parent.name for truth in test} == {"testing"}
    assert len(read_truth(kins)) == TRAIN_PHOTOS + TEST_PHOTOS


@pytest.mark.parametrize(
    ("name", "folder"), [("update_train_2020.json", "training"), ("instances_val.json", "testing")]
)
def test_a_file_of_kins_finds_the_photos_of_its_own_part(kins: Path, name: str, folder: str) -> None:
    for images in (None, kins):
        found = read_truth(kins / name, images=images)
        assert {truth.path and truth.path.parent.parent.name for truth in found} == {folder}


def test_both_layouts_of_kins_say_the_same(kins: Path) -> None:
    newer = read_truth(kins / "update_train_2020.json", images=kins / "training/image_2")
    older = read_truth(kins / "instances_train.json", images=kins / "training/image_2")
    for one, other in zip(newer, older, strict=True):
        masks = [[(item.modal, item.amodal) for item in truth.scene.instances] for truth in (one, other)]
        assert masks[0] == masks[1]


def test_kins_of_2019_alone_is_found_too(kins: Path, tmp_path: Path) -> None:
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text((kins / "instances_val.json").read_text())
    (tmp_path / "data_object_image_2").symlink_to(kins)
    found = read_kins_folder(tmp_path, None, "val")
    assert len(found) == TEST_PHOTOS and found[0].path is not None and found[0].path.is_file()


def test_kins_without_what_was_asked_for_is_refused(kins: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no annotations of 'dev', expected one of train, test"):
        read_truth(kins, split="dev")
    (tmp_path / "update_train_2020.json").write_text((kins / "update_train_2020.json").read_text())
    with pytest.raises(InputError, match=r"has no photos of 'train', expected KITTI's training/image_2"):
        read_truth(tmp_path, split="train")


def test_data_without_a_useful_object_are_refused(kins: Path, tmp_path: Path) -> None:
    content = json.loads((kins / "update_train_2020.json").read_text())
    content["annotations"] = []
    empty = tmp_path / "empty.json"
    empty.write_text(json.dumps({**content, "annotations": []}))
    with pytest.raises((AmodalError, InputError)):
        read_pictures([empty], [kins / "training/image_2"])


def test_files_without_splits_are_taken_whole_however_that_is_said(kins: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read_truth(kins, split="train")

    def said_otherwise(path: Path, *, images: Path | None = None, split: str | None = None) -> list[Truth]:
        if split is not None:
            raise NoSplits(str(path), "photos", "are not parted", "expected nothing")
        return whole

    monkeypatch.setattr("amodal.training.truths.read_truth", said_otherwise)
    assert read_truths(kins, split="train") is whole


def test_another_mistake_is_not_taken_for_a_missing_split(kins: Path) -> None:
    with pytest.raises(InputError, match="dev"):
        read_truths(kins, split="dev")


def test_the_digest_of_a_file_is_that_of_its_bytes(mini: Miniature, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amodal.training.truths._PIECE", 100)
    found = read_pictures([mini.annotations], [mini.images])
    assert found.digest == hashlib.sha256(mini.annotations.read_bytes()).hexdigest()[:16]


def test_photos_of_rare_classes_come_more_often_and_all_others_once():
    labels = [{"car"}] * 90 + [{"car", "bus"}] * 9 + [{"tram"}]
    line = line_of(labels, 0.25)
    assert np.bincount(line).tolist() == [1] * 90 + [2] * 9 + [5]  # sqrt(.25 / .09) = 1.7, sqrt(.25 / .01) = 5
    assert line_of(labels, 0.0).tolist() == list(range(100))
