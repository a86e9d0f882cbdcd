"""What photos there are, one after the other: a file a kind of source, one registry.

A source gives `PhotoJob`s lazily and in the same order every time. What is wrong with one photo is said in its job;
what is wrong with the source as a whole is raised.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

from amodal.data.boxes_lookup import BoxLookup
from amodal.errors import InputError
from amodal.images import PHOTO_SUFFIXES
from amodal.imports import imported
from amodal.scale.jobs import AtPath, PhotoJob, as_text
from amodal.scene import BoxKind


class Source(Protocol):
    """Photos of one kind of place."""

    @property
    def path(self) -> Path:
        """Where they are."""

    def __iter__(self) -> Iterator[PhotoJob]:
        """The photos, in the same order every time."""

    def count(self) -> int:
        """How many photos there are, as far as can be told quickly."""


Open = Callable[[Path, "BoxKind | None"], Source]

# Ending of the name -> "module:class", made of (path, what boxes hold where the source does not say).
SOURCES: dict[str, str] = {
    ".txt": "amodal.scale.sources.list_file:ListFile",
    ".jsonl": "amodal.scale.sources.jsonl:Jsonl",
    ".parquet": "amodal.scale.sources.parquet:Parquet",
    ".tar": "amodal.scale.sources.tar:Tar",
}
FOLDER = "amodal.scale.sources.folder:Folder"


def is_source(path: Path) -> bool:
    """Whether a path names many photos by its ending."""
    return path.suffix.lower() in SOURCES


def open_sources(paths: Sequence[Path], *, boxes: BoxLookup | None = None, boxes_are: BoxKind | None = None) -> Photos:
    """Folders, lists, JSONL, Parquet, tar shards and single photos, one after the other.

    Args:
        paths: where photos are.
        boxes: gives the boxes of each photo, in place of the source's own.
        boxes_are: overrules what sources say of their boxes.

    Raises:
        InputError: no such source, or of no kind we know.
    """
    if not paths:
        raise InputError("PHOTOS", "", "found none", "expected photos, folders, lists or shards")
    return Photos(tuple(_open(path, boxes_are) for path in paths), boxes)


@dataclass(frozen=True, eq=False)
class Photos:
    """Several sources as one."""

    sources: tuple[Source, ...]
    boxes: BoxLookup | None

    def __iter__(self) -> Iterator[PhotoJob]:
        """Keys of several sources begin with the source's own name, so that they are told apart."""
        for source in self.sources:
            for job in source:
                named = job if len(self.sources) == 1 else replace(job, key=_key(source, job))
                yield named if self.boxes is None or job.problem else _with_boxes(named, self.boxes)

    def count(self) -> int:
        """How many photos there are."""
        return sum(source.count() for source in self.sources)


@dataclass(frozen=True)
class OnePhoto:
    """A photo given by itself."""

    path: Path

    def __iter__(self) -> Iterator[PhotoJob]:
        """That photo."""
        yield PhotoJob(as_text(self.path.as_posix()), as_text(self.path.as_posix()), AtPath(self.path))

    def count(self) -> int:
        """One."""
        return 1


def _open(path: Path, boxes_are: BoxKind | None) -> Source:
    if path.is_dir():
        return cast(Open, imported(FOLDER))(path, boxes_are)
    target = SOURCES.get(path.suffix.lower())
    if target is not None:
        if not path.is_file():
            raise InputError(str(path), "file", "does not exist", "expected photos")
        return cast(Open, imported(target))(path, boxes_are)
    if path.suffix.lower() in PHOTO_SUFFIXES or path.is_file():
        return OnePhoto(path)
    known = ", ".join(SOURCES)
    raise InputError(str(path), "photos", "is nothing we know", f"expected a photo, a folder, or a file in {known}")


def _key(source: Source, job: PhotoJob) -> str:
    return job.key if isinstance(source, OnePhoto) else f"{as_text(source.path.as_posix())}/{job.key}"


def _with_boxes(job: PhotoJob, boxes: BoxLookup) -> PhotoJob:
    try:
        return replace(job, boxed=boxes(Path(job.name)))
    except InputError as error:
        return replace(job, problem=str(error))
