"""Photos of a data set one by one, each with all that its file says of it, known to us or not.

A reader makes a `Source`, a writer takes its entries. What a format has no words for stays in `AsRead` beside the
`Truth`; a writer of the same format puts it back, so that nothing is lost on the way.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.scene import Instance, Scene

Fields = Mapping[str, Any]


class Codes(NamedTuple):
    """The masks of an object as their file writes them: RLE or polygons, None where it says nothing."""

    whole: Any = None
    visible: Any = None


@dataclass(frozen=True)
class Head:
    """What a file says once.

    Attributes:
        format: its name, see `amodal.data.formats`.
        classes: id -> name, where the format numbers classes.
        fields: everything at the top of the file but the lists of photos and objects.
    """

    format: str
    classes: Mapping[int, str] = field(default_factory=dict)
    fields: Fields = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class AsRead:
    """What a photo's part of a file looked like.

    Attributes:
        format: the file's.
        truth: what the reader made of it; what a writer finds unchanged it writes as it was.
        photo: the fields of the photo.
        objects: instance id -> the fields of the object.
        regions: the fields of what `truth.ignore` holds.
        codes: instance id -> its masks as written.
        own, own_photo: names of fields with a meaning in this format; all others are of no known meaning.
    """

    format: str
    truth: Truth
    photo: Fields
    objects: Mapping[int, Fields]
    regions: tuple[Fields, ...] = ()
    codes: Mapping[int, Codes] = field(default_factory=dict)
    own: frozenset[str] = frozenset()
    own_photo: frozenset[str] = frozenset()

    @cached_property
    def instances(self) -> Mapping[int, Instance]:
        """Instance id -> the object as read."""
        return {one.id: one for one in self.truth.scene.instances}


@dataclass(frozen=True, eq=False)
class Entry:
    """A photo: what is true about it, and how its file said so (None for what was made here)."""

    truth: Truth
    read: AsRead | None = None

    @property
    def scene(self) -> Scene:
        """The scene of the truth."""
        return self.truth.scene

    @property
    def name(self) -> str:
        """The file name of the photo.

        Raises:
            InputError: it has none.
        """
        if not self.scene.image:
            raise InputError("photo", "image", "has no name", "expected the name of its file")
        return self.scene.image

    @property
    def flat_name(self) -> str:
        """The same without ending, folders joined by `_`: for formats that want one file a photo.

        Raises:
            InputError: it has none.
        """
        parts = Path(self.name).with_suffix("").parts if Path(self.name).name else ()
        name = "_".join(part for part in parts if part not in ("/", "..", "."))
        if not name:
            raise InputError("photo", "image", "has no name", "expected the name of its file")
        return name

    def fields_of(self, instance: Instance) -> Fields:
        """All fields of an object as read."""
        return {} if self.read is None else self.read.objects.get(instance.id, {})

    def foreign_fields(self, instance: Instance) -> Fields:
        """Those fields of an object that its format gives no meaning to; for what was made here, its `meta`."""
        if self.read is None:
            return {"meta": dict(instance.meta)} if instance.meta else {}
        return {key: value for key, value in self.fields_of(instance).items() if key not in self.read.own}

    def foreign_photo_fields(self) -> Fields:
        """The same of the photo."""
        if self.read is None:
            return {}
        return {key: value for key, value in self.read.photo.items() if key not in self.read.own_photo}

    def before(self, instance: Instance) -> Instance | None:
        """The object as it was read, or None."""
        if self.read is None or instance.id not in self.read.objects:
            return None
        return self.read.instances.get(instance.id)

    def codes(self, instance: Instance) -> Codes:
        """The masks of an object as written, as far as they are still its masks."""
        before = self.before(instance)
        if self.read is None or before is None:
            return Codes()
        codes = self.read.codes.get(instance.id, Codes())
        return Codes(
            codes.whole if instance.amodal == before.amodal else None,
            codes.visible if instance.modal == before.modal else None,
        )


class Source(Protocol):
    """A data set that gives its photos one by one, in any sequence, without holding the others."""

    @property
    def head(self) -> Head:
        """What the file says once."""

    def __len__(self) -> int: ...

    def __getitem__(self, number: int, /) -> Entry: ...


def entries_of(source: Source) -> Iterator[Entry]:
    """All entries, one at a time."""
    return (source[number] for number in range(len(source)))
