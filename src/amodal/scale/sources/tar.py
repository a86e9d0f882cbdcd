"""A tar shard as WebDataset lays it out: `KEY.jpg`, and `KEY.json` with its boxes where it has any, side by side.

Nothing is unpacked. Headers are walked, a photo is where its bytes lie in the shard; links, devices and what is too
large are refused. The names of members are names, never places: `../` in one leads nowhere.
"""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.images import PHOTO_SUFFIXES
from amodal.scale.jobs import MOST_BYTES, AtSpan, PhotoJob, as_text
from amodal.scale.sources.entries import job_of
from amodal.scene import BoxKind

_MOST_JSON = 2**26
_MOST_HEADER = 2**20  # a header of tar's holds names and little else


@dataclass(frozen=True)
class Tar:
    """Keys are the names of the photos' members."""

    path: Path
    boxes_are: BoxKind | None = None

    def __iter__(self) -> Iterator[PhotoJob]:
        """The photos, each with the entry that stands beside it; where the shard is cut off, one that says so."""
        cut: _CutOffError | None = None
        waiting: tarfile.TarInfo | None = None
        entry: tuple[str, tarfile.TarInfo] | None = None
        members = _members(self.path)
        while True:
            try:
                member = next(members, None)
            except _CutOffError as error:
                member, cut = None, error
            if member is None:
                break
            stem, suffix = _parted(member.name)
            if suffix in PHOTO_SUFFIXES:
                if waiting is not None:
                    yield self._job(waiting, entry)
                waiting = member
            elif suffix == ".json" and member.isreg():
                entry = (stem, member)
                if waiting is not None and _parted(waiting.name)[0] == stem:
                    yield self._job(waiting, entry)
                    waiting = None
        if waiting is not None:
            yield self._job(waiting, entry)
        if cut is not None:
            name = as_text(f"{self.path.as_posix()}/(the rest)")
            yield PhotoJob("(the rest)", name, AtSpan(self.path, 0, 0), problem=str(cut))

    def count(self) -> int:
        """By its headers."""
        count = 0
        try:
            for member in _members(self.path):
                count += _parted(member.name)[1] in PHOTO_SUFFIXES
        except _CutOffError:
            count += 1
        return count

    def _job(self, member: tarfile.TarInfo, beside: tuple[str, tarfile.TarInfo] | None) -> PhotoJob:
        key = as_text(member.name)
        name, place = (
            as_text(f"{self.path.as_posix()}/{member.name}"),
            AtSpan(self.path, member.offset_data, member.size),
        )
        try:
            if not member.isreg():
                raise InputError(name, "photo", "is a link or no file", "expected the photo itself")
            if member.size > MOST_BYTES:
                raise InputError(name, "photo", f"is of {member.size:,} bytes", f"expected at most {MOST_BYTES:,}")
            if beside is None or beside[0] != _parted(member.name)[0]:
                return PhotoJob(key, name, place)
            entry = self._entry(beside[1])
        except InputError as error:
            return PhotoJob(key, name, place, problem=str(error))
        return job_of(entry, key, name, place, self.boxes_are)

    def _entry(self, member: tarfile.TarInfo) -> Field:
        where = as_text(f"{self.path.as_posix()}/{member.name}")
        if member.size > _MOST_JSON:
            raise InputError(where, "file", f"is of {member.size:,} bytes", f"expected at most {_MOST_JSON:,}")
        try:
            value = json.loads(AtSpan(self.path, member.offset_data, member.size).read())
        except (ValueError, RecursionError) as error:
            raise InputError(where, "file", f"is not JSON ({error})", "expected boxes of the photo beside") from error
        return Field(where, None, "", {"boxes": value} if isinstance(value, list) else value)


class _CutOffError(InputError):
    """A shard that begins well and does not end."""


def _members(path: Path) -> Iterator[tarfile.TarInfo]:
    """The headers one after the other, none of them kept."""
    count = 0
    try:
        with path.open("rb") as stream, tarfile.open(fileobj=_Headers(stream, path), mode="r:") as shard:
            while (member := shard.next()) is not None:
                shard.members.clear()  # type: ignore[attr-defined]  # it would keep them all
                yield member
                count += 1
    except tarfile.TarError as error:
        if count:
            found = f"is cut off or broken after {count} members ({error})"
            raise _CutOffError(str(path), "file", found, "expected a whole shard") from error
        expected = "expected an uncompressed tar, as its photos are compressed themselves"
        raise InputError(str(path), "file", f"is no tar ({error})", expected) from error
    except OSError as error:
        raise InputError(str(path), "file", f"cannot be read ({error.strerror})", "expected a tar") from error


class _Headers(io.RawIOBase):
    """The shard as far as tarfile needs it. A header that says it is huge would have it take that much memory."""

    def __init__(self, stream: BinaryIO, path: Path) -> None:
        self._stream, self._path = stream, path

    def read(self, size: int = -1, /) -> bytes:
        if not 0 <= size <= _MOST_HEADER:
            raise InputError(str(self._path), "header", f"is of {size:,} bytes", f"expected at most {_MOST_HEADER:,}")
        return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return self._stream.seek(offset, whence)

    def tell(self) -> int:
        return self._stream.tell()


def _parted(name: str) -> tuple[str, str]:
    """A member's name up to its last dot, and its ending."""
    path = PurePosixPath(name)
    return str(path.with_suffix("")), path.suffix.lower()
