"""Cityscapes' instance pictures checked one by one: every one that cannot be read, or does not fit its photo."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from amodal.data.cityscapes import (
    CLASSES,
    NUMBERS,
    classes_in,
    masks_of_values,
    photo_of_picture,
    picture_files,
    values_of,
)
from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.images import photo_size
from amodal.progress import Progress
from amodal.survey.findings import Findings, Notes, Severity

LAST_STUFF = 33  # Cityscapes' own classes end here; what a classes.json adds is known by name


def check_pictures(folder: Path, images: Path | None = None, progress: Progress | None = None) -> Findings:
    """Check every `*_instanceIds.png`; photos, if `images` is named or some are found beside.

    Raises:
        InputError: there are no pictures.
    """
    files = picture_files(folder)
    notes, count = Notes(), 0
    classes = _classes(folder, notes)
    photos = {file: photo_of_picture(file, folder, images) for file in files}
    wants_photos = images is not None or any(photo.is_file() for photo in photos.values())
    for done, (file, photo) in enumerate(photos.items(), start=1):
        notes.photo = photo.name
        name = file.relative_to(folder).as_posix()
        count += _picture(file, name, photo if wants_photos else None, classes, notes)
        if progress is not None and (done % 20 == 0 or done == len(files)):
            progress("checking pictures", done, len(files))
    return Findings(os.fspath(folder), "cityscapes", len(files), count, tuple(notes.problems))


def _classes(folder: Path, notes: Notes) -> Mapping[int, str]:
    try:
        return classes_in(folder)
    except InputError as error:
        place = Field(error.where, None, f"{Path(error.where).name}: {error.field}", None)
        notes.note(place, "classes unreadable", error.found, error.expected)
        return CLASSES


def _picture(file: Path, name: str, photo: Path | None, classes: Mapping[int, str], notes: Notes) -> int:
    """Check one; returns how many objects it has."""
    place = Field(os.fspath(file), None, name, None)
    try:
        values = values_of(file)
    except InputError as error:
        notes.note(place, "no 16-bit picture", error.found, error.expected)
        return 0
    if photo is not None:
        _compare(place, values.shape, photo, notes)
    found = [value for value, _ in masks_of_values(values) if value]
    for value in found:
        category = value // NUMBERS if value >= NUMBERS else value
        if category in classes or value <= LAST_STUFF:
            continue
        where = Field(place.file, None, f"{name}: value {value}", None)
        advice = f"one of {', '.join(map(str, sorted(classes)))} is expected; classes.json names others"
        severity: Severity = "broken" if value >= NUMBERS else "doubtful"
        notes.note(where, "class unknown", f"is of class {category}", advice, severity=severity, about=value)
    objects = sum(value >= NUMBERS for value in found)
    if not objects:
        notes.note(place, "empty list", "has no object", "nothing, if there is none", severity="doubtful")
    return objects


def _compare(place: Field, shape: tuple[int, ...], photo: Path, notes: Notes) -> None:
    if not photo.is_file():
        notes.note(place, "photo missing", f"its photo is not in {photo.parent}", "put the photo there")
        return
    try:
        width, height = photo_size(photo)
    except InputError as error:
        notes.note(place, "photo unreadable", error.found, "put the photo there")
        return
    if (height, width) != shape:
        found = f"is {shape[1]} × {shape[0]} px, its photo {width} × {height}"
        notes.note(place, "photo size", found, "draw it on the photo as it is")
