"""Files of any tool we know as truths: which format it is, where in a zip it lies, what it says of each photo."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from amodal.annotate.exchange.archive import unpacked
from amodal.annotate.exchange.cvat import read_cvat
from amodal.annotate.exchange.exports import LOSSES
from amodal.annotate.exchange.labelme import is_labelme, read_labelme
from amodal.annotate.exchange.project_file import is_project
from amodal.data.entries import entries_of
from amodal.data.fields import read_json
from amodal.data.formats import open_source
from amodal.data.truth import Truth
from amodal.errors import InputError

MAX_FILE_BYTES = 512 * 2**20  # it is parsed as one


@dataclass(frozen=True)
class Found:
    """What a file turned out to be: truths, or (`project`) the file of a whole project."""

    format: str
    truths: Sequence[Truth] = ()
    project: Path | None = None


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
    annotations = [path for path in files if path.suffix.lower() in (".json", ".xml") and path.name != LOSSES]
    if not annotations:
        raise InputError(name, "file", "holds no annotations", "expected .json or .xml, or a zip with them")
    for path in annotations:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InputError(
                name, path.name, "is too large", f"expected annotations of at most {MAX_FILE_BYTES:,} bytes"
            )
    if annotations[0].suffix.lower() == ".xml":
        return _said("cvat", format, name, Found("cvat", [one for path in annotations for one in read_cvat(path)]))
    root = read_json(annotations[0])
    if is_project(root):
        return _said("project", format, name, Found("project", project=annotations[0]))
    if is_labelme(root):
        return _said("labelme", format, name, Found("labelme", read_labelme(annotations)))
    if len(annotations) > 1:
        raise InputError(name, "zip", f"holds {len(annotations)} files of annotations", "expected one")
    if format in ("cvat", "labelme", "project"):
        raise InputError(name, "format", f"is not {format}", f"expected a file of {format}, or another format")
    source = open_source(annotations[0], format=format, images=work, cache=work / ".index")
    return Found(source.head.format, [entry.truth for entry in entries_of(source)])


def _said(found: str, wanted: str | None, name: str, result: Found) -> Found:
    if wanted not in (None, found):
        raise InputError(name, "format", f"is {found}", f"expected {wanted}, as was said")
    return result


def _named(file: Path, name: str, work: Path) -> Path:
    """The file under a plain name, for messages; its ending decides how it is read."""
    ending = Path(name).suffix.lower()
    plain = work / f"file{ending if ending in ('.json', '.xml') else '.json'}"
    file.rename(plain)
    return plain
