"""Cityscapes' instance pictures read: 16-bit PNG, class * 1000 + number for an object, the class alone for the rest.

A folder holds `*_instanceIds.png` at any depth (`gtFine/train/aachen/..._gtFine_instanceIds.png`); photos lie in
`leftImg8bit` with the same folders, or in the folder that is named. `classes.json` (id -> name) beside them gives other
classes than Cityscapes' own. A class of objects without a number is a group: a region to ignore.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64
from PIL import Image

from amodal import rle
from amodal.data.entries import AsRead, Entry, Head, Source
from amodal.data.fields import read_json
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

FORMAT, SUFFIX, CLASSES_FILE = "cityscapes", "_instanceIds.png", "classes.json"
STUFF = "cityscapes_stuff"  # what is neither an object nor a group: value -> RLE, carried along
CLASSES = {
    24: "person",
    25: "rider",
    26: "car",
    27: "truck",
    28: "bus",
    29: "caravan",
    30: "trailer",
    31: "train",
    32: "motorcycle",
    33: "bicycle",
}
NUMBERS = 1000
_PHOTO_ENDS = ("_leftImg8bit.png", ".png", ".jpg", ".jpeg", "_leftImg8bit.jpg")


def read_cityscapes_truth(folder: Path, images: Path | None, split: str | None) -> list[Truth]:
    """Visible masks; boxes are those of the masks. An object's id is its value in the picture.

    Raises:
        InputError: a file that is no 16-bit PNG, a class without a name, no picture of that split.
    """
    source = open_cityscapes(folder, images, split)
    return [source[number].truth for number in range(len(source))]


def open_cityscapes(folder: Path, images: Path | None, split: str | None) -> Source:
    """The photos of a folder, one by one; a split is a folder on the way to its pictures."""
    return _CityscapesSource(folder, images, tuple(picture_files(folder, split)), classes_in(folder))


def picture_files(folder: Path, split: str | None = None) -> list[Path]:
    """The instance pictures of a folder, sorted.

    Raises:
        InputError: there are none (of that split).
    """
    files = sorted(folder.rglob(f"*{SUFFIX}"))
    wanted = [file for file in files if split is None or split in file.relative_to(folder).parts[:-1]]
    if not wanted:
        raise InputError(str(folder), "folder", f"has no *{SUFFIX}", "expected at least one (of that split)")
    return wanted


@dataclass(frozen=True, eq=False)
class _CityscapesSource:
    folder: Path
    images: Path | None
    files: tuple[Path, ...]
    classes: Mapping[int, str]

    @property
    def head(self) -> Head:
        return Head(FORMAT, self.classes)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int, /) -> Entry:
        file = self.files[number]
        values = values_of(file)
        height, width = values.shape
        instances, groups, group_fields, stuff = [], [], [], {}
        for value, mask in masks_of_values(values):
            if value >= NUMBERS:
                if value // NUMBERS not in self.classes:
                    expected = f"expected one of {', '.join(map(str, sorted(self.classes)))}"
                    raise InputError(str(file), f"value {value}", f"is of class {value // NUMBERS}", expected)
                x0, y0, x1, y1 = mask.box
                label = self.classes[value // NUMBERS]
                instances.append(Instance(value, label, (x0, y0, x1, y1), 1.0, mask, mask))
            elif value in self.classes:
                groups.append(mask)
                group_fields.append({"cityscapes": value})
            elif value:
                stuff[str(value)] = mask.to_coco_rle()
        photo = photo_of_picture(file, self.folder, self.images)
        truth = Truth(
            Scene(height, width, tuple(instances), boxes_are="visible", image=photo.name),
            photo,
            knows=frozenset({"modal", "boxes"}),
            ignore=tuple(groups),
            classes=frozenset(self.classes.values()),
        )
        fields = {"file": file.relative_to(self.folder).as_posix()} | ({STUFF: stuff} if stuff else {})
        objects = {one.id: {"cityscapes": one.id} for one in instances}
        return Entry(truth, AsRead(FORMAT, truth, fields, objects, tuple(group_fields), own_photo=frozenset({"file"})))


def photo_of_picture(file: Path, folder: Path, images: Path | None) -> Path:
    """Where the photo of one of the folder's pictures is; where it should be, if it is nowhere."""
    stem = file.name.removesuffix(SUFFIX)
    names = [start + end for start in (stem.removesuffix("_gtFine"), stem) for end in _PHOTO_ENDS]
    inside = file.parent.relative_to(folder)
    folders = (
        [images / inside, images]
        if images is not None
        else [
            Path(*("leftImg8bit" if part.startswith("gt") else part for part in file.parent.parts)),
            folder.parent / "leftImg8bit" / inside,
            file.parent,
            folder / "images",
        ]
    )
    places = [place / name for place in folders for name in names]
    return next((place for place in places if place.is_file()), places[0])


def classes_in(folder: Path) -> Mapping[int, str]:
    """Class id -> name: Cityscapes' own unless the folder says others.

    Raises:
        InputError: its `classes.json` cannot be read.
    """
    if not (folder / CLASSES_FILE).is_file():
        return CLASSES
    root = read_json(folder / CLASSES_FILE)
    found: dict[int, str] = {}
    for key in root.object():
        if not key.isdecimal():
            raise root[key].error(f"is named {key!r}", "a class id")
        found[int(key)] = root[key].text()
    return found


def values_of(file: Path) -> Int64[np.ndarray, "h w"]:
    """The values of an instance picture.

    Raises:
        InputError: it is no 16-bit PNG.
    """
    expected = "expected a 16-bit PNG"
    try:
        with Image.open(file, formats=["PNG"]) as image:
            rle.check_size((image.height, image.width), str(file))
            if image.mode not in ("I;16", "I;16B", "I"):
                raise InputError(str(file), "picture", f"is of mode {image.mode}", expected)
            return np.asarray(image).astype(np.int64)
    except InputError:
        raise
    except Exception as error:  # on broken bytes Pillow's decoders raise nearly anything
        raise InputError(str(file), "picture", f"cannot be decoded ({error})", expected) from error


def masks_of_values(values: Int64[np.ndarray, "h w"]) -> list[tuple[int, CropMask]]:
    """Every value with its pixels, each looked for in its own box only."""
    from scipy.ndimage import find_objects

    found, index = np.unique(values, return_inverse=True)
    places = find_objects(index.reshape(values.shape) + 1)
    masks = []
    for value, place in zip(found.tolist(), places, strict=True):
        rows, columns = place
        masks.append((value, CropMask.from_crop(values[place] == value, columns.start, rows.start, *values.shape)))
    return masks
