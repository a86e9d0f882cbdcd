"""A photo that waits to be looked at: its key, where its bytes are, its boxes; and units of such photos."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from amodal.data.boxes import BoxedPhoto
from amodal.errors import InputError

MOST_BYTES = 2**29  # of a photo's file inside another; more is no photo
_FIRST_DIGESTS = 1024


class Place(Protocol):
    """Where the bytes of a photo are; small, and sent to other processes."""

    def read(self) -> bytes:
        """The bytes.

        Raises:
            InputError: they are not there.
        """


@dataclass(frozen=True)
class AtPath:
    """A file of its own."""

    path: Path

    def read(self) -> bytes:
        """All of it."""
        try:
            if (size := self.path.stat().st_size) > MOST_BYTES:
                raise InputError(str(self.path), "photo", f"is of {size:,} bytes", f"expected at most {MOST_BYTES:,}")
            return self.path.read_bytes()
        except (FileNotFoundError, ValueError) as error:  # ValueError: a NUL in the name
            raise InputError(str(self.path), "photo", "no such file", "expected a picture") from error
        except OSError as error:
            found = f"cannot be read ({error.strerror})"
            raise InputError(str(self.path), "photo", found, "expected a picture") from error


@dataclass(frozen=True)
class AtSpan:
    """A part of a file, as in a tar."""

    path: Path
    start: int
    size: int

    def read(self) -> bytes:
        """Just these bytes."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self.start)
                content = stream.read(self.size)
        except OSError as error:
            found = f"cannot be read ({error.strerror})"
            raise InputError(str(self.path), "photo", found, "expected a shard") from error
        if len(content) < self.size:
            raise InputError(str(self.path), "photo", "is cut off", f"expected {self.size:,} bytes at {self.start:,}")
        return content


@dataclass(frozen=True, eq=False)
class PhotoJob:
    """One photo of a source.

    Attributes:
        key: its name in the source, unique there: the same in every run.
        name: what the results call it.
        place: where its bytes are.
        boxed: its boxes; None where the source has none.
        problem: why it cannot be used, as far as the source can tell; then the rest means nothing.
        number: its place in the source, from 0.
    """

    key: str
    name: str
    place: Place
    boxed: BoxedPhoto | None = None
    problem: str = ""
    number: int = 0


@dataclass(frozen=True)
class Failure:
    """A photo that could not be used, and why."""

    number: int
    key: str
    name: str
    reason: str

    @classmethod
    def of(cls, job: PhotoJob, reason: str) -> Failure:
        """This photo, for this reason."""
        return cls(job.number, job.key, job.name, reason)


@dataclass(frozen=True, eq=False)
class Unit:
    """The photos of one part, in the order of the source."""

    number: int
    jobs: tuple[PhotoJob, ...]

    def digest(self) -> str:
        """Of what the source says of these photos: a run that goes on must find the same."""
        said = hashlib.sha256()
        for job in self.jobs:
            boxed = job.boxed
            rest: tuple[Any, ...] = () if boxed is None else (boxed.boxes.tolist(), boxed.labels, boxed.boxes_are)
            said.update(repr((job.number, job.key, job.name, *rest)).encode(errors="surrogatepass"))
        return said.hexdigest()


def units_of(jobs: Iterable[PhotoJob], photos_per_part: int) -> Iterator[Unit]:
    """The source cut into units, photos numbered; a photo whose key was there before is refused in its unit."""
    numbered = _with_numbers(jobs)
    number = 0
    while some := tuple(islice(numbered, photos_per_part)):
        yield Unit(number, some)
        number += 1


def as_text(name: str | os.PathLike[str]) -> str:
    """A file's name as text that any file of results can hold; bytes that are no UTF-8 become �."""
    return os.fsencode(name).decode("utf-8", "replace")


def _with_numbers(jobs: Iterable[PhotoJob]) -> Iterator[PhotoJob]:
    seen = _Digests()
    for number, job in enumerate(jobs):
        if seen.add(job.key):
            yield replace(job, number=number)
        else:
            again = InputError(job.name, "photo", f"its key {job.key!r} was there before", "expected each photo once")
            yield replace(job, number=number, problem=str(again))


class _Digests:
    """Which keys there were, in about a dozen bytes each: sorted digests, and those since they were last sorted."""

    def __init__(self) -> None:
        self._sorted = np.zeros(0, np.uint64)
        self._recent: set[int] = set()

    def add(self, key: str) -> bool:
        """Whether it is new."""
        digest = int.from_bytes(hashlib.blake2b(key.encode(errors="surrogatepass"), digest_size=8).digest(), "little")
        place = int(np.searchsorted(self._sorted, np.uint64(digest)))
        if digest in self._recent or (place < len(self._sorted) and int(self._sorted[place]) == digest):
            return False
        self._recent.add(digest)
        if len(self._recent) >= max(_FIRST_DIGESTS, len(self._sorted) // 16):  # so that sorting stays cheap
            more = np.array(sorted(self._recent), np.uint64)
            self._sorted = np.sort(np.concatenate([self._sorted, more]), kind="stable")
            self._recent.clear()
        return True
