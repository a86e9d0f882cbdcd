"""An annotation file in KINS's layout, 12 MB: indexed and read photo by photo, beside Python parsing it as one."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from amodal.bench.kins_file import write_kins_file
from amodal.bench.timing import Measurement, ratios, taken_in_turns
from amodal.data.entries import entries_of
from amodal.data.formats import open_source
from amodal.data.index import index_json

MEGABYTES = 12
_NAME = "reading"


def measure(_model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "kins.json"
        photos = write_kins_file(path, MEGABYTES * 10**6)
        calls: dict[str, Callable[[], object]] = {
            "parse": lambda: json.loads(path.read_text()),
            "index": partial(_index_anew, path),
            "read": partial(_read, path, Path(folder) / "cache"),
        }
        taken = taken_in_turns(calls, seconds)
    indexed = [MEGABYTES / one for one in taken["index"]]
    read = [photos / one for one in taken["read"]]
    return [
        Measurement.of(_NAME, "indexing", indexed, "MB/s", "more", digits=1),
        Measurement.of(_NAME, "indexing / parsing as one", ratios(taken["index"], taken["parse"]), "ratio"),
        Measurement.of(_NAME, "photos with masks read from an indexed file", read, "photos/s", "more", digits=0),
    ]


def _index_anew(path: Path) -> None:
    with tempfile.TemporaryDirectory() as cache:
        index_json(path, cache=Path(cache))


def _read(path: Path, cache: Path) -> None:
    for _entry in entries_of(open_source(path, cache=cache)):
        pass
