"""What of a run is finished, on disk at every moment: settings, finished parts, errors; and whether it may go on.

`finished.jsonl` has a line for each finished part and is only ever added to; a part counts when its line is whole. The
index and the errors follow from it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from amodal.data.fields import read_json
from amodal.data.parts import ERRORS, INDEX, PARTS, SCHEMA_VERSION, Kind
from amodal.data.write import make_folder, write_text_atomically, writing_atomically, writing_to
from amodal.errors import InputError
from amodal.scale.work import Finished

FINISHED, LOCK = "finished.jsonl", ".lock"
_SECONDS_BETWEEN_INDEXES = 10.0
_NOT_KEPT = ("failures", "digest")  # of a part, in memory: they stand in the file


@contextmanager
def open_ledger(out: Path, settings: Mapping[str, Any], kind: Kind) -> Iterator[Ledger]:
    """The ledger of a folder of parts, new or of a run that goes on; no other process can have it meanwhile.

    Raises:
        InputError: the folder holds something else, or the parts of other settings, or another run is at it.
    """
    make_folder(out)
    with _alone_in(out):
        _check_folder(out, settings)
        make_folder(out / PARTS)
        for stray in (*out.glob(".*.part"), *(out / PARTS).glob(".*.part")):  # of a write that was killed
            stray.unlink()
        ledger = Ledger(out, settings, kind)
        try:
            ledger.write_index(complete=False)
            yield ledger
        except BaseException:  # Ctrl-C too: the index is never behind what a run leaves
            ledger.write_index(complete=False)
            raise
        finally:
            ledger.close()


class Ledger:
    """Which parts are finished.

    Attributes:
        digests: number of each finished part -> digest of what the source said of its photos.
        photos, rows, objects, failures: totals of the finished parts.
    """

    def __init__(self, out: Path, settings: Mapping[str, Any], kind: Kind) -> None:
        self.out, self._settings, self._kind = out, settings, kind
        self.digests: dict[int, str] = {}
        self.photos = self.rows = self.objects = self.failures = 0
        self._parts: dict[int, dict[str, Any]] = {}
        with writing_to(out / FINISHED):
            self._stream = (out / FINISHED).open("ab+")
            _cut_torn_line(self._stream)
        for finished in self._lines():
            if (out / PARTS / finished.file).is_file():
                self._count(finished)
        with writing_to(out / ERRORS):
            self._errors = (out / ERRORS).open("w", encoding="utf-8")
        for finished in self._in_order():
            self._note_failures(finished)
        self._next_index = time.monotonic() + _SECONDS_BETWEEN_INDEXES

    def add(self, finished: Finished) -> None:
        """A part is finished; on disk when this returns."""
        with writing_to(self.out / FINISHED):
            self._stream.write(json.dumps(finished.to_json()).encode() + b"\n")
            self._stream.flush()
            os.fsync(self._stream.fileno())
        self._count(finished)
        self._note_failures(finished)
        if time.monotonic() >= self._next_index:
            self.write_index(complete=False)
            self._next_index = time.monotonic() + _SECONDS_BETWEEN_INDEXES

    def write_index(self, *, complete: bool) -> None:
        """Write `index.json`; of a complete run the errors too, in the order of the source."""
        if complete:
            with writing_atomically(self.out / ERRORS) as stream:
                for finished in self._in_order():
                    stream.write(_error_lines(finished).encode())
        head = {
            "schema_version": SCHEMA_VERSION,
            "kind": self._kind,
            "settings": self._settings,
            "digest": digest_of(self._settings),
            "complete": complete,
            "photos": self.photos,
            "rows": self.rows,
            "objects": self.objects,
            "errors": self.failures,
        }
        lines = ",\n  ".join(json.dumps(self._parts[number]) for number in sorted(self._parts))
        parts = f"[\n  {lines}\n ]" if lines else "[]"
        text = json.dumps(head, indent=1).removesuffix("\n}")
        write_text_atomically(self.out / INDEX, f'{text},\n "parts": {parts}\n}}\n')

    def close(self) -> None:
        """Let go of the files."""
        self._stream.close()
        self._errors.close()

    def _count(self, finished: Finished) -> None:
        if finished.number in self.digests:
            return
        self.digests[finished.number] = finished.digest
        said = finished.to_json()
        kept = {key: value for key, value in said.items() if key not in _NOT_KEPT}
        self._parts[finished.number] = {**kept, "errors": len(finished.failures)}
        self.photos += finished.photos
        self.rows += finished.rows
        self.objects += finished.objects
        self.failures += len(finished.failures)

    def _note_failures(self, finished: Finished) -> None:
        if finished.failures:
            with writing_to(self.out / ERRORS):
                self._errors.write(_error_lines(finished))
                self._errors.flush()

    def _lines(self) -> Iterator[Finished]:
        with (self.out / FINISHED).open("rb") as stream:
            for number, line in enumerate(stream):
                yield _finished(self.out / FINISHED, number, line)

    def _in_order(self) -> Iterator[Finished]:
        """The finished parts as the file has them, by number; one at a time is held."""
        with (self.out / FINISHED).open("rb") as stream:
            places: dict[int, int] = {}
            start = 0
            for place, line in enumerate(stream):
                number = _finished(self.out / FINISHED, place, line).number
                if number in self.digests:
                    places[number] = start
                start += len(line)
            for number in sorted(places):
                stream.seek(places[number])
                yield _finished(self.out / FINISHED, number, stream.readline())


def digest_of(settings: Mapping[str, Any]) -> str:
    """Of all settings that the rows depend on."""
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()


def _check_folder(out: Path, settings: Mapping[str, Any]) -> None:
    if not (out / INDEX).is_file():
        others = sorted(path.name for path in out.iterdir() if path.name not in (LOCK, PARTS, FINISHED, ERRORS))
        if others:
            found = f"holds {', '.join(others[:3])}"
            raise InputError(str(out), "--out", found, "expected an empty folder, or one of a run to go on with")
        return
    begun = read_json(out / INDEX).get("settings")
    before = {} if begun is None else begun.object()
    now = json.loads(json.dumps(settings))
    for key in sorted({*before, *now}):
        if before.get(key) != now.get(key):
            found = f"was begun with {before.get(key)!r}"
            raise InputError(str(out), key, found, f"expected {now.get(key)!r} as now, or another --out")


def _cut_torn_line(stream: BinaryIO) -> None:
    """A line that a kill cut short goes; its part will be made again."""
    stream.seek(0)
    whole = 0
    for line in stream:
        if not line.endswith(b"\n"):
            stream.truncate(whole)
            return
        whole += len(line)


def _finished(file: Path, number: int, line: bytes) -> Finished:
    try:
        return Finished.from_json(json.loads(line))
    except (ValueError, KeyError, TypeError) as error:
        expected = "expected a finished part, as a run writes it; without this line its part is made again"
        raise InputError(str(file), f"line {number + 1}", f"cannot be read ({error})", expected) from error


def _error_lines(finished: Finished) -> str:
    lines = (
        {"number": one.number, "key": one.key, "name": one.name, "reason": one.reason} for one in finished.failures
    )
    return "".join(json.dumps(line, ensure_ascii=True) + "\n" for line in lines)


@contextmanager
def _alone_in(out: Path) -> Iterator[None]:
    """A lock that ends with the process that holds it, killed or not; its file stays, or two could hold it."""
    try:
        import fcntl
    except ImportError:  # not on Windows: there nothing keeps two runs apart
        yield
        return
    with writing_to(out, "folder"):
        lock = (out / LOCK).open("wb")
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(str(out), "--out", "another run is at work in it", "expected to be alone") from error
        yield
