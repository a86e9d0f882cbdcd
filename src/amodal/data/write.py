"""Files that are either wholly there or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import io
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from amodal.errors import InputError

if TYPE_CHECKING:
    from typing_extensions import Buffer


def write_text_atomically(path: str | os.PathLike[str], text: str) -> None:
    """Write `text` as UTF-8, replacing the file at `path` in one step.

    Raises:
        InputError: the folder is missing or cannot be written, or `path` is a folder.
    """
    write_bytes_atomically(path, text.encode("utf-8"))


def write_bytes_atomically(path: str | os.PathLike[str], content: bytes) -> None:
    """Write `content`, replacing the file at `path` in one step; killed at any moment, the old file stays.

    Raises:
        InputError: the folder is missing or cannot be written, or `path` is a folder.
    """
    with writing_atomically(path) as stream:
        stream.write(content)


@contextmanager
def writing_atomically(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """A stream to write to, which replaces the file at `path` in one step when the block ends well.

    What else goes wrong in the block is raised as it is: a source that cannot be read is no fault of `path`.

    Raises:
        InputError: the folder is missing or cannot be written, or `path` is a folder.
    """
    with writing_to(path):
        target = Path(os.path.realpath(path))  # a link stays a link, what it points to is replaced
        is_folder = target.is_dir()
    if is_folder:
        raise InputError(os.fspath(path), "file", "is a folder", "expected a file to write")
    part = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        with writing_to(path):
            raw = io.FileIO(part, "xb")
        with _Stream(raw, path) as stream:
            yield stream
            stream.flush()
            with writing_to(path):
                os.fsync(raw.fileno())
        with writing_to(path):
            part.replace(target)
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder to fill, which becomes `path` when the block ends well and goes away when it does not.

    What goes wrong in the block is raised as it is; it writes its files in `writing_to(path, "folder")`.

    Raises:
        InputError: `path` is there already and not empty, or cannot be made.
    """
    target = Path(path)
    with writing_to(path, "folder"):
        is_taken = target.exists() and (not target.is_dir() or any(target.iterdir()))
    if is_taken:
        raise InputError(os.fspath(path), "folder", "is there already", "expected a new or empty one")
    building = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        with writing_to(path, "folder"):
            building.mkdir(parents=True)
        yield building
        with writing_to(path, "folder"):
            if target.exists():
                target.rmdir()
            building.rename(target)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@contextmanager
def writing_to(path: str | os.PathLike[str], field: str = "file") -> Iterator[None]:
    """Around a write and nothing else: what the system refuses there is said of `path`.

    Raises:
        InputError: instead of an OSError, or a ValueError (a name that no file can have).
    """
    try:
        yield
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = getattr(error, "strerror", None) or str(error)
        expected = f"expected a writable {field}"
        raise InputError(os.fspath(path), field, f"cannot be written ({reason})", expected) from error


class _Stream(io.BufferedWriter):
    """Says of `path` what goes wrong while it is written, a full disk for one."""

    def __init__(self, raw: io.FileIO, path: str | os.PathLike[str]) -> None:
        super().__init__(raw)
        self._path = path

    def write(self, content: Buffer, /) -> int:
        with writing_to(self._path):
            return super().write(content)

    def flush(self) -> None:
        with writing_to(self._path):
            super().flush()


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder `path` and those above it where missing, and prove that it can be written to.

    Asked before long work, so that its result is not lost at the end.

    Raises:
        InputError: it cannot be made or written to, or is a file.
    """
    folder = Path(path)
    with writing_to(path, "folder"):
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(8)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    return folder


def with_sorted_metadata(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted, so that equal models are equal files: written they are unsorted."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[start:]
