"""A folder of parts as a data set photo by photo, for `amodal data convert`; and written from any other."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from amodal.data.entries import Entry, Head, Source, entries_of
from amodal.data.fields import Field
from amodal.data.losses import Losses, note_fields, note_losses, note_photo_id
from amodal.data.part_rows import row_of, scene_of_row
from amodal.data.parts import ERRORS, INDEX, PARTS, SCHEMA_VERSION, PartsIndex, read_index, read_rows, write_rows
from amodal.data.truth import Truth
from amodal.data.write import new_folder, writing_to
from amodal.errors import NoSplits
from amodal.scene import Instance, Scene

FORMAT = "parts"
SAYS = frozenset(
    {"modal", "amodal", "order", "probability", "whole box", "visible box", "score", "unscored", "claimed", "empty"}
)
_ROWS = 1000  # a part


def open_parts(folder: Path, images: Path | None, split: str | None) -> Source:
    """The photos of a folder of parts, one by one."""
    if split is not None:
        raise NoSplits(str(folder), "split", "has no splits", "expected no --split")
    return _PartsSource(read_index(folder), images)


def read_parts_truth(folder: Path, images: Path | None, split: str | None) -> list[Truth]:
    """All photos of a folder of parts, as what others are measured by."""
    return [entry.truth for entry in entries_of(open_parts(folder, images, split))]


def write_parts(entries: Iterable[Entry], head: Head, out: Path, losses: Losses) -> None:
    """Write entries as JSONL parts. What a scene says is kept; what is not known of it goes into `meta`.

    Raises:
        InputError: `out` is there already, or cannot be written.
    """
    parts: list[dict[str, Any]] = []
    number = 0
    remaining = iter(entries)
    with new_folder(out) as building:
        with writing_to(out, "folder"):
            (building / PARTS).mkdir()
        while some := list(islice(remaining, _ROWS)):
            rows = [row_of(_with_flags(entry), number + n, _key(entry)) for n, entry in enumerate(some)]
            file = f"part-{len(parts):06d}.jsonl"
            write_rows(rows, building / PARTS / file, "jsonl")
            said = {"photos": len(rows), "rows": len(rows), "first": rows[0]["key"], "last": rows[-1]["key"]}
            parts.append({"file": file, **said})
            number += len(rows)
            for entry in some:
                _note(entry, losses)
        index = {"schema_version": SCHEMA_VERSION, "kind": "jsonl", "complete": True, "settings": {}}
        with writing_to(out, "folder"):
            (building / INDEX).write_text(json.dumps({**index, "photos": number, "parts": parts}, indent=1) + "\n")
            (building / ERRORS).touch()


class _PartsSource:
    """Holds the rows of the part that was asked for last."""

    def __init__(self, index: PartsIndex, images: Path | None) -> None:
        self._index, self._images = index, images
        self._ends = np.cumsum([part.rows for part in index.parts], dtype=np.int64)
        self._held, self._rows = -1, list[Field]()

    @property
    def head(self) -> Head:
        return Head(FORMAT)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, number: int, /) -> Entry:
        part = int(np.searchsorted(self._ends, number, side="right"))
        file = self._index.parts[part]
        if part != self._held:
            self._rows, self._held = list(read_rows(file.file, self._index.kind)), part
        row = self._rows[number - int(self._ends[part]) + file.rows]
        scene = scene_of_row(row)
        path = None if not scene.image else (self._images or Path()) / scene.image
        knows = frozenset({"modal", "amodal", "order", "boxes"})
        hidden = _flagged(scene, "known")
        return Entry(Truth(scene, path, knows, hidden=hidden, unscored=_flagged(scene, "scored") - hidden))


def _flagged(scene: Scene, flag: str) -> frozenset[int]:
    return frozenset(one.id for one in scene.instances if one.meta.get(flag) is False)


def _with_flags(entry: Entry) -> Scene:
    """As our scenes.json has it: what is known of each object, and whether it counts, is said where it is not so."""

    def flagged(one: Instance) -> Instance:
        flags: dict[str, Any] = {
            "known": one.id not in entry.truth.hidden,
            "scored": one.id not in entry.truth.unscored,
        }
        said = {name: False for name, value in flags.items() if not value}
        return replace(one, meta={**one.meta, **said}) if said else one

    return entry.scene.with_instances([flagged(one) for one in entry.scene.instances])


def _key(entry: Entry) -> str:
    return entry.scene.image or ""


def _note(entry: Entry, losses: Losses) -> None:
    note_losses(entry, SAYS, losses)
    note_fields(entry, losses, of_objects={"meta"})
    note_photo_id(entry, losses)
