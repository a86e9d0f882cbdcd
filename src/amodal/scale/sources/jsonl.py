"""A JSON object a line: `{"file": "a.jpg", "boxes": [{"box": [x0, y0, x1, y1], "class": "car"}]}`.

`key`, `boxes_are`, `width` and `height` may stand in it too, and `boxes` may be missing; see `--boxes`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amodal.data.coco import file_name_of
from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.scale.jobs import AtPath, PhotoJob, as_text
from amodal.scale.sources.entries import job_of
from amodal.scale.sources.list_file import lines_of
from amodal.scene import BoxKind

LONGEST_LINE = 2**26


@dataclass(frozen=True)
class Jsonl:
    """Keys are `key`, or else `file` as it stands; files without a folder at their front start from the list's own."""

    path: Path
    boxes_are: BoxKind | None = None

    def __iter__(self) -> Iterator[PhotoJob]:
        """A line at a time."""
        for number, line in enumerate(lines_of(self.path, LONGEST_LINE)):
            yield self._job(number, line)

    def count(self) -> int:
        """By its lines."""
        return sum(1 for _ in lines_of(self.path, LONGEST_LINE))

    def _job(self, number: int, line: bytes) -> PhotoJob:
        unnamed = f"{as_text(self.path.name)}[{number}]"
        try:
            entry = Field(str(self.path), None, f"[{number}]", _parsed(self.path, number, line))
            name = file_name_of(entry["file"])
            given = entry.get("key")
            key = as_text(name) if given is None else given.text()
        except InputError as error:
            return PhotoJob(unnamed, unnamed, AtPath(self.path), problem=str(error))
        path = self.path.parent / name
        return job_of(entry, key, as_text(path.as_posix()), AtPath(path), self.boxes_are)


def _parsed(path: Path, number: int, line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), f"[{number}]", f"is not JSON ({error})", "expected an object a line") from error
