"""Results of many photos in parts: a folder with `index.json`, `errors.jsonl` and `parts/`, read without holding it.

index.json     schema_version, kind (jsonl or parquet), settings, digest of them, complete or not,
               totals, and each part's file, rows and first and last key
errors.jsonl   {number, key, name, reason} of each photo that could not be used
parts/         part-000000.jsonl or .parquet, …: a row a photo, see `part_rows`
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from amodal.data.fields import Field, read_json
from amodal.data.part_rows import Row, scene_of_row
from amodal.data.write import writing_atomically, writing_to
from amodal.errors import AmodalError, InputError
from amodal.scene import Scene

SCHEMA_VERSION = 1
INDEX, ERRORS, PARTS = "index.json", "errors.jsonl", "parts"
Kind = Literal["jsonl", "parquet"]
_ROWS_AT_ONCE = 64  # of a Parquet part


@dataclass(frozen=True)
class PartFile:
    """A part as the index names it."""

    file: Path
    rows: int


@dataclass(frozen=True)
class PartsIndex:
    """What `index.json` says."""

    folder: Path
    kind: Kind
    complete: bool
    parts: tuple[PartFile, ...]
    settings: Mapping[str, Any]


def read_parts(folder: str | os.PathLike[str]) -> Iterator[Scene]:
    """The scenes of a folder of parts, one after the other, in the order of their source.

    Of a run that was stopped, those of its finished parts.

    Raises:
        InputError: no such folder, another schema version, a part that is missing or broken; names file and field.
    """
    index = read_index(folder)
    return (scene_of_row(row) for part in index.parts for row in read_rows(part.file, index.kind))


def read_index(folder: str | os.PathLike[str]) -> PartsIndex:
    """Read what the index of a folder of parts says."""
    root = read_json(Path(folder) / INDEX)
    version = root["schema_version"].integer()
    if version != SCHEMA_VERSION:
        raise root["schema_version"].error(f"is {version}", f"{SCHEMA_VERSION}, the only one this release reads")
    kind: Kind = "parquet" if root["kind"].one_of(*get_args(Kind)) == "parquet" else "jsonl"
    parts = []
    for part in root["parts"].items():
        name = part["file"].text()
        if Path(name).name != name:  # a part lies in the folder; a name with a way in it would lead out of it
            raise part["file"].error(f"is {name!r}", "a plain file name")
        parts.append(PartFile(Path(folder) / PARTS / name, part["rows"].integer(0)))
    return PartsIndex(Path(folder), kind, root["complete"].flag(), tuple(parts), root["settings"].object())


def is_parts_folder(folder: Path) -> bool:
    """Whether it looks like one."""
    return (folder / INDEX).is_file() and (folder / PARTS).is_dir()


def read_rows(part: Path, kind: Kind) -> Iterator[Field]:
    """The rows of one part, one after the other.

    Raises:
        InputError: no such file, or not what `write_rows` writes.
    """
    rows = _jsonl_rows(part) if kind == "jsonl" else _parquet_rows(part)
    return (Field(str(part), None, f"row {number}", row) for number, row in enumerate(rows))


def write_rows(rows: Iterable[Row], part: Path, kind: Kind) -> None:
    """Write one part, whole or not at all.

    Raises:
        InputError: no place to write; `AmodalError` where Parquet is wanted and pyarrow is not installed.
    """
    if kind == "parquet":
        _write_parquet(list(rows), part)
        return
    with writing_atomically(part) as stream:
        for row in rows:
            stream.write(json.dumps(row, allow_nan=False).encode() + b"\n")


def check_kind(kind: Kind) -> None:
    """Raises `AmodalError` where this kind of part cannot be written here; asked before any work is done."""
    if kind == "parquet":
        with _pyarrow():
            import pyarrow.parquet  # noqa: F401


def _jsonl_rows(part: Path) -> Iterator[Any]:
    try:
        with part.open("rb") as lines:
            for number, line in enumerate(lines):
                try:
                    yield json.loads(line)
                except (ValueError, RecursionError) as error:
                    found = f"is not JSON ({error})"
                    raise InputError(str(part), f"line {number + 1}", found, "expected a row") from error
    except OSError as error:
        raise InputError(str(part), "file", f"cannot be read ({error.strerror})", "expected a part") from error


def _parquet_rows(part: Path) -> Iterator[Any]:
    with _pyarrow():
        import pyarrow as pa
        import pyarrow.parquet as pq
    try:
        with pq.ParquetFile(part) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowException) as error:
        raise InputError(str(part), "file", f"cannot be read ({error})", "expected a Parquet part") from error


def _write_parquet(rows: list[Row], part: Path) -> None:
    with _pyarrow():
        import pyarrow as pa
        import pyarrow.parquet as pq
    table = pa.Table.from_pylist(rows, schema=_schema())
    with writing_atomically(part) as stream, writing_to(part):
        pq.write_table(table, stream, compression="zstd")


def _schema() -> Any:
    import pyarrow as pa

    mask = pa.struct([("box", pa.list_(pa.int32())), ("counts", pa.string())])
    an_object = [
        ("id", pa.int64()),
        ("label", pa.string()),
        ("score", pa.float64()),
        ("box", pa.list_(pa.float64())),
        ("amodal", mask),
        ("visible", mask),
        ("claimed", mask),
        ("meta", pa.string()),
    ]
    edge = [("front", pa.int64()), ("behind", pa.int64()), ("probability", pa.float64())]
    return pa.schema(
        [
            ("number", pa.int64()),
            ("key", pa.string()),
            ("name", pa.string()),
            ("height", pa.int32()),
            ("width", pa.int32()),
            ("method", pa.string()),
            ("model", pa.string()),
            ("boxes_are", pa.string()),
            ("exclusive", pa.bool_()),
            ("warnings", pa.list_(pa.string())),
            ("objects", pa.list_(pa.struct(an_object))),
            ("order", pa.list_(pa.struct(edge))),
        ]
    )


@contextmanager
def _pyarrow() -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        raise AmodalError("Parquet needs pyarrow: pip install 'amodal[scale]', or use JSONL") from error
