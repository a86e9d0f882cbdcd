"""A text file that names one photo a line; names without a folder at their front start from the list's own."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from amodal.errors import InputError
from amodal.scale.jobs import AtPath, PhotoJob, as_text
from amodal.scene import BoxKind

LONGEST_LINE = 2**16


@dataclass(frozen=True)
class ListFile:
    """Keys are the lines as they stand; empty ones are left out."""

    path: Path
    boxes_are: BoxKind | None = None

    def __iter__(self) -> Iterator[PhotoJob]:
        """A line at a time."""
        for line in lines_of(self.path, LONGEST_LINE):
            name = line.decode("utf-8", "surrogateescape")
            path = self.path.parent / name
            yield PhotoJob(as_text(name), as_text(path.as_posix()), AtPath(path))

    def count(self) -> int:
        """By its lines."""
        return sum(1 for _ in lines_of(self.path, LONGEST_LINE))


def lines_of(path: Path, longest: int) -> Iterator[bytes]:
    """The lines that are not empty, without their ends.

    Raises:
        InputError: the file cannot be read, or a line is longer than `longest` bytes.
    """
    try:
        with path.open("rb") as stream:
            number = 0
            while line := stream.readline(longest + 1):
                number += 1
                if len(line) > longest:
                    found = f"has more than {longest:,} bytes"
                    raise InputError(str(path), f"line {number}", found, "expected a line a photo")
                if text := line.strip(b"\r\n" if number > 1 else b"\xef\xbb\xbf\r\n").strip(b" \t"):
                    yield text
    except OSError as error:
        found = f"cannot be read ({error.strerror})"
        raise InputError(str(path), "file", found, "expected a line a photo") from error
