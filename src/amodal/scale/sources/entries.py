"""What JSONL, Parquet and tar shards say of a photo: an entry of our simple JSON, as `--boxes` takes it."""

from __future__ import annotations

from pathlib import Path

from amodal.data.boxes import simple_entry
from amodal.data.coco import boxes_kind
from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.scale.jobs import PhotoJob, Place
from amodal.scene import BoxKind


def job_of(entry: Field, key: str, name: str, place: Place, boxes_are: BoxKind | None) -> PhotoJob:
    """The photo of an entry `{boxes: [{box, class}], boxes_are, width, height}`; without `boxes`, one without boxes."""
    try:
        if entry.get("boxes") is None:
            return PhotoJob(key, name, place)
        kind = boxes_are or boxes_kind(entry) or "amodal"
        found = simple_entry(entry, name, Path(), kind)
    except InputError as error:
        return PhotoJob(key, name, place, problem=str(error))
    return PhotoJob(key, name, place, found.boxed, str(found.error or ""))
