"""Write: parts of scenes, put together into our COCO JSON line by line, so that memory does not grow with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

from amodal.challenge.record import Record
from amodal.data.results import scenes_to_json
from amodal.scene import Scene

SCENES, RECORDS = "scenes.json", "records.jsonl"


def scene_line(scene: Scene, record: Record) -> str:
    """A line of a part: the scene as a file of its own would hold it, and its record."""
    return json.dumps([scenes_to_json([scene]), record.to_json()], separators=(",", ":")) + "\n"


def assemble(
    folder: Path, parts: Sequence[Path], progress: Callable[[str, int, int], None]
) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Put parts together as scenes.json and records.jsonl; yields each scene's content and record once.

    The file is what `write_scenes` would write of all scenes, byte for byte; each list of it is one pass.
    """
    labels: set[str] = set()
    with (folder / RECORDS).open("w", encoding="utf-8", newline="\n") as records:
        for number, part in enumerate(parts):
            for content, record in _lines(part):
                labels |= {category["name"] for category in content["categories"]}
                records.write(record + "\n")
                yield content, json.loads(record)
            progress("records", number + 1, len(parts))
    category_of = {label: number for number, label in enumerate(sorted(labels), start=1)}
    with (folder / SCENES).open("w", encoding="utf-8", newline="\n") as stream:
        _write_scenes(stream, parts, category_of)


def _write_scenes(stream: TextIO, parts: Sequence[Path], category_of: dict[str, int]) -> None:
    head: dict[str, Any] = next(_lines(parts[0]))[0]
    once = {key: value for key, value in head.items() if not isinstance(value, list)}
    stream.write("{\n" + "".join(f" {json.dumps(key)}: {json.dumps(value)},\n" for key, value in once.items()))
    categories = [{"id": number, "name": label} for label, number in category_of.items()]
    _write_list(stream, "images", _renumbered(parts, "images", category_of), ",\n")
    _write_list(stream, "categories", iter(categories), ",\n")
    _write_list(stream, "annotations", _renumbered(parts, "annotations", category_of), ",\n")
    _write_list(stream, "order", _renumbered(parts, "order", category_of), "\n}\n")


def _write_list(stream: TextIO, name: str, entries: Iterator[dict[str, Any]], end: str) -> None:
    first = next(entries, None)
    stream.write(f" {json.dumps(name)}: [")
    if first is not None:
        stream.write("\n  " + json.dumps(first))
        for entry in entries:
            stream.write(",\n  " + json.dumps(entry))
        stream.write("\n ")
    stream.write("]" + end)


def _renumbered(parts: Sequence[Path], name: str, category_of: dict[str, int]) -> Iterator[dict[str, Any]]:
    """The entries of one list of all scenes, with numbers that are unique in the whole file."""
    images = annotations = 0
    for part in parts:
        for content, _ in _lines(part):
            labels = {category["id"]: category["name"] for category in content["categories"]}
            for entry in content[name]:
                if name == "images":
                    entry["id"] += images
                else:
                    entry["image_id"] += images
                if name == "annotations":
                    entry["id"] += annotations
                    entry["category_id"] = category_of[labels[entry["category_id"]]]
                if name == "order":
                    entry["front"] += annotations
                    entry["behind"] += annotations
                yield entry
            images += 1
            annotations += len(content["annotations"])


def _lines(part: Path) -> Iterator[tuple[dict[str, Any], str]]:
    with part.open(encoding="utf-8") as stream:
        for line in stream:
            content, record = json.loads(line)
            yield content, record
