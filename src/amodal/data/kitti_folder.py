"""A folder of KITTI's labels: text files in `label_2` (or `labels`), photos beside them in `image_2` (or `images`).

    training/
      label_2/*.txt
      image_2/*.png

The folder that is given may be the one above, the one with the label files, or any other folder of label files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from amodal.errors import InputError

LABEL_FOLDERS, PHOTO_FOLDERS = ("label_2", "labels"), ("image_2", "images")
SUFFIXES = (".png", ".jpg", ".jpeg")
COLUMNS = (15, 16)
_SOME = 20


def is_kitti_folder(folder: Path) -> bool:
    """Whether it has label files; in a folder of another name, one of the first must have a line of 15 or 16 words."""
    labels = labels_in(folder)
    some = islice(sorted(labels.glob("*.txt")), _SOME)
    return any(labels.resolve().name in LABEL_FOLDERS or _has_labels(file) for file in some)


def label_files(folder: Path) -> list[Path]:
    """The label files in `label_2`, in `labels` or in the folder itself, sorted.

    Raises:
        InputError: there are none.
    """
    files = sorted(labels_in(folder).glob("*.txt"))
    if not files:
        raise InputError(os.fspath(folder), "folder", "has no label files", "expected KITTI's *.txt")
    return files


def labels_in(folder: Path) -> Path:
    """`label_2` or `labels` inside, else the folder itself."""
    return next((folder / name for name in LABEL_FOLDERS if (folder / name).is_dir()), folder)


def photo_folder(folder: Path) -> Path | None:
    """The photos in the folder, or beside it where it is itself called `label_2` or `labels`; None without any."""
    return next((place / name for place in _around(folder) for name in PHOTO_FOLDERS if (place / name).is_dir()), None)


def photo_of(file: Path, photos: Path) -> Path | None:
    """The photo of a label file; None where it is not in the folder."""
    return next((photos / (file.stem + end) for end in SUFFIXES if (photos / (file.stem + end)).is_file()), None)


def label_lines(file: Path) -> list[str]:
    """The lines of a label file; bytes that are no text are in them as U+FFFD.

    Raises:
        InputError: it cannot be read.
    """
    try:
        return file.read_text("utf-8", errors="replace").splitlines()
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise InputError(os.fspath(file), "file", found, "expected KITTI's labels") from error


def _has_labels(file: Path) -> bool:
    return file.is_file() and any(len(line.split()) in COLUMNS for line in label_lines(file))


def _around(folder: Path) -> Iterator[Path]:
    yield folder
    if folder.resolve().name in LABEL_FOLDERS:
        yield folder.resolve().parent
