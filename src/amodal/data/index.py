"""Where each photo's part of a large JSON file is, so that one photo is read without the rest.

The file is walked once, in pieces of a few MiB, whatever its size; what is kept is where each entry of `images`,
`annotations` and `order` begins and ends, and all else at the top of the file (`head`). An index of a file worth it is
kept in a cache folder and used again while the file's size, time of change and first and last 64 KiB are the same.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from amodal.data.fields import Field
from amodal.data.index_cache import keep_index, kept_index
from amodal.data.json_stream import Entries, walk
from amodal.errors import InputError
from amodal.progress import Progress

SAMPLE = 100


def index_json(path: Path, *, cache: Path | None = None, progress: Progress | None = None) -> JsonIndex:
    """Walk the file once, or take the index that is kept of it.

    Args:
        path: COCO-like JSON: an object with lists `images` and `annotations`.
        cache: the folder of kept indexes; nothing is kept or looked for without one.
        progress: called with ("reading FILE, MB", done, all).

    Raises:
        InputError: no such file, not JSON (and where), a list that is missing, an entry without its ids, an id twice,
            an annotation of no photo; names the entry.
    """
    kept = None if cache is None else kept_index(path, cache, ARRAYS)
    if kept is None:
        kept = _arrays(path, progress)
        if cache is not None:
            keep_index(path, cache, *kept)
    arrays, head = kept
    return JsonIndex(path, head, **arrays)


@dataclass(frozen=True, eq=False)
class Rows:
    """What one photo's entries are, and their places in the lists of the file."""

    image: Field
    annotations: tuple[Mapping[str, Any], ...]
    annotation_places: tuple[int, ...]
    order: tuple[Mapping[str, Any], ...]
    order_places: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class JsonIndex:
    """Byte ranges of a file's entries; those of annotations and order are sorted by photo.

    Attributes:
        path: the file.
        head: everything at the top of the file but the three lists.
        photo_ids: in the file's order.
        photos: first byte and the one after the last, of each photo's entry.
        annotations, order: the same of their entries; photo i has rows first[i] to first[i + 1].
        annotation_places, order_places: where each row stands in the file's list, from 0.
    """

    path: Path
    head: Mapping[str, Any]
    photo_ids: Int64[np.ndarray, " photos"]
    photos: Int64[np.ndarray, "photos 2"]
    annotations: Int64[np.ndarray, "n 2"]
    annotation_places: Int64[np.ndarray, " n"]
    first_annotation: Int64[np.ndarray, " photos_and_one"]
    order: Int64[np.ndarray, "edges 2"]
    order_places: Int64[np.ndarray, " edges"]
    first_order: Int64[np.ndarray, " photos_and_one"]

    def __len__(self) -> int:
        return len(self.photo_ids)

    def rows(self, number: int) -> Rows:
        """Read the entries of photo `number` (counted from 0), and nothing else."""
        edges = slice(int(self.first_order[number]), int(self.first_order[number + 1]))
        rows = slice(int(self.first_annotation[number]), int(self.first_annotation[number + 1]))
        spans = [self.photos[number], *self.annotations[rows], *self.order[edges]]
        image, *others = self._read(spans)
        count = rows.stop - rows.start
        return Rows(
            Field(str(self.path), Field(str(self.path), None, "images", None), number, image),
            tuple(others[:count]),
            tuple(self.annotation_places[rows].tolist()),
            tuple(others[count:]),
            tuple(self.order_places[edges].tolist()),
        )

    def images(self, start: int, end: int) -> list[Any]:
        """The entries of `images` from number `start` to before `end`, in one go."""
        return self._read(self.photos[start:end])

    def sample(self) -> Field:
        """The head with a few photos and annotations of the file, to recognise its format by."""
        content = dict(self.head)
        content["images"] = self._read(self.photos[:SAMPLE])
        first = self.annotations[np.argsort(self.annotation_places)[:SAMPLE]]
        content["annotations"] = self._read(first)
        return Field(str(self.path), None, "", content)

    def _read(self, spans: Sequence[Int64[np.ndarray, " 2"]] | Int64[np.ndarray, "n 2"]) -> list[Any]:
        found = []
        try:
            with self.path.open("rb") as stream:
                for start, end in spans:
                    stream.seek(int(start))
                    found.append(json.loads(stream.read(int(end - start))))
        except OSError as error:
            raise InputError(str(self.path), "file", f"cannot be read ({error.strerror})", "expected JSON") from error
        except ValueError as error:
            expected = "expected the file to stay as it was while it is read, in UTF-8"
            raise InputError(str(self.path), "file", f"is not JSON ({error})", expected) from error
        return found


ARRAYS = frozenset(part.name for part in fields(JsonIndex)) - {"path", "head"}


def _arrays(path: Path, progress: Progress | None) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    photos, annotations, order = _Column("id"), _Column("image_id", "id"), _Column("image_id")
    columns: dict[str, Entries] = {"images": photos.add, "annotations": annotations.add, "order": order.add}
    head = walk(path, columns, progress)
    for name in ("images", "annotations"):
        if name in head or name not in head.get("", ()):
            found = "is missing" if name not in head else "is no list"
            raise InputError(str(path), name, found, "expected a list")
    head.pop("")
    ids = photos.ids("id")
    _no_id_twice(path, "images", ids)
    _no_id_twice(path, "annotations", annotations.ids("id"))
    rows, first = _by_photo(path, "annotations", annotations.ids("image_id"), ids)
    edges, first_edge = _by_photo(path, "order", order.ids("image_id"), ids)
    return {
        "photo_ids": ids,
        "photos": photos.spans(),
        "annotations": annotations.spans()[rows],
        "annotation_places": rows,
        "first_annotation": first,
        "order": order.spans()[edges],
        "order_places": edges,
        "first_order": first_edge,
    }, head


class _Column:
    """Gathers the ids and byte ranges of one list's entries."""

    def __init__(self, needed: str, wanted: str = "") -> None:
        self._keys = (needed, wanted) if wanted else (needed,)
        self._found = {key: array("q") for key in self._keys}  # lists would take five times the memory
        self._spans = array("q")

    def add(self, field: Field, start: int, end: int) -> None:
        value = field.object()
        for place, key in enumerate(self._keys):
            number = value.get(key)
            if place and number is None:  # an annotation may go without an id of its own
                number = -(2**62) - len(self._spans) // 2
            elif type(number) is not int or abs(number) >= 2**62:
                number = field[key].integer(1 - 2**62, 2**62 - 1)
            self._found[key].append(number)
        self._spans.extend((start, end))

    def ids(self, key: str) -> Int64[np.ndarray, " n"]:
        return np.array(self._found[key], np.int64)

    def spans(self) -> Int64[np.ndarray, "n 2"]:
        return np.array(self._spans, np.int64).reshape(-1, 2)


def _no_id_twice(path: Path, name: str, ids: Int64[np.ndarray, " n"]) -> None:
    places = np.argsort(ids, kind="stable")
    again = places[1:][ids[places[1:]] == ids[places[:-1]]]
    if again.size:
        place = int(again.min())
        raise InputError(str(path), f"{name}[{place}].id", f"is {int(ids[place])} again", "expected unique ids")


def _by_photo(
    path: Path, name: str, owners: Int64[np.ndarray, " n"], photo_ids: Int64[np.ndarray, " photos"]
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " photos_and_one"]]:
    """Places of the entries sorted by photo (and as in the file within one), and where each photo's begin."""
    by_id = np.argsort(photo_ids)
    place = np.searchsorted(photo_ids[by_id], owners)
    known = place < len(photo_ids)
    known[known] = photo_ids[by_id][place[known]] == owners[known]
    if not known.all():
        first = int(np.flatnonzero(~known)[0])
        expected = f"expected an id among the {len(photo_ids)} of images"
        raise InputError(str(path), f"{name}[{first}].image_id", f"is {int(owners[first])}", expected)
    photo = by_id[place]
    rows = np.argsort(photo, kind="stable")
    starts = np.searchsorted(photo[rows], np.arange(len(photo_ids) + 1))
    return rows.astype(np.int64), starts.astype(np.int64)
