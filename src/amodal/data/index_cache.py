"""Indexes of large files, kept in a folder of their own: never beside the data, which may be read-only or shared."""

from __future__ import annotations

import hashlib
import io
import json
import os
import zipfile
from collections.abc import Set
from pathlib import Path
from typing import Any

import numpy as np

from amodal.data.write import write_bytes_atomically
from amodal.errors import InputError

VERSION = 1
WORTH_KEEPING = 2**23  # smaller files are walked faster than an index is looked for
_ENDS = 2**16


def default_cache() -> Path:
    """`AMODAL_CACHE`, or `amodal` in `XDG_CACHE_HOME` or in `~/.cache`."""
    said = os.environ.get("AMODAL_CACHE")
    if said:
        return Path(said)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "amodal"


def kept_index(path: Path, cache: Path, names: Set[str]) -> tuple[dict[str, np.ndarray], dict[str, Any]] | None:
    """The arrays `names` and the head of the index kept of this very file.

    None where there is none, the file has changed, or what is kept is damaged: it is made again.
    """
    try:
        with np.load(_place(path, cache), allow_pickle=False) as kept:
            said = json.loads(kept["said"].tobytes())
            arrays = {name: kept[name] for name in kept.files if name != "said"}
            if not isinstance(said, dict) or said["key"] != _key(path) or arrays.keys() != names:
                return None
            return (arrays, said["head"]) if isinstance(said["head"], dict) else None
    except (OSError, ValueError, KeyError, EOFError, AttributeError, zipfile.BadZipFile):
        return None  # AttributeError: one array in place of an archive


def keep_index(path: Path, cache: Path, arrays: dict[str, np.ndarray], head: dict[str, Any]) -> None:
    """Keep an index. A cache that cannot be written is no error: the file will be walked again."""
    try:
        if path.stat().st_size < WORTH_KEEPING:
            return
        place = _place(path, cache)
        place.parent.mkdir(parents=True, exist_ok=True)
        said = json.dumps({"key": _key(path), "head": head}).encode()
        content = io.BytesIO()
        np.savez(content, allow_pickle=False, said=np.frombuffer(said, np.uint8), **arrays)
        write_bytes_atomically(place, content.getvalue())
    except (OSError, InputError):
        return


def _place(path: Path, cache: Path) -> Path:
    name = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:24]
    return cache / "index" / f"{name}.npz"


def _key(path: Path) -> list[Any]:
    """What tells this content of the file from another without reading it all."""
    with path.open("rb") as stream:
        state = os.fstat(stream.fileno())
        digest = hashlib.sha256(stream.read(_ENDS))
        stream.seek(max(0, state.st_size - _ENDS))
        digest.update(stream.read(_ENDS))
    return [VERSION, state.st_size, state.st_mtime_ns, digest.hexdigest()]
