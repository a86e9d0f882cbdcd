"""A Parquet file of photos: columns `file` (or `path`) or `image` (bytes), and maybe `boxes`, `labels` and `key`.

`image` may be binary or, as data sets on hubs have it, a struct {bytes, path}. `boxes` is a list of [x0, y0, x1, y1] a
row, `labels` a list of class names as long, `boxes_are`, `width` and `height` one value each.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amodal.data.fields import Field
from amodal.errors import AmodalError, InputError
from amodal.scale.jobs import MOST_BYTES, AtPath, PhotoJob, Place, as_text
from amodal.scale.sources.entries import job_of
from amodal.scene import BoxKind

PATHS, IMAGE = ("file", "path"), "image"
_SMALL = ("key", *PATHS, "boxes", "labels", "boxes_are", "width", "height")
_ROWS_AT_ONCE = 256
_PICTURES_AT_ONCE = 16


@dataclass(frozen=True)
class AtCell:
    """The bytes of a picture in a row group of a Parquet file."""

    path: Path
    group: int
    row: int

    def read(self) -> bytes:
        """The cell; those around it are kept for who asks next."""
        content = _pictures(self.path, self.group).row(self.row)
        if isinstance(content, dict):
            content = content.get("bytes")
        where = f"{self.path}: row group {self.group}, row {self.row}"
        if not isinstance(content, bytes):
            raise InputError(where, IMAGE, "holds no bytes", "expected a picture's file")
        if len(content) > MOST_BYTES:
            raise InputError(where, IMAGE, f"is of {len(content):,} bytes", f"expected at most {MOST_BYTES:,}")
        return content


@dataclass(frozen=True)
class Parquet:
    """Keys are `key`, or else the file's name as it stands, or `NAME.parquet/ROW`."""

    path: Path
    boxes_are: BoxKind | None = None

    def __iter__(self) -> Iterator[PhotoJob]:
        """A row at a time; pictures stay where they are."""
        names = _names(self.path)
        if IMAGE not in names and not set(PATHS) & set(names):
            raise InputError(str(self.path), "columns", f"are {', '.join(names)}", "expected file, path or image")
        number = 0
        with _opened(self.path) as file, _told(self.path):
            small = [name for name in _SMALL if name in names]
            for group in range(file.num_row_groups):
                row = 0
                for batch in file.iter_batches(_ROWS_AT_ONCE, row_groups=[group], columns=small or [names[0]]):
                    for values in batch.to_pylist():
                        yield self._job(values, number, AtCell(self.path, group, row) if IMAGE in names else None)
                        number, row = number + 1, row + 1

    def count(self) -> int:
        """As its footer says."""
        with _opened(self.path) as file:
            return int(file.metadata.num_rows)

    def _job(self, values: dict[str, Any], number: int, cell: AtCell | None) -> PhotoJob:
        unnamed = as_text(f"{self.path.name}/{number}")
        file = next((str(values[name]) for name in PATHS if values.get(name)), None)
        key = as_text(str(values["key"])) if values.get("key") is not None else unnamed if file is None else file
        place: Place | None = cell
        if cell is None and file is not None:
            place = AtPath(self.path.parent / file)
        name = as_text((self.path.parent / file).as_posix() if file else f"{self.path.as_posix()}/{number}")
        entry = Field(str(self.path), None, f"[{number}]", {k: values[k] for k in _SMALL if values.get(k) is not None})
        if place is None:
            problem = str(entry.error("has no file", "the name of a photo's file"))
            return PhotoJob(key, name, AtPath(self.path), problem=problem)
        try:
            _join_labels(entry)
        except InputError as error:
            return PhotoJob(key, name, place, problem=str(error))
        return job_of(entry, key, name, place, self.boxes_are)


def _join_labels(entry: Field) -> None:
    labels, boxes = entry.value.get("labels"), entry.value.get("boxes")
    if labels is None or boxes is None:
        return
    if len(labels) != len(boxes):
        raise entry["labels"].error(f"are {len(labels)} for {len(boxes)} boxes", "one a box")
    entry.value["boxes"] = [{"box": box, "class": label} for box, label in zip(boxes, labels, strict=True)]


class _Pictures:
    """The pictures of a row group from front to back, a few of them held; whoever goes back starts again."""

    def __init__(self, path: Path, group: int) -> None:
        self._path, self._group = path, group
        self._lock = threading.Lock()  # photos are read ahead in several threads
        self._first = 0
        self._held: list[Any] = []
        self._batches = self._read()

    def row(self, number: int) -> Any:
        with self._lock:
            if number < self._first:
                self._batches, self._held, self._first = self._read(), [], 0
            while number >= self._first + len(self._held):
                self._first += len(self._held)
                self._held = next(self._batches, [])
                if not self._held:
                    where = f"row group {self._group}, row {number}"
                    raise InputError(str(self._path), where, "is not there", "expected the file as it was")
            return self._held[number - self._first]

    def _read(self) -> Iterator[list[Any]]:
        with _opened(self._path) as file, _told(self._path):
            for batch in file.iter_batches(_PICTURES_AT_ONCE, row_groups=[self._group], columns=[IMAGE]):
                yield batch.column(0).to_pylist()


@functools.lru_cache(maxsize=2)
def _pictures(path: Path, group: int) -> _Pictures:
    return _Pictures(path, group)


def _names(path: Path) -> list[str]:
    with _opened(path) as file:
        return [str(name) for name in file.schema_arrow.names]


def _opened(path: Path) -> Any:
    try:
        import pyarrow.parquet as pq
    except ImportError as error:
        raise AmodalError("Parquet needs pyarrow: pip install 'amodal[scale]', or use JSONL") from error
    with _told(path):
        return pq.ParquetFile(path)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """What pyarrow finds wrong, said of the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, OSError) as error:
        found = f"cannot be read ({error})"
        raise InputError(str(path), "file", found, "expected a whole Parquet file") from error
