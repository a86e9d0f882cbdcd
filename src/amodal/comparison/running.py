"""One method over all photos: a few at a time, timed, what it cannot do listed, what is finished kept.

Predictions lie in the folder as our COCO JSON, NAME.json, beside the recipe they were made by; photos that are
finished while others are not lie in a hidden folder named by that recipe. Killed at any moment, the same call goes
on where it was; another method, model, setting, photo, box or version of the code begins anew.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
from jaxtyping import UInt8

from amodal.comparison.asking import Asked, ask_of, scene_as_asked
from amodal.comparison.calibrating import Tally, added_up, tally_of
from amodal.comparison.specs import MethodSpec
from amodal.data.results import read_scenes, write_scenes
from amodal.data.truth import Truth
from amodal.data.write import make_folder, write_text_atomically
from amodal.digest import sha256_of
from amodal.errors import AmodalError, InputError
from amodal.evaluation.calibration import Calibration, posterior_calibration
from amodal.images import read_photo
from amodal.models import shipped, telling_file
from amodal.progress import Progress
from amodal.scene import Scene
from amodal.segmenter import METHODS, Segmenter, load

Labels = Literal["given", "none"]
PHOTOS_AT_ONCE = 4
PHOTOS_IN_A_PART = 48
RECIPE_VERSION = 2


@dataclass(frozen=True)
class Failure:
    """A photo that a method could not do, and why."""

    photo: str
    reason: str


@dataclass(frozen=True)
class Run:
    """What a method made of the photos.

    Attributes:
        spec: the method.
        scenes: one for each truth, in their order, objects by the truth's ids; empty where the method failed.
        seconds_per_photo: mean over the photos done, decoding left out; nan where none was done.
        failures: the photos that it could not do.
        classes: the classes it tells apart.
        calibration: of its posterior maps, where it keeps them (`keep_posteriors=true`); they are not stored.
    """

    spec: MethodSpec
    scenes: tuple[Scene, ...]
    seconds_per_photo: float
    failures: tuple[Failure, ...]
    classes: tuple[str, ...]
    calibration: Calibration | None = None


def run_method(
    spec: MethodSpec, truths: Sequence[Truth], folder: Path, labels: Labels = "given", progress: Progress | None = None
) -> Run:
    """Run one method over the photos of the truths with their true boxes, or take what an earlier run kept.

    Raises:
        InputError: the method or its model cannot be loaded, or the folder cannot be written.
    """
    recipe = recipe_of(spec, truths, labels)
    place = make_folder(folder) / f"{spec.name}.json"
    note = place.with_suffix(".recipe.json")
    kept = _read_note(note, recipe)
    whole = _kept_scenes(place) if kept is not None else None
    if kept is not None and whole is not None:
        if progress is not None:
            progress(f"{spec.name} (kept)", len(truths), len(truths))
        return _run(spec, whole, kept)
    parts = make_folder(folder / f".parts-{recipe[:24]}")
    done = 0
    pieces: list[tuple[Path, dict[str, Any]]] = []
    segmenter: Segmenter | None = None
    for number, start in enumerate(range(0, len(truths), PHOTOS_IN_A_PART)):
        some = truths[start : start + PHOTOS_IN_A_PART]
        part = parts / f"{number:05d}.json"
        said = _read_note(part.with_suffix(".note"), recipe)
        if said is None or _kept_scenes(part) is None:
            is_cold = segmenter is None
            if segmenter is None:
                segmenter = load(spec.model, spec.method, **dict[str, Any](spec.settings))
            scenes: list[Scene] = []
            said = {"seconds": [], "failures": [], "calibration": [], "classes": list(segmenter.labels)}
            for photo in _segmented(segmenter, spec, some, labels, is_cold=is_cold):
                scenes.append(photo.scene)
                said["seconds"].append(photo.seconds)
                said["failures"] += [[photo.scene.image, photo.reason]] if photo.reason else []
                said["calibration"] += [photo.calibration] if photo.calibration else []
                done += 1
                if progress is not None:
                    progress(spec.name, done, len(truths))
            write_scenes(scenes, part)
            _write_note(part.with_suffix(".note"), recipe, said)
        else:
            done += len(some)
        pieces.append((part, said))
    everything = [scene for part, _ in pieces for scene in read_scenes(part)]
    lists = ("seconds", "failures", "calibration")
    noted = {key: [item for _, said in pieces for item in said[key]] for key in lists}
    noted["classes"] = pieces[0][1]["classes"] if pieces else []
    write_scenes(everything, place)
    _write_note(note, recipe, noted)
    shutil.rmtree(parts, ignore_errors=True)
    return _run(spec, everything, noted)


def recipe_of(spec: MethodSpec, truths: Sequence[Truth], labels: Labels) -> str:
    """A digest of all that the predictions depend on: method, model, settings, code, photos and boxes."""
    photos = [
        [
            truth.scene.image,
            truth.path.stat().st_size if truth.path is not None and truth.path.is_file() else None,
            truth.scene.boxes_are,
            [[one.id, one.label, one.box] for one in truth.given],
            [[one.modal.box, one.modal.area] for one in truth.given] if spec.sees_truth or spec.visible_boxes else [],
            sorted(truth.classes),
        ]
        for truth in truths
    ]
    said = {
        "version": RECIPE_VERSION,
        "method": spec.method,
        "settings": dict(spec.settings),
        "sees_truth": spec.sees_truth,
        "visible_boxes": spec.visible_boxes,
        "files": {key: _file_digest(value) for key, value in _files_of(spec)},
        "code": _code_digest(METHODS[spec.method].split(".")[1]),
        "labels": labels,
        "photos": photos,
    }
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class _Segmented:
    scene: Scene
    seconds: float | None  # None: the first photos of a process, which wait for libraries to get ready
    reason: str = ""
    calibration: tuple[Tally, ...] = ()


@dataclass(frozen=True)
class _Loaded:
    photo: UInt8[np.ndarray, "h w 3"]
    truth: Truth
    asked: Asked


def _segmented(
    segmenter: Segmenter, spec: MethodSpec, truths: Sequence[Truth], labels: Labels, *, is_cold: bool
) -> Iterator[_Segmented]:
    """A scene for each photo, in order."""
    for start in range(0, len(truths), PHOTOS_AT_ONCE):
        some = truths[start : start + PHOTOS_AT_ONCE]
        made: dict[int, _Segmented] = {}
        loaded: list[tuple[int, _Loaded]] = []
        for number, truth in enumerate(some):
            try:
                assert truth.path is not None, "checked before"  # noqa: S101
                photo = read_photo(truth.path)
                asked = ask_of(truth, segmenter.labels, labels, visible_boxes=spec.visible_boxes)
                loaded.append((number, _Loaded(photo, truth, asked)))
            except AmodalError as error:
                made[number] = _Segmented(_nothing(truth, spec), None, str(error))
        for _, alike in groupby(loaded, lambda item: item[1].asked.boxes_are):
            numbers, batch = zip(*alike, strict=True)
            for number, found in zip(numbers, _batch(segmenter, spec, batch), strict=True):
                made[number] = replace(found, seconds=None) if is_cold and start == 0 else found
        yield from (made[number] for number in range(len(some)))


def _batch(segmenter: Segmenter, spec: MethodSpec, loaded: Sequence[_Loaded]) -> list[_Segmented]:
    """Scenes for a few photos together; where that fails, one by one: the others need not suffer."""
    began = time.perf_counter()
    try:
        scenes = _scenes(segmenter, spec, loaded)
        seconds = (time.perf_counter() - began) / len(loaded)
        return [_finished(scene, item, spec, seconds) for scene, item in zip(scenes, loaded, strict=True)]
    except Exception as error:  # a rival's network may raise anything; the comparison goes on and says so
        if len(loaded) > 1:
            return [found for item in loaded for found in _batch(segmenter, spec, [item])]
        reason = str(error) if isinstance(error, AmodalError) else f"{type(error).__name__}: {error}"
        return [_Segmented(_nothing(loaded[0].truth, spec), None, " ".join(reason.split()))]


def _scenes(segmenter: Segmenter, spec: MethodSpec, loaded: Sequence[_Loaded]) -> list[Scene]:
    photos = [item.photo for item in loaded]
    if spec.sees_truth:
        complete = getattr(segmenter, "complete_batch", None)
        if complete is None:
            raise InputError(spec.name, "visible", "is truth", "expected a method that completes visible masks")
        visible = [[one.modal for one in item.truth.given] for item in loaded]
        found: list[Scene] = complete(photos, visible, [item.asked.labels for item in loaded])
        return found
    return segmenter.segment_batch(
        photos,
        [item.asked.boxes for item in loaded],
        [item.asked.labels for item in loaded],
        boxes_are=loaded[0].asked.boxes_are,
    )


def _finished(scene: Scene, item: _Loaded, spec: MethodSpec, seconds: float) -> _Segmented:
    """The answer in the truth's words, checked; of its maps nothing is kept but how well they are calibrated."""
    answer = scene_as_asked(scene, item.truth, item.asked, trust_order=spec.sees_truth).validate()
    tally = tally_of(posterior_calibration([item.truth], [answer])) if _has_maps(answer) else ()
    bare = tuple(replace(one, posterior=None) for one in answer.instances)
    return _Segmented(answer.with_instances(bare), seconds, calibration=tally)


def _has_maps(scene: Scene) -> bool:
    return any(one.posterior is not None for one in scene.instances)


def _nothing(truth: Truth, spec: MethodSpec) -> Scene:
    """A photo of which the method says nothing: every object of it is missed."""
    scene = truth.scene
    return Scene(scene.height, scene.width, boxes_are=scene.boxes_are, image=scene.image, method=spec.method)


def _run(spec: MethodSpec, scenes: Sequence[Scene], said: dict[str, Any]) -> Run:
    seconds = [value for value in said["seconds"] if value is not None]
    return Run(
        spec=spec,
        scenes=tuple(scenes),
        seconds_per_photo=sum(seconds) / len(seconds) if seconds else float("nan"),
        failures=tuple(Failure(*entry) for entry in said["failures"]),
        classes=tuple(said["classes"]),
        calibration=added_up(said["calibration"]) if said["calibration"] else None,
    )


def _kept_scenes(place: Path) -> list[Scene] | None:
    """Scenes of an earlier run; None where the file is gone or somebody damaged it: they are made again."""
    try:
        return read_scenes(place)
    except InputError:
        return None


def _read_note(path: Path, recipe: str) -> dict[str, Any] | None:
    """What was noted beside predictions, if they were made by this recipe."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return said if isinstance(said, dict) and said.get("recipe") == recipe else None


def _write_note(path: Path, recipe: str, said: dict[str, Any]) -> None:
    write_text_atomically(path, json.dumps({"recipe": recipe, **said}) + "\n")


def _files_of(spec: MethodSpec) -> list[tuple[str, Path]]:
    """The files a method reads: its model, that of the method it starts from, and settings that are files."""
    named = [("model", _model_file(spec.model, spec.method))]
    if "visible_from" in spec.settings:
        inner = str(spec.settings.get("visible_model", "default"))
        named.append(("visible_model", _model_file(inner, str(spec.settings["visible_from"]))))
    named += [(key, Path(str(value))) for key, value in spec.settings.items() if key != "visible_model"]
    return [(key, path) for key, path in named if path.suffix and path.is_file()]


def _model_file(model: str, method: str) -> Path:
    if model != "default":
        return telling_file(model)
    return shipped(method) if shipped(method).is_file() else shipped("default")


@cache
def _file_digest(path: Path) -> str:
    return sha256_of(path)


@cache
def _code_digest(room: str) -> str:
    """A digest of the code of the methods, of the networks for those that live there, and of how they are asked."""
    digest = hashlib.sha256((files("amodal.comparison") / "asking.py").read_bytes())
    for name in sorted({"methods", "reasoning", "compnet", "features", room}):
        folder = Path(str(files("amodal") / name))
        for path in sorted(folder.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()
