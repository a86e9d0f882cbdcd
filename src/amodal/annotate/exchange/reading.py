"""Files of any tool we know as truths: which format it is, where in a zip it lies, what it says of each photo."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from zipfile import is_zipfile

from amodal.annotate.exchange.archive import unpacked
from amodal.annotate.exchange.cvat import read_cvat
from amodal.annotate.exchange.exports import FINISHED, LOSSES
from amodal.annotate.exchange.labelme import is_labelme, read_labelme
from amodal.annotate.exchange.project_file import is_project
from amodal.data.entries import entries_of
from amodal.data.fields import read_json
from amodal.data.formats import open_source
from amodal.data.truth import Truth
from amodal.errors import InputError, size_in_words

MAX_FILE_BYTES = 512 * 2**20  # it is parsed as one
EXPECTED = "expected JSON (COCO, KINS, COCOA, labelme, a project), CVAT's XML, or a zip with them"


@dataclass(frozen=True)
class Found:
    """What a file turned out to be: truths, or (`project`) the file of a whole project.

    `finished`: the photos that an export of ours names as whole; None of any other file.
    """

    format: str
    truths: Sequence[Truth] = ()
    project: Path | None = None
    finished: frozenset[str] | None = None


def read_any(file: Path, name: str, work: Path, format: str | None = None) -> Found:
    """Read a file that somebody sent.

    Args:
        file: where it lies; its own name says nothing.
        name: what it was called.
        work: an empty folder to unpack in.
        format: what it is said to be; else it is recognised by its content.

    Raises:
        InputError: no format that we know, another than was said, or broken; names the field.
    """
    files = unpacked(file, work, name) if is_zipfile(file) else [_named(file, name, work)]
    with named_as_sent(name, work):
        return replace(_read(files, name, work, format), finished=_finished(files))


@contextmanager
def named_as_sent(name: str, work: Path) -> Iterator[None]:
    """Errors inside the block name the files that `read_any` laid into `work` as whoever sent `name` knows them."""
    try:
        yield
    except InputError as error:
        where = error.where
        for ending in (".json", ".xml"):
            where = where.replace(str(_alone(work, ending)), name)
        where = where.replace(str(work), name)
        raise InputError(where, error.field, error.found, error.expected) from error


def _read(files: Sequence[Path], name: str, work: Path, format: str | None) -> Found:
    annotations = [path for path in files if path.suffix.lower() in (".json", ".xml") and not _is_beside(path.name)]
    if not annotations:
        raise InputError(name, "file", "holds no annotations", EXPECTED)
    for path in annotations:
        _check_text(path)
        if path.stat().st_size > MAX_FILE_BYTES:
            at_most = f"expected at most {size_in_words(MAX_FILE_BYTES)} of annotations; split it by photos"
            raise InputError(name, path.name, "is too large", at_most)
    if annotations[0].suffix.lower() == ".xml":
        return _said("cvat", format, name, Found("cvat", [one for path in annotations for one in read_cvat(path)]))
    root = read_json(annotations[0])
    if is_project(root):
        return _said("project", format, name, Found("project", project=annotations[0]))
    if isinstance(root.value, dict) and root.value.keys() == {"photos"}:  # as `ids` writes it
        raise InputError(name, "file", "holds id pictures, which cannot be read in", "expected another format")
    if is_labelme(root):
        return _said("labelme", format, name, Found("labelme", read_labelme(annotations)))
    if len(annotations) > 1:
        raise InputError(name, "zip", f"holds {len(annotations)} files of annotations", "expected one")
    if format in ("cvat", "labelme", "project"):
        raise InputError(name, "format", f"is not {format}", f"expected a file of {format}, or another format")
    source = open_source(annotations[0], format=format, images=work, cache=work / ".index")
    return Found(source.head.format, [entry.truth for entry in entries_of(source)])


def _is_beside(name: str) -> bool:
    """Whether a file only stands beside annotations: our lists, or what macOS packs of every file."""
    return name in (LOSSES, FINISHED) or name.startswith("._")


def _finished(files: Sequence[Path]) -> frozenset[str] | None:
    for path in files:
        if path.name == FINISHED:
            return frozenset(one.text() for one in read_json(path)["photos"].items())
    return None


def _said(found: str, wanted: str | None, name: str, result: Found) -> Found:
    if wanted not in (None, found):
        raise InputError(name, "format", f"is {found}", f"expected {wanted}, as was said")
    return result


def _named(file: Path, name: str, work: Path) -> Path:
    """The file under a plain name; its ending decides how it is read."""
    place = _alone(work, ".xml" if Path(name).suffix.lower() == ".xml" else ".json")
    place.parent.mkdir()
    return file.rename(place)


def _alone(work: Path, ending: str) -> Path:
    """Where a file lies that is no zip."""
    return work / ".alone" / f"file{ending}"


def _check_text(path: Path) -> None:
    """Refuse what cannot be annotations by its first letter: parsers would speak of bytes and codecs."""
    with path.open("rb") as stream:
        first = stream.read(1000).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if first not in (b"{", b"[", b"<"):
        raise InputError(str(path), "file", "holds no annotations" if first else "is empty", EXPECTED)
