"""Files that are either wholly there or not at all: written beside their place, then moved into it."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from amodal.errors import InputError


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

    Raises:
        InputError: the folder is missing or cannot be written, or `path` is a folder.
    """
    try:
        target = Path(os.path.realpath(path))  # a link stays a link, what it points to is replaced
        if target.is_dir():
            raise InputError(os.fspath(path), "file", "is a folder", "expected a file to write")
        part = target.parent / f".{secrets.token_hex(8)}.part"
        try:
            with part.open("xb") as stream:
                yield stream
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(target)
        finally:
            part.unlink(missing_ok=True)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        raise _not_writable(path, "file", error) from error


@contextmanager
def new_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A hidden folder to fill, which becomes `path` when the block ends well and goes away when it does not.

    Raises:
        InputError: `path` is there already and not empty, or cannot be made.
    """
    target = Path(path)
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise InputError(os.fspath(path), "folder", "is there already", "expected a new or empty one")
    building = target.parent / f".{secrets.token_hex(8)}.part"
    try:
        building.mkdir(parents=True)
        yield building
        if target.exists():
            target.rmdir()
        building.rename(target)
    except (OSError, ValueError) as error:
        raise _not_writable(path, "folder", error) from error
    finally:
        shutil.rmtree(building, ignore_errors=True)


def make_folder(path: str | os.PathLike[str]) -> Path:
    """Make the folder `path` and those above it where missing, and prove that it can be written to.

    Asked before long work, so that its result is not lost at the end.

    Raises:
        InputError: it cannot be made or written to, or is a file.
    """
    folder = Path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / f".{secrets.token_hex(8)}.part"
        probe.touch(exist_ok=False)
        probe.unlink()
    except (OSError, ValueError) as error:
        raise _not_writable(path, "folder", error) from error
    return folder


def with_sorted_metadata(content: bytes) -> bytes:
    """A safetensors file with its metadata sorted, so that equal models are equal files: written they are unsorted."""
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # tensors begin at a multiple of 8
    return len(text).to_bytes(8, "little") + text + content[start:]


def _not_writable(path: str | os.PathLike[str], field: str, error: Exception) -> InputError:
    reason = getattr(error, "strerror", None) or str(error)
    return InputError(os.fspath(path), field, f"cannot be written ({reason})", f"expected a writable {field}")
