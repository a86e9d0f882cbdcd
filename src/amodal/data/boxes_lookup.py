"""The boxes of one photo at a time out of a file of a million, in sixteen bytes a photo.

A COCO file is indexed (`data/index.py`); of its photos' names only a digest is kept, and what a photo's entry says is
read when it is asked for. Our simple JSON is read as a whole: for many photos COCO JSON, JSONL or Parquet is better.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np
from jaxtyping import Bool, Int64, UInt64

from amodal.data.boxes import BoxedPhoto, PhotoEntry, coco_entries, match_photos, read_entries
from amodal.data.fields import Field, read_json
from amodal.data.index import JsonIndex, index_json
from amodal.data.index_cache import default_cache
from amodal.errors import InputError
from amodal.progress import Progress
from amodal.scene import BoxKind

BoxLookup = Callable[[Path], BoxedPhoto]
"""A photo's boxes; raises InputError where they are missing or bad."""

_NAMES_AT_ONCE = 1000


def open_boxes(file: Path, boxes_are: BoxKind | None = None, progress: Progress | None = None) -> BoxLookup:
    """A file of boxes as a call that gives one photo's; `boxes_are` overrules the file.

    Photos are found by name as `read_boxes` does. Each entry serves one photo: the second that it could mean is
    refused.

    Raises:
        InputError: the file as a whole cannot be used.
    """
    index = _indexed(file, progress)
    if index is None:
        entries = read_entries(read_json(file), None, None, boxes_are)
        return _Lookup(file, _Names.of([entry.name for entry in entries]), lambda number: entries[number])
    return _Lookup(file, _Names.of(index), lambda number: _coco_entry(index, number, boxes_are))


class _Lookup:
    """Remembers of each entry whether it was used: one byte each."""

    def __init__(self, file: Path, names: _Names, entry: Callable[[int], PhotoEntry]) -> None:
        self._where, self._names, self._entry = os.fspath(file), names, entry
        self._used: Bool[np.ndarray, " entries"] = np.zeros(len(names.digests), bool)

    def __call__(self, photo: Path) -> BoxedPhoto:
        numbers = self._names.numbers_of(photo)
        entries = {number: self._entry(number) for number in numbers}
        found = match_photos(list(entries.values()), [photo], self._where).get(photo)
        if found is None:
            raise InputError(self._where, "", f"has no entry for {photo}", "expected boxes for every photo")
        number = next(number for number, entry in entries.items() if entry is found)
        if self._used[number]:
            text = f"{found.name} could mean {photo} and one before"
            raise InputError(self._where, "file", text, "expected an entry for each photo, named with its folder")
        self._used[number] = True
        if found.boxed is None:
            raise found.error or InputError(self._where, found.name, "has no boxes", "expected boxes")
        return found.boxed


@dataclass(frozen=True, eq=False)
class _Names:
    """Digests of the photos' file names, sorted, and whose they are."""

    digests: UInt64[np.ndarray, " n"]
    numbers: Int64[np.ndarray, " n"]

    @classmethod
    def of(cls, named: JsonIndex | Sequence[str]) -> _Names:
        digests = np.zeros(len(named), np.uint64)
        for start in range(0, len(named), _NAMES_AT_ONCE):
            end = min(start + _NAMES_AT_ONCE, len(named))
            if isinstance(named, JsonIndex):
                names = [str(image.get("file_name", "")) for image in named.images(start, end)]
            else:
                names = list(named[start:end])
            digests[start:end] = [_digest(name) for name in names]
        numbers = np.argsort(digests, kind="stable").astype(np.int64)
        return cls(digests[numbers], numbers)

    def numbers_of(self, photo: Path) -> list[int]:
        digest = np.uint64(_digest(photo.name))
        first, last = np.searchsorted(self.digests, digest, "left"), np.searchsorted(self.digests, digest, "right")
        return sorted(self.numbers[first:last].tolist())


def _digest(name: str) -> int:
    """Of the last part of a name, whichever way its slashes lean."""
    last = PurePath(name.replace("\\", "/")).name
    return int.from_bytes(hashlib.blake2b(os.fsencode(last), digest_size=8).digest(), "little")


def _indexed(file: Path, progress: Progress | None) -> JsonIndex | None:
    """The index of a COCO file; None for what is our simple JSON."""
    try:
        with file.open("rb") as stream:
            start = stream.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except (OSError, ValueError):
        start = b"{"  # the index says what is wrong
    if start.startswith(b"["):
        return None
    try:
        return index_json(file, cache=default_cache(), progress=progress)
    except InputError as error:
        if error.field in ("images", "annotations") and error.found == "is missing":
            return None
        raise


def _coco_entry(index: JsonIndex, number: int, boxes_are: BoxKind | None) -> PhotoEntry:
    rows = index.rows(number)
    content = {**index.head, "images": [rows.image.value], "annotations": list(rows.annotations)}
    # The root is named by the photo, so that an error tells whose annotation it speaks of.
    root = Field(os.fspath(index.path), None, f"images[{number}]", content)
    return coco_entries(root, None, boxes_are)[0]
