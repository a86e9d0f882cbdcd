"""The folder of an exported model: what must lie in it, and a look at every file before anything is done with it.

`export.json` says all that is no graph, and of every other file its size and SHA-256. Nothing in the folder is
executed: graphs are read by their engine, from bytes that have that hash, and refused if they name other files.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amodal.errors import InputError
from amodal.models import EXPORT_HEAD

HEAD = EXPORT_HEAD
FORMAT = "amodal-export"
VERSION = 1
ENGINES = ("onnx", "openvino")
TEMPLATES = "templates.safetensors"

_MOST_BYTES = 1 << 30
_MOST_HEAD_BYTES = 8 << 20
_EXPECTED = "expected a folder made by `amodal export`"


@dataclass(frozen=True)
class ExportedModel:
    """An exported model whose files are whole.

    Attributes:
        folder: where it lies.
        head: what export.json says, JSON values.
    """

    folder: Path
    head: Mapping[str, Any]

    @property
    def engine(self) -> str:
        """What its graphs are for: one of `ENGINES`."""
        return str(self.head["engine"])

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods that it serves, the best one first."""
        return tuple(self.head["methods"])

    @property
    def name(self) -> str:
        """What results are signed with."""
        return str(self.head["model"]["name"])

    def has(self, graph: str) -> bool:
        """Whether there is a graph of that name."""
        return graph_files(graph, self.engine)[0] in self.head["files"]

    def content(self, file: str) -> bytes:
        """A file's bytes, which are those that were written.

        Raises:
            InputError: the file is missing, or not the one that was written.
        """
        where = str(self.folder / file)
        said = self.head["files"].get(file)
        if said is None:
            raise InputError(where, "file", f"is not named in {HEAD}", _EXPECTED)
        try:
            with (self.folder / file).open("rb") as stream:
                content = stream.read(int(said["bytes"]) + 1)
        except OSError as error:
            raise InputError(where, "file", f"cannot be read ({error.strerror})", "expected it") from error
        if len(content) != said["bytes"] or hashlib.sha256(content).hexdigest() != said["sha256"]:
            raise InputError(where, "file", "is not the file that was exported", "expected it unchanged; export again")
        return content

    def method(self, wanted: str) -> str:
        """The method itself, if it is served. Raises `InputError` where it is not."""
        if wanted not in self.methods:
            expected = f"expected one of {', '.join(self.methods)}, which were exported"
            raise InputError(str(self.folder), "method", f"found {wanted!r}", expected)
        return wanted


def read_export(folder: str | os.PathLike[str]) -> ExportedModel:
    """What an exported folder says of itself; its other files are looked at when they are used (`content`).

    Raises:
        InputError: no such folder, or one that `amodal export` of this version has not made.
    """
    path = Path(folder) / HEAD
    try:
        with path.open("rb") as stream:
            text = stream.read(_MOST_HEAD_BYTES + 1)
        if len(text) > _MOST_HEAD_BYTES:
            raise ValueError(f"more than {_MOST_HEAD_BYTES >> 20} MiB")
        head = json.loads(text)
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(str(path), "", f"cannot be read ({reason})", _EXPECTED) from error
    _check(head, str(path))
    return ExportedModel(Path(folder), head)


def graph_files(graph: str, engine: str) -> tuple[str, ...]:
    """The files of a graph; the first is the one that engines are given."""
    return (f"{graph}.onnx",) if engine == "onnx" else (f"{graph}.xml", f"{graph}.bin")


def listed(folder: Path) -> dict[str, dict[str, Any]]:
    """Size and hash of every file that lies in a folder."""
    contents = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    return {name: {"bytes": len(own), "sha256": hashlib.sha256(own).hexdigest()} for name, own in contents.items()}


def _check(head: Any, where: str) -> None:
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        found = head.get("format") if isinstance(head, dict) else type(head).__name__
        raise InputError(where, "format", f"is {found!r}", f"expected {FORMAT!r}: a folder made by `amodal export`")
    if head.get("version") != VERSION:
        expected = f"expected {VERSION}; export the model again or use the matching release"
        raise InputError(where, "version", f"is {head.get('version')!r}", expected)
    if head.get("engine") not in ENGINES:
        raise InputError(where, "engine", f"is {head.get('engine')!r}", f"expected one of {', '.join(ENGINES)}")
    methods, model, files = head.get("methods"), head.get("model"), head.get("files")
    if not isinstance(methods, list) or not methods or not all(isinstance(name, str) for name in methods):
        raise InputError(where, "methods", f"is {methods!r}", "expected a list of names")
    if not isinstance(model, dict) or not isinstance(model.get("name"), str):
        raise InputError(where, "model", f"is {model!r}", "expected a name and what else is known of it")
    if not isinstance(files, dict):
        raise InputError(where, "files", f"is {files!r}", "expected sizes and hashes by name")
    for name, said in files.items():
        plain = name not in ("", ".", "..", HEAD) and not set(name) & set("/\\\0")
        usable = isinstance(said, dict) and isinstance(said.get("sha256"), str) and type(said.get("bytes")) is int
        if not plain or not usable or not 0 <= said["bytes"] <= _MOST_BYTES:
            raise InputError(where, f"files: {name}", f"is {said!r}", "expected a plain name, its bytes and sha256")
