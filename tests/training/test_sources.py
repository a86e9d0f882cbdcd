"""What networks are trained on: who may see masks, which photos are complete, that scenes are of the training part."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from amodal.challenge import read_backgrounds
from amodal.errors import AmodalError, InputError
from amodal.training.sources import read_photos, read_pictures, real_sample
from helpers.miniature import Miniature, with_rubbish_masks, without_masks

CLASSES = ("car", "person")


def test_photos_hold_the_objects_of_their_split_and_classes(mini: Miniature) -> None:
    content = mini.content()
    train = {image["id"] for image in content["images"] if image["split"] == "train"}
    names = {category["id"]: category["name"] for category in content["categories"]}
    wanted = [a for a in content["annotations"] if a["image_id"] in train and names[a["category_id"]] in CLASSES]
    photos = read_photos(mini.annotations, mini.images, with_masks=True, classes=CLASSES)
    assert sorted(id for photo in photos for id in photo.ids) == sorted(a["id"] for a in wanted)
    assert all(photo.masks is not None and len(photo.masks) == len(photo.boxes) for photo in photos)


def test_without_masks_a_file_of_rubbish_masks_gives_the_same(mini: Miniature) -> None:
    def everything(path: Path) -> list[tuple[object, ...]]:
        photos = read_photos(path, mini.images, with_masks=False, classes=CLASSES)
        return [(photo.path, photo.ids, photo.boxes.tolist(), photo.labels, photo.masks) for photo in photos]

    bare = mini.variant("bare", without_masks(mini.content()))
    rubbish = mini.variant("rubbish", with_rubbish_masks(mini.content()))
    assert everything(mini.annotations) == everything(bare) == everything(rubbish)


def test_who_wants_masks_is_told_of_rubbish(mini: Miniature) -> None:
    rubbish = mini.variant("rubbish2", with_rubbish_masks(mini.content()))
    with pytest.raises(InputError, match="segmentation"):
        read_photos(rubbish, mini.images, with_masks=True, classes=CLASSES)


def test_a_photo_is_complete_unless_its_file_or_its_objects_say_otherwise(mini: Miniature) -> None:
    content = mini.content()
    for image, said in zip(content["images"], ("full", "partial"), strict=False):
        image["annotated"] = said
    crowded = content["images"][4]["id"]
    next(a for a in content["annotations"] if a["image_id"] == crowded)["iscrowd"] = 1
    photos = read_photos(mini.variant("said", content), mini.images, with_masks=False, classes=CLASSES)
    complete = {photo.path.name: photo.complete for photo in photos}
    # The first three hold a tram each, which some would call a car.
    assert [complete[content["images"][n]["file_name"]] for n in range(6)] == [False, False, False, True, False, True]


def test_a_split_without_objects_is_refused(mini: Miniature) -> None:
    with pytest.raises(AmodalError, match="no photo of split 'holdout' holds an object of car, person"):
        read_photos(mini.annotations, mini.images, with_masks=False, split="holdout", classes=CLASSES)


def test_real_and_pasted_pictures_come_in_equal_numbers(mini: Miniature) -> None:
    pictures = read_pictures(mini.annotations, mini.images, mini.backgrounds, with_masks=True, classes=CLASSES)
    samples = [pictures(np.random.default_rng(index)) for index in range(40)]
    pasted = [sample for sample in samples if sample.whole is not None]
    assert 10 <= len(pasted) <= 30
    assert all(sample.complete and 1 <= len(sample.boxes) <= 4 for sample in pasted)


def test_pasted_scenes_are_made_of_the_training_part_alone(mini: Miniature) -> None:
    pictures = read_pictures(mini.annotations, mini.images, mini.backgrounds, with_masks=True, classes=CLASSES)
    assert pictures.pasted is not None
    content = mini.content()
    train = {image["id"] for image in content["images"] if image["split"] == "train"}
    photo_of = {annotation["id"]: annotation["image_id"] for annotation in content["annotations"]}
    assert {photo_of[id] for id in pictures.pasted.cut_outs.objects} <= train
    test = read_backgrounds(mini.backgrounds, "test")
    used = pictures.pasted.backgrounds
    assert test.scenes and not (used.scenes.keys() | used.textures.keys()) & (test.scenes.keys() | test.textures.keys())


def test_masks_of_pasted_scenes_are_exact(mini: Miniature) -> None:
    pictures = read_pictures(mini.annotations, mini.images, mini.backgrounds, with_masks=True, classes=CLASSES)
    assert pictures.pasted is not None
    sample = pictures.pasted(np.random.default_rng(1))
    assert sample.masks is not None and sample.whole is not None
    for modal, whole, box in zip(sample.masks, sample.whole, sample.boxes, strict=True):
        assert whole.contains(modal) and tuple(box) == whole.box
    for first in range(len(sample.masks)):
        for second in range(first):
            assert sample.masks[first].intersection_area(sample.masks[second]) == 0


def test_who_learns_from_boxes_sees_the_same_pictures_without_masks(mini: Miniature) -> None:
    both = [
        read_pictures(mini.annotations, mini.images, mini.backgrounds, with_masks=with_masks, classes=CLASSES)
        for with_masks in (True, False)
    ]
    for index in range(8):
        seen, boxed = (pictures(np.random.default_rng(index)) for pictures in both)
        assert np.array_equal(seen.photo, boxed.photo) and np.array_equal(seen.boxes, boxed.boxes)
        assert seen.masks is not None and boxed.masks is None and boxed.whole is None


def test_without_backgrounds_all_pictures_are_real(mini: Miniature) -> None:
    pictures = read_pictures(mini.annotations, mini.images, None, with_masks=False, classes=CLASSES)
    real = {real_sample(photo).photo.tobytes() for photo in pictures.real.photos}
    assert all(pictures(np.random.default_rng(index)).photo.tobytes() in real for index in range(10))


def test_what_is_described_can_be_written_as_json(mini: Miniature) -> None:
    pictures = read_pictures(mini.annotations, mini.images, mini.backgrounds, with_masks=False, classes=CLASSES)
    described = json.loads(json.dumps(pictures.describe()))
    assert described["objects"].keys() == {"car", "person"} and described["backgrounds"] > 0
