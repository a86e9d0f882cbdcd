"""JSON of long lists written entry by entry: each list waits in a file of its own until the head is known."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any, NamedTuple

from amodal.data.results import plain
from amodal.data.write import writing_atomically
from amodal.errors import InputError


class Row(NamedTuple):
    """An entry of a list; `place` is what an error calls it."""

    name: str
    fields: Mapping[str, Any]
    place: str


def write_lists(out: Path, lists: Sequence[str], rows: Iterable[Row], head: Callable[[], Mapping[str, Any]]) -> None:
    """Write an object with the fields of `head`, asked for at the end, and `lists` filled from `rows`.

    Raises:
        InputError: a value that is not JSON, no place to write.
    """
    with ExitStack() as stack:
        spools = {name: _Spool(stack.enter_context(tempfile.TemporaryFile())) for name in lists}
        for row in rows:
            spools[row.name].add(_json(row.fields, out, row.place))
        with writing_atomically(out) as stream:
            stream.write(b"{\n")
            for key, value in head().items():
                stream.write(f" {json.dumps(key)}: {_one_a_line(value, out, key)},\n".encode())
            for name in lists:
                stream.write(f" {json.dumps(name)}: ".encode())
                spools[name].copy_to(stream)
                stream.write(b"\n" if name == lists[-1] else b",\n")
            stream.write(b"}\n")


class _Spool:
    """A list out of memory."""

    def __init__(self, spool: IO[bytes]) -> None:
        self._spool, self._count = spool, 0

    def add(self, text: str) -> None:
        self._spool.write((",\n  " if self._count else "\n  ").encode() + text.encode())
        self._count += 1

    def copy_to(self, stream: IO[bytes]) -> None:
        stream.write(b"[")
        self._spool.seek(0)
        while piece := self._spool.read(2**20):
            stream.write(piece)
        stream.write(b"\n ]" if self._count else b"]")


def _one_a_line(value: Any, out: Path, key: str) -> str:
    if isinstance(value, list) and value:
        return "[\n  " + ",\n  ".join(_json(item, out, key) for item in value) + "\n ]"
    return _json(value, out, key)


def _json(value: Any, out: Path, place: str) -> str:
    try:
        return plain(value)
    except (TypeError, ValueError) as error:
        expected = "expected plain values, all numbers finite"
        raise InputError(str(out), place, f"is not JSON ({error})", expected) from error
