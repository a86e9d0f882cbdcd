"""What is in a file, before anything is measured: counts, sizes, classes, and which fields its entries have."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

from amodal.data.entries import Source
from amodal.progress import Progress


@dataclass(frozen=True)
class Contents:
    """A file at a glance.

    Attributes:
        format: its name.
        photos, objects, ignored: photos, objects, and regions to be ignored (crowds, DontCare).
        found, missing: photos that are on the disk where they are looked for, and those that are not.
        sizes: "width × height" -> photos, the most frequent first.
        knows: what is known of every photo (boxes, modal, amodal, order) -> photos.
        classes: listed class -> objects; 0 for one that is listed and never used.
        edges: pairs of which the order is said.
        partial: photos that may lack annotations.
        fields: field of an object -> objects that have it.
        top: fields at the top of the file, beside its lists.
        first, last: names of the first and the last photo.
    """

    format: str
    photos: int
    objects: int
    ignored: int
    found: int
    missing: int
    sizes: dict[str, int]
    knows: dict[str, int]
    classes: dict[str, int]
    edges: int
    partial: int
    fields: dict[str, int]
    top: tuple[str, ...]
    first: str
    last: str

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def text(self) -> str:
        """A few lines to read."""
        photos = f"{self.photos:,}, {self.first} to {self.last}"
        photos += f"; {self.missing:,} of them not found" if self.missing else "; all found"
        lines = [
            ("format", self.format),
            ("photos", photos),
            ("sizes", _shown(self.sizes)),
            ("objects", f"{self.objects:,}, and {self.ignored:,} regions to ignore"),
            ("known", _shown(self.knows)),
            ("order", f"{self.edges:,} pairs"),
            ("classes", _shown(self.classes, 20)),
            ("fields", _shown(self.fields, 40)),
            ("at the top", ", ".join(self.top) or "nothing else"),
        ]
        if self.partial:
            lines.append(("partial", f"{self.partial:,} photos may lack annotations"))
        return "\n".join(f"{name:<11} {said}" for name, said in lines)


def contents_of(source: Source, progress: Progress | None = None) -> Contents:
    """Walk through a file once."""
    sizes: Counter[str] = Counter()
    knows: Counter[str] = Counter()
    labels: Counter[str] = Counter()
    fields: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    names: list[str] = []
    for number in range(len(source)):
        entry = source[number]
        truth, scene = entry.truth, entry.scene
        names = [*names[:1], scene.image or ""]
        sizes[f"{scene.width} × {scene.height}"] += 1
        knows[" + ".join(sorted(truth.knows)) or "nothing"] += 1
        labels.update(one.label for one in scene.instances)
        fields.update(key for one in scene.instances for key in entry.fields_of(one))
        counts["ignored"] += len(truth.ignore)
        counts["edges"] += len(scene.order.edges)
        counts["partial"] += bool(truth.unannotated)
        counts["found"] += truth.path is not None and truth.path.is_file()
        if progress is not None:
            progress("looking at photos", number + 1, len(source))
    head = source.head
    return Contents(
        format=head.format,
        photos=len(source),
        objects=labels.total(),
        ignored=counts["ignored"],
        found=counts["found"],
        missing=len(source) - counts["found"],
        sizes=dict(sizes.most_common()),
        knows=dict(knows.most_common()),
        classes={**dict(labels.most_common()), **{name: 0 for name in head.classes.values() if name not in labels}},
        edges=counts["edges"],
        partial=counts["partial"],
        fields=dict(fields.most_common()),
        top=tuple(key for key in head.fields if key != "categories"),
        first=names[0] if names else "",
        last=names[-1] if names else "",
    )


def _shown(counts: dict[str, int], most: int = 5) -> str:
    shown = [f"{name} ({count:,})" for name, count in list(counts.items())[:most]]
    rest = len(counts) - most
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "")
