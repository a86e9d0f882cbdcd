"""Scenes to look at, each with its photo, its pictures and the truth about it, as far as these are there."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Literal, cast

from amodal.data.fields import read_json
from amodal.data.results import SOURCE, read_scenes
from amodal.data.truth import OUR_FILE, Truth, read_truth
from amodal.errors import InputError
from amodal.evaluation.pairing import align, pair
from amodal.images import unique_stems
from amodal.scene import Instance, Scene

Level = Literal["L0", "L1", "L2", "L3"]
PREDICTIONS, PICTURES, PHOTOS = "predictions", "pictures", "images"
LAYERS = ("likelihood", "before_after", "masks", "order", "sheet")  # what predict draws of a photo


@dataclass(frozen=True, eq=False)
class Shown:
    """A photo: what a method (or the challenge) says of it, and what is true.

    Attributes:
        scene: the objects shown.
        path: the photo, None where it was not found.
        truth: what is known of it.
        layers: name -> picture beside it.
    """

    scene: Scene
    path: Path | None
    truth: Truth | None = None
    layers: Mapping[str, Path] = field(default_factory=dict)

    @cached_property
    def true_objects(self) -> dict[int, Instance]:
        """Id of a shown object -> the true object it stands for."""
        if self.truth is None:
            return {}
        by_id = {one.id: one for one in self.truth.given}
        found = pair(self.truth, self.scene)
        return {shown.id: by_id[id] for id, shown in found.items() if shown is not None}

    @cached_property
    def worst(self) -> float | None:
        """The lowest IoU of whole masks with the truth's; 0 where a true object was missed."""
        if self.truth is None or not self.truth.scored:
            return None
        ious = {
            self.true_objects[one.id].id: self._iou(one) for one in self.scene.instances if one.id in self.true_objects
        }
        return min(ious.get(one.id, 0.0) for one in self.truth.scored)

    def iou_of(self, instance: Instance) -> float | None:
        """The IoU of a shown object with its true one, of whole masks where truth knows them."""
        return self._iou(instance) if instance.id in self.true_objects else None

    def occlusion_of(self, instance: Instance) -> float:
        """How much of an object is hidden: by truth where that knows, else by what is shown."""
        true = self.true_objects.get(instance.id)
        knows = self.truth is not None and {"amodal", "modal"} <= self.truth.knows
        return true.occlusion if true is not None and knows else instance.occlusion

    def level_of(self, instance: Instance) -> Level | None:
        """Its level L0 to L3, likewise."""
        true = self.true_objects.get(instance.id)
        knows = self.truth is not None and {"amodal", "modal"} <= self.truth.knows
        return cast("Level | None", true.level if true is not None and knows else instance.level)

    def _iou(self, instance: Instance) -> float:
        true = self.true_objects[instance.id]
        knows_whole = self.truth is not None and "amodal" in self.truth.knows
        return instance.amodal.iou(true.amodal) if knows_whole else instance.modal.iou(true.modal)


class Methods:
    """Results of one method, or of the several that were compared; each is read when it is asked for first."""

    def __init__(self, names: Sequence[str], first: str, read: Callable[[str], tuple[Shown, ...]]) -> None:
        self.names, self.first = tuple(names), first
        self._read, self._kept = read, dict[str, tuple[Shown, ...]]()
        self._one_at_a_time = Lock()

    def shown(self, name: str | None) -> tuple[str, tuple[Shown, ...]]:
        """The name and photos of a method; those of the first where there is none of that name."""
        known = name if name in self.names else self.first
        with self._one_at_a_time:
            if known not in self._kept:
                self._kept[known] = self._read(known)
            return known, self._kept[known]


def open_methods(
    results: Path, *, truth: Path | None = None, images: Path | None = None, method: str | None = None
) -> Methods:
    """The same as `open_results`, of all methods of a comparison; `method` is the one to begin with.

    Raises:
        InputError: as there.
    """
    shown = open_results(results, truth=truth, images=images, method=method)
    names = [] if results.is_file() else _compared(results)
    first = (method or names[0]) if names else next((one.scene.method for one in shown if one.scene.method), "")

    def read(name: str) -> tuple[Shown, ...]:
        return shown if name == first else open_results(results, truth=truth, images=images, method=name)

    return Methods(names or [first], first, read)


def open_results(
    results: Path, *, truth: Path | None = None, images: Path | None = None, method: str | None = None
) -> tuple[Shown, ...]:
    """Read what predict, compare or challenge wrote.

    Args:
        results: the folder, or a file of scenes.
        truth: any annotated file or folder, to be shown beside it.
        images: where the photos are, if not where the results say.
        method: which one of a comparison; the first by name unless given.

    Raises:
        InputError: there are no results, no such method, or truth and results are not of the same photos.
    """
    file = _file_of(results, method)
    scenes = read_scenes(file)
    truths = _said_truth(results, images) if truth is None else read_truth(truth, images=images)
    beside = _beside(scenes, truths)
    stems = unique_stems([Path(scene.image or "scene") for scene in scenes])
    folders = [folder for folder in (images, file.parent, file.parent / PHOTOS, file.parent.parent) if folder]
    shown = []
    for scene, true, stem in zip(scenes, beside, stems, strict=True):
        path = _photo(scene, folders) or (true.path if true is not None else None)
        shown.append(Shown(scene, path, true, dict(_layers(file.parent / PICTURES, stem))))
    return tuple(shown)


def _file_of(results: Path, method: str | None) -> Path:
    if results.is_file():
        return results
    predictions = results / PREDICTIONS
    if predictions.is_dir():
        names = _compared(results)
        if not names or (method is not None and method not in names):
            found = f"found {method!r}" if names else "found no predictions"
            raise InputError(os.fspath(results), "--method", found, f"expected one of {', '.join(names) or 'some'}")
        return predictions / f"{method or names[0]}.json"
    if (results / OUR_FILE).is_file():
        return results / OUR_FILE
    expected = f"expected a folder with {OUR_FILE} or {PREDICTIONS}/, as predict, compare and challenge write it"
    raise InputError(os.fspath(results), "results", "holds none", expected)


def _compared(results: Path) -> list[str]:
    """The methods of a comparison; none where the folder is not one."""
    found = (results / PREDICTIONS).glob("*.json")
    return sorted(path.stem for path in found if not path.stem.endswith(".recipe"))


def _said_truth(results: Path, images: Path | None) -> list[Truth] | None:
    """What a comparison was made with, where its folder says so."""
    if not (results / SOURCE).is_file():
        return None
    said = read_json(results / SOURCE)
    truth = Path(said["truth"].text())
    if not truth.exists():
        found = f"was compared with {truth}, which is not there"
        raise InputError(os.fspath(results), "--truth", found, "expected where that file or folder is now")
    folder = said["images"].value
    split = said["split"].value
    return read_truth(truth, images=images or (Path(folder) if isinstance(folder, str) else None), split=split)


def _beside(scenes: Sequence[Scene], truths: Sequence[Truth] | None) -> list[Truth | None]:
    """The truth for each scene."""
    if truths is None:
        return [None] * len(scenes)
    of_scene = {
        id(scene): truth for truth, scene in zip(truths, align(truths, scenes), strict=True) if scene is not None
    }
    return [of_scene.get(id(scene)) for scene in scenes]


def _photo(scene: Scene, folders: Sequence[Path]) -> Path | None:
    if not scene.image:
        return None
    name = Path(scene.image)
    places = [folder / part for folder in folders for part in (name, name.name)]
    return next((path for path in [*places, name] if path.is_file()), None)


def _layers(pictures: Path, stem: str) -> Iterator[tuple[str, Path]]:
    for layer in LAYERS:
        path = pictures / f"{stem}-{layer}.jpg"
        if path.is_file():
            yield layer, path
