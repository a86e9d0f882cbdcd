"""KINS as it is downloaded: a folder with its annotation files and KITTI's photos, each part with its own photos.

    KINS/
      update_train_2020.json  update_test_2020.json     (or instances_train.json, instances_val.json of 2019)
      training/image_2/*.png  testing/image_2/*.png     (KITTI's data_object_image_2.zip)

Annotations may lie in `annotations/`, photos in `data_object_image_2/`. Both photo folders have a 000000.png, so which
one belongs to a file is said by its name alone.
"""

from __future__ import annotations

import os
from pathlib import Path

from amodal.data.truth import Truth, read_truth
from amodal.errors import InputError

_FILES = {
    "train": ("update_train_2020.json", "instances_train.json"),
    "test": ("update_test_2020.json", "instances_val.json"),
}
_PHOTOS = {"train": ("training/image_2", "train_imgs"), "test": ("testing/image_2", "test_imgs")}
_SAME = {"val": "test"}  # the file of 2019 calls it so
_ANNOTATIONS_IN, _PHOTOS_IN = ("", "annotations"), ("", "data_object_image_2", "images")


def is_kins_folder(folder: Path) -> bool:
    """Whether one of its annotation files is there."""
    return any(annotation_file(folder, split) is not None for split in _FILES)


def annotation_file(folder: Path, split: str) -> Path | None:
    """The annotations of "train" or "test", of 2020 rather than of 2019; None where there are none."""
    names = _FILES.get(_SAME.get(split, split), ())
    places = (folder / inside / name for name in names for inside in _ANNOTATIONS_IN)
    return next((path for path in places if path.is_file()), None)


def image_folder(folder: Path, split: str) -> Path | None:
    """The photos of "train" or "test"; None where there are none."""
    names = _PHOTOS.get(_SAME.get(split, split), ())
    places = (folder / inside / name for inside in _PHOTOS_IN for name in names)
    return next((path for path in places if path.is_dir()), None)


def read_kins_folder(folder: Path, images: Path | None, split: str | None) -> list[Truth]:
    """Everything is known of the photos of a split; without one, of all splits that are there.

    Raises:
        InputError: no such split, its photos are missing, or its file is broken.
    """
    there = [name for name in _FILES if annotation_file(folder, name) is not None]
    wanted = there if split is None else [split]
    truths = []
    for name in wanted:
        annotations = annotation_file(folder, name)
        if annotations is None:
            found, expected = f"has no annotations of {name!r}", f"expected one of {', '.join(there)}"
            raise InputError(os.fspath(folder), "split", found, expected)
        photos = images or image_folder(folder, name)
        if photos is None:
            expected = f"expected KITTI's {_PHOTOS[_SAME.get(name, name)][0]} in it"
            raise InputError(os.fspath(folder), "photos", f"has no photos of {name!r}", expected)
        truths += read_truth(annotations, images=photos)  # photo by photo, as the files are large
    return truths
