"""From files and folders on the command line to the photos they name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amodal.errors import InputError
from amodal.images import PHOTO_SUFFIXES


def find_photos(named: Sequence[Path]) -> list[Path]:
    """The photos, each once: files as given, a folder's own photos sorted by name.

    A file that does not exist stays in the list, to be refused when it is read, as any unreadable photo is.

    Raises:
        InputError: no photo was named, or a folder holds none.
    """
    if not named:
        raise InputError("PHOTOS", "", "found none", "expected one or more photos or folders of photos")
    found: dict[Path, None] = {}
    for path in named:
        found.update(dict.fromkeys(_photos_in(path) if path.is_dir() else [path]))
    return list(found)


def _photos_in(folder: Path) -> list[Path]:
    photos = sorted(path for path in folder.iterdir() if path.suffix.lower() in PHOTO_SUFFIXES and path.is_file())
    if not photos:
        raise InputError(str(folder), "", "holds no photo", f"expected files ending in {', '.join(PHOTO_SUFFIXES)}")
    return photos
