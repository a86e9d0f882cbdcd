"""What all networks are trained on: real photos with their annotated objects, and scenes pasted from whole objects.

Who is supervised by boxes asks for no masks; then `segmentation` of the photos' objects is never looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from amodal.challenge import Backgrounds, compose, read_backgrounds, read_sources, render
from amodal.challenge import Sources as CutOuts
from amodal.challenge.balance import Scenario
from amodal.challenge.compose import Layout
from amodal.data.coco import CocoBoxes, coco_objects, read_masks
from amodal.data.fields import Field, read_json
from amodal.digest import sha256_of
from amodal.errors import AmodalError
from amodal.images import read_photo
from amodal.masks import CropMask

Choice = TypeVar("Choice")

CLASSES = ("person", "car", "truck", "motorcycle")
"""Those of the shipped compositional model."""
_TOO_SMALL_PX = 12.0
_SCENARIOS: tuple[Scenario, ...] = ("two", "four")  # unknown occluders are for testing
_LAYOUTS: tuple[Layout, ...] = ("free", "ground")
_ALONE, _ENOUGH_ALONE = 0.5, 100
ALIKE = ("car", "truck", "van", "bus", "tram")


@dataclass(frozen=True, eq=False)
class SourcePhoto:
    """A real photo of the training split.

    Attributes:
        boxes: [n, 4] XYXY pixels, of what is seen of the objects.
        masks: what is seen of them; None where masks were not asked for.
        clean: [n] whether the object is fully visible.
        complete: every object of the classes is annotated, so that the rest of the photo is background.
        licence: as far as the file knows.
    """

    path: Path
    ids: tuple[int, ...]
    boxes: Float[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    masks: tuple[CropMask, ...] | None
    clean: tuple[bool, ...]
    complete: bool
    licence: str = ""


@dataclass(frozen=True, eq=False)
class Sample:
    """A picture to learn from, real or pasted.

    Attributes:
        boxes: [n, 4] XYXY pixels: of whole objects in pasted scenes, of their visible parts in real photos.
        masks: what is seen of each object; None for who learns from boxes.
        whole: the whole objects; pasted scenes with masks only.
        complete: what lies outside all boxes is background.
    """

    photo: UInt8[np.ndarray, "h w 3"]
    boxes: Float[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    masks: tuple[CropMask, ...] | None
    whole: tuple[CropMask, ...] | None
    complete: bool


def read_photos(
    data: Path,
    images: Path,
    *,
    with_masks: bool,
    split: str | None = "train",
    classes: Sequence[str] = CLASSES,
) -> tuple[SourcePhoto, ...]:
    """The photos of a COCO file that hold objects of the classes, in the file's order.

    Raises `InputError` for a file that cannot be read, `AmodalError` where nothing is left to learn from.
    """
    root = read_json(data)
    objects = coco_objects(root, images=images)
    wanted = _wanted(objects, split, classes)
    ids = [int(number) for number in objects.ids[wanted]]
    masks = read_masks(data, ids) if with_masks else None
    complete = _complete(root, objects, classes)
    clean = np.zeros(len(objects), bool) if objects.clean is None else objects.clean
    rows_of: dict[int, list[int]] = {}
    for row in wanted:
        rows_of.setdefault(int(objects.image_index[row]), []).append(int(row))
    photos = tuple(
        SourcePhoto(
            path=objects.images[index].path,
            ids=tuple(int(objects.ids[row]) for row in rows),
            boxes=objects.boxes[rows],
            labels=tuple(str(objects.labels[row]) for row in rows),
            masks=None if masks is None else tuple(masks[int(objects.ids[row])] for row in rows),
            clean=tuple(bool(clean[row]) for row in rows),
            complete=complete[index],
            licence=objects.images[index].licence,
        )
        for index, rows in sorted(rows_of.items())
    )
    if not photos:
        where = f"no photo of split {split!r}" if split else "no photo"
        raise AmodalError(f"{data}: {where} holds an object of {', '.join(classes)}")
    return photos


def real_sample(photo: SourcePhoto) -> Sample:
    """The photo, decoded, and its objects."""
    return Sample(read_photo(photo.path), photo.boxes, photo.labels, photo.masks, None, photo.complete)


class PhotoDraw:
    """Draws photos so that rare classes are seen more often: a class by the root of its photos, then a photo."""

    def __init__(self, photos: Sequence[SourcePhoto]) -> None:
        self.photos = tuple(photos)
        labels = sorted({label for photo in photos for label in photo.labels})
        self.of_class = [np.flatnonzero([label in photo.labels for photo in photos]) for label in labels]
        roots = np.sqrt([len(rows) for rows in self.of_class])
        self.shares = roots / roots.sum()

    def __call__(self, rng: np.random.Generator) -> SourcePhoto:
        """One photo."""
        rows = self.of_class[rng.choice(len(self.of_class), p=self.shares)]
        return self.photos[int(rng.choice(rows))]


class SceneDraw:
    """Draws pasted scenes of two or four whole objects, free or on the ground; a part of them of one class alone."""

    def __init__(self, cut_outs: CutOuts, backgrounds: Backgrounds, *, with_masks: bool) -> None:
        self.cut_outs, self.backgrounds, self.with_masks = cut_outs, backgrounds, with_masks
        labels = sorted({cut_out.label for cut_out in cut_outs.objects.values()})
        self.of_class = [
            CutOuts({id: cut_out for id, cut_out in cut_outs.objects.items() if cut_out.label == label})
            for label in labels
        ]
        # One class alone needs enough different objects that scenes of all levels can be made of them.
        self.of_class = [own for own in self.of_class if len(own.objects) >= _ENOUGH_ALONE]

    def __call__(self, rng: np.random.Generator) -> Sample:
        """One scene, rendered, with its exact truth."""
        alone = self.of_class and rng.random() < _ALONE
        cut_outs = self.of_class[rng.integers(len(self.of_class))] if alone else self.cut_outs
        record = compose(rng, _one_of(_SCENARIOS, rng), _one_of(_LAYOUTS, rng), cut_outs, self.backgrounds)
        photo, scene = render(record, cut_outs, self.backgrounds)
        seen = [instance for instance in scene.instances if not instance.modal.is_empty]
        return Sample(
            photo=photo,
            boxes=np.array([instance.box for instance in seen], np.float64).reshape(-1, 4),
            labels=tuple(instance.label for instance in seen),
            masks=tuple(instance.modal for instance in seen) if self.with_masks else None,
            whole=tuple(instance.amodal for instance in seen) if self.with_masks else None,
            complete=True,
        )


@dataclass(frozen=True, eq=False)
class Pictures:
    """Everything there is to learn from: real photos, and pasted scenes where there are backgrounds."""

    real: PhotoDraw
    pasted: SceneDraw | None
    digest: str = ""
    """Of the annotation file: other boxes or masks are another training, even where their counts are alike."""

    def __call__(self, rng: np.random.Generator) -> Sample:
        """A picture, real or pasted with equal chance."""
        if self.pasted is not None and rng.random() < 0.5:
            return self.pasted(rng)
        return real_sample(self.real(rng))

    def describe(self) -> dict[str, Any]:
        """For the model file: how many photos and objects, with sources and licences of the photos."""
        photos = self.real.photos
        counts = Counter(label for photo in photos for label in photo.labels)
        pasted = 0 if self.pasted is None else len(self.pasted.cut_outs.objects)
        return {
            "annotations_sha256": self.digest,
            "photos": len(photos),
            "objects": dict(sorted(counts.items())),
            "objects_pasted": pasted,
            "backgrounds": 0 if self.pasted is None else len(self.pasted.backgrounds.scenes),
            "licences": sorted({photo.licence for photo in photos} - {""}),
        }


def read_pictures(
    data: Path,
    images: Path,
    backgrounds: Path | None,
    *,
    with_masks: bool,
    split: str | None = "train",
    classes: Sequence[str] = CLASSES,
) -> Pictures:
    """The training pictures of a COCO file and a folder of backgrounds, of which the training part is used.

    Pasting cuts fully visible objects out by their masks; without `with_masks` no sample says what they were.

    Raises `InputError` for files that cannot be read, `AmodalError` where nothing is left to learn from.
    """
    real = PhotoDraw(read_photos(data, images, with_masks=with_masks, split=split, classes=classes))
    digest = sha256_of(data)[:16]
    if backgrounds is None:
        return Pictures(real, None, digest)
    there = sorted({label for photo in real.photos for label in photo.labels})
    cut_outs = read_sources(data, images=images, split=split, classes=there)
    pasted = SceneDraw(cut_outs, read_backgrounds(backgrounds, part="train"), with_masks=with_masks)
    return Pictures(real, pasted, digest)


def _one_of(choices: Sequence[Choice], rng: np.random.Generator) -> Choice:
    return choices[int(rng.integers(len(choices)))]


def _wanted(objects: CocoBoxes, split: str | None, classes: Sequence[str]) -> np.ndarray:
    known = np.array([label in classes for label in objects.labels], bool) & ~objects.is_crowd
    if split is not None:
        known &= np.array([found == split for found in objects.splits], bool)
    sides = objects.boxes[:, 2:] - objects.boxes[:, :2]
    return np.flatnonzero(known & (sides.max(axis=1, initial=0.0) >= _TOO_SMALL_PX))


def _complete(root: Field, objects: CocoBoxes, classes: Sequence[str]) -> list[bool]:
    """A photo is complete if its file says so, and nothing in it could be taken for one of the classes.

    Crowds, and vehicles of another kind than the classes (a van is a car to many), leave open what a network should
    say there.
    """
    said = [image.get("annotated") for image in root["images"].items()]
    complete = [entry is None or entry.value == "full" for entry in said]
    for row, label in enumerate(objects.labels):
        if objects.is_crowd[row] or (label in ALIKE and label not in classes):
            complete[int(objects.image_index[row])] = False
    return complete
