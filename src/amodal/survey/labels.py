"""KITTI's label files checked line by line: every broken one is listed, and left out of the repaired copy."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path

from amodal.data.checks import box_problem
from amodal.data.fields import Field
from amodal.data.kitti_folder import COLUMNS, label_files, label_lines, labels_in, photo_folder, photo_of
from amodal.data.write import make_folder, write_text_atomically
from amodal.errors import InputError
from amodal.images import photo_size
from amodal.progress import Progress
from amodal.survey.findings import Findings, Notes

CLASSES = ("Car", "Van", "Truck", "Pedestrian", "Person_sitting", "Cyclist", "Tram", "Misc", "DontCare")
STATES = (0, 1, 2, 3)
GONE = "the line is left out"


def check_labels(folder: Path, images: Path | None = None, progress: Progress | None = None) -> Findings:
    """Check every line of `label_2/*.txt` (or `labels`, or the folder itself).

    Raises:
        InputError: there are no label files, or one cannot be read.
    """
    notes, count = Notes(), 0
    files = label_files(folder)
    photos = images or photo_folder(folder)
    for done, file in enumerate(files, start=1):
        notes.photo = file.stem
        size = _size(file, photos, notes)
        lines = label_lines(file)
        if not any(line.strip() for line in lines):
            notes.note(
                _place(file, ""), "empty list", "has no line", "nothing, if there is no object", severity="doubtful"
            )
        for number, line in enumerate(lines, start=1):
            words = line.split()
            if words:
                count += 1
                _line(_place(file, f"line {number}"), words, size, notes)
        if progress is not None and (done % 50 == 0 or done == len(files)):
            progress("checking labels", done, len(files))
    removed = frozenset((problem.field,) for problem in notes.problems if problem.mended == GONE)
    return Findings(os.fspath(folder), "kitti", len(files), count, tuple(notes.problems), removals=removed)


def write_repaired_labels(folder: Path, findings: Findings, out: Path) -> None:
    """Write every label file without the lines that cannot be read; `out` has the folders that `folder` has.

    Raises:
        InputError: `out` is the folder that was checked, or cannot be written.
    """
    files = label_files(folder)
    target = out / labels_in(folder).relative_to(folder)
    if target.resolve() == files[0].parent.resolve():
        raise InputError(os.fspath(out), "folder", "is the folder that was checked", "expected another one")
    make_folder(target)
    for file in files:
        lines = label_lines(file)
        kept = [line for k, line in enumerate(lines, start=1) if (f"{file.name}: line {k}",) not in findings.removals]
        write_text_atomically(target / file.name, "".join(line + "\n" for line in kept))


def _line(place: Field, words: Sequence[str], size: tuple[int, int], notes: Notes) -> None:
    if len(words) not in COLUMNS:
        notes.note(
            place, "wrong columns", f"has {len(words)} columns", "15 are expected, or 16 with a score", mended=GONE
        )
        return
    numbers = [_number(word) for word in words[1:]]
    bad = next((k for k, number in enumerate(numbers, start=2) if number is None), None)
    if bad is not None:
        notes.note(place, "no number", f"column {bad} is {words[bad - 1][:40]!r}", "a number is expected", mended=GONE)
        return
    values = [number for number in numbers if number is not None]
    problem = box_problem(values[3:7], *size)
    if problem is not None:
        notes.note(place, "broken box", f"box {problem[0]}", problem[1], mended=GONE)
    elif words[0] != "DontCare" and values[1] not in STATES:
        notes.note(place, "occlusion state", f"occluded is {words[2]}", "0, 1, 2 or 3 is expected", mended=GONE)
    elif words[0] not in CLASSES:
        known = ", ".join(CLASSES)
        notes.note(place, "class unknown", f"is a {words[0][:40]!r}", f"KITTI has {known}", severity="doubtful")


def _size(file: Path, photos: Path | None, notes: Notes) -> tuple[int, int]:
    """(width, height) of the photo, zeros where there is none."""
    if photos is None:
        return 0, 0
    path = photo_of(file, photos)
    if path is None:
        notes.note(_place(file, ""), "photo missing", f"{file.stem} is not in {photos}", "put the photo there")
        return 0, 0
    try:
        return photo_size(path)
    except InputError as error:
        notes.note(_place(file, ""), "photo unreadable", error.found, "put the photo there")
        return 0, 0


def _place(file: Path, inside: str) -> Field:
    name = f"{file.name}: {inside}" if inside else file.name
    return Field(os.fspath(file), None, name, None)


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
