"""From any format to any other, photo by photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from amodal.data.entries import Entry, Head, Source, entries_of
from amodal.data.fields import read_json
from amodal.data.formats import format_named, write_as
from amodal.data.losses import Losses
from amodal.errors import InputError
from amodal.progress import Progress


@dataclass(frozen=True)
class Converted:
    """What a conversion did."""

    format_in: str
    format_out: str
    photos: int
    objects: int
    losses: Losses

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "from": self.format_in,
            "to": self.format_out,
            "photos": self.photos,
            "objects": self.objects,
            "not_said": self.losses.to_json(),
        }


def convert(
    source: Source,
    format: str,
    out: Path,
    *,
    classes: Mapping[str, str | None] | None = None,
    progress: Progress | None = None,
) -> Converted:
    """Write a data set in another format, or in its own.

    Args:
        source: see `formats.open_source`.
        format: the name of the new one.
        out: the file, or the new folder.
        classes: old name of a class -> new name, or None to leave its objects out; others stay.
        progress: called with ("photos", done, all).

    Raises:
        InputError: a broken annotation, no such format, no place to write; then `out` stays as it was.
    """
    counted = {"photos": 0, "objects": 0}
    dropped = Losses()

    def entries() -> Iterator[Entry]:
        for entry in entries_of(source):
            renamed = entry if classes is None else _renamed(entry, classes, dropped)
            counted["photos"] += 1
            counted["objects"] += len(renamed.scene)
            yield renamed
            if progress is not None:
                progress("photos", counted["photos"], len(source))

    head = source.head if classes is None else _renamed_head(source.head, classes)
    losses = write_as(format, entries(), head, out)
    return Converted(source.head.format, format_named(format), counted["photos"], counted["objects"], dropped + losses)


def read_class_map(text: str) -> dict[str, str | None]:
    """`car=vehicle,misc=` as text (nothing after = leaves a class out), or a JSON file {old: new or null}.

    Raises:
        InputError: neither.
    """
    if is_class_file(text):
        root = read_json(text)
        return {key: None if root.get(key) is None else root[key].text() for key in root.object()}
    found: dict[str, str | None] = {}
    for part in text.split(","):
        old, equals, new = (piece.strip() for piece in part.partition("="))
        if not old or not equals or old in found:
            raise InputError("--classes", part or "''", "is no OLD=NEW", "expected car=vehicle,misc= or a JSON file")
        found[old] = new or None
    return found


def is_class_file(text: str) -> bool:
    """Whether `read_class_map` reads a file."""
    return text.endswith(".json") or Path(text).is_file()


def check_class_map(source: Source, classes: Mapping[str, str | None]) -> None:
    """Whether the data set has the classes that are to be renamed.

    Raises:
        InputError: one is not there; names those that are.
    """
    known = set(source.head.classes.values())
    if not classes.keys() <= known:  # not every format lists its classes
        known |= {one.label for entry in entries_of(source) for one in entry.scene.instances}
    absent = sorted(classes.keys() - known)
    if absent:
        there = ", ".join(sorted(known)) or "none"
        raise InputError("--classes", ", ".join(absent), "is no class of the data", f"expected some of: {there}")


def _renamed(entry: Entry, classes: Mapping[str, str | None], dropped: Losses) -> Entry:
    kept = []
    for one in entry.scene.instances:
        label = classes.get(one.label, one.label)
        if label is None:
            dropped.note(f"class {one.label!r}, which was to be left out", f"{entry.scene.image}: object {one.id}")
        else:
            kept.append(one if label == one.label else replace(one, label=label))
    order = entry.scene.order.among(one.id for one in kept)
    scene = replace(entry.scene, instances=tuple(kept), order=order)
    names = frozenset(new for old in entry.truth.classes if (new := classes.get(old, old)) is not None)
    return replace(entry, truth=replace(entry.truth, scene=scene, classes=names))


def _renamed_head(head: Head, classes: Mapping[str, str | None]) -> Head:
    """Of ids that now mean the same class the first stays."""
    found: dict[int, str] = {}
    for number, old in head.classes.items():
        new = classes.get(old, old)
        if new is not None and new not in found.values():
            found[number] = new
    return replace(head, classes=found)
