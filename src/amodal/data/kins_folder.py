"""KINS as it is downloaded: a folder with its annotation files and KITTI's photos, each part with its own photos.

    KINS/
      update_train_2020.json  update_test_2020.json     (or instances_train.json, instances_val.json of 2019)
      training/image_2/*.png  testing/image_2/*.png     (KITTI's data_object_image_2.zip)

Annotations may lie in `annotations/`, photos in `data_object_image_2/`. Both photo folders have a 000000.png, so which
one belongs to a file is said by its name alone.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from amodal.errors import InputError

_FILES = {
    "train": ("update_train_2020.json", "instances_train.json"),
    "test": ("update_test_2020.json", "instances_val.json"),
}
_PHOTOS = {"train": ("training/image_2", "train_imgs"), "test": ("testing/image_2", "test_imgs")}
_SAME = {"val": "test"}  # the file of 2019 calls it so
_ANNOTATIONS_IN, _PHOTOS_IN = ("", "annotations"), ("", "data_object_image_2", "images")


@dataclass(frozen=True)
class Part:
    """The file of "train" or "test", of 2020 rather than of 2019, and the folder of its photos, if it is there."""

    name: str
    annotations: Path
    photos: Path | None

    def photos_or(self, images: Path | None) -> Path:
        """The photos' folder that was named, else its own.

        Raises:
            InputError: neither.
        """
        photos = images or self.photos
        if photos is None:
            found, expected = f"has no photos of {self.name!r}", f"expected KITTI's {_PHOTOS[self.name][0]} beside it"
            raise InputError(os.fspath(self.annotations), "photos", found, expected)
        return photos


def is_kins_folder(folder: Path) -> bool:
    """Whether one of its annotation files is there."""
    return bool(_parts(folder))


def parts_of(folder: Path, split: str | None) -> list[Part]:
    """The part called so ("val" is 2019's name of "test"), or all that are there.

    Raises:
        InputError: none of that name.
    """
    parts = _parts(folder)
    if split is None:
        return list(parts.values())
    if _SAME.get(split, split) not in parts:
        raise InputError(os.fspath(folder), "split", f"has no annotations of {split!r}", _one_of(parts))
    return [parts[_SAME.get(split, split)]]


def one_part(folder: Path, split: str | None) -> Part:
    """The part called so, or the only one.

    Raises:
        InputError: no part is named and there is not just one, or none of that name.
    """
    parts = parts_of(folder, split)
    if len(parts) != 1:
        raise InputError(os.fspath(folder), "split", "no split was named", _one_of(_parts(folder)))
    return parts[0]


def _parts(folder: Path) -> dict[str, Part]:
    found = {}
    for name, files in _FILES.items():
        listed = (folder / place / file for file in files for place in _ANNOTATIONS_IN)
        annotations = next((path for path in listed if path.is_file()), None)
        if annotations is not None:
            places = [folder / place / photos for place in _PHOTOS_IN for photos in _PHOTOS[name]]
            found[name] = Part(name, annotations, next((path for path in places if path.is_dir()), None))
    return found


def _one_of(parts: dict[str, Part]) -> str:
    return f"expected one of {', '.join(parts)}"
