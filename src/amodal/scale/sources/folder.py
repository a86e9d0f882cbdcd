"""A folder of photos, and the folders in it, sorted by name; of links to folders none is followed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amodal.errors import InputError
from amodal.images import PHOTO_SUFFIXES
from amodal.scale.jobs import AtPath, PhotoJob, as_text
from amodal.scene import BoxKind


@dataclass(frozen=True)
class Folder:
    """Photos by their ending; keys are their ways from the folder."""

    path: Path
    boxes_are: BoxKind | None = None

    def __iter__(self) -> Iterator[PhotoJob]:
        """One folder's names are held at a time, with those above it."""
        for path in _walked(self.path):
            yield PhotoJob(as_text(path.relative_to(self.path).as_posix()), as_text(path.as_posix()), AtPath(path))

    def count(self) -> int:
        """By walking it."""
        return sum(1 for _ in _walked(self.path))


def _walked(folder: Path) -> Iterator[Path]:
    try:
        with os.scandir(folder) as found:
            entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
    except OSError as error:
        found_text = f"cannot be read ({error.strerror})"
        raise InputError(str(folder), "folder", found_text, "expected a folder of photos") from error
    for name, is_folder in entries:
        path = folder / name
        if is_folder:
            yield from _walked(path)
        elif path.suffix.lower() in PHOTO_SUFFIXES and path.is_file():
            yield path
