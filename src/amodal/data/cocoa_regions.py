"""COCOA's own layout, which BSDS-A has too: an annotation is all that one annotator drew on a photo.

Its `regions` have `segmentation` (one polygon, of the whole object), `name`, `isStuff`, `order` (1 is in front),
`occlude_rate`, and where something is hidden `visible_mask` and `invisible_mask` (RLE). Classes there are none. A photo
drawn by several annotators is several truths. `depth_constraint` is carried along unread: `order` says the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amodal.data.coco import file_name_of, mask_of, size_of
from amodal.data.entries import AsRead, Codes, Entry, Head, Source
from amodal.data.fields import Field
from amodal.data.index import JsonIndex
from amodal.data.kins import photo_folder
from amodal.data.truth import Truth
from amodal.errors import NoSplits
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

FORMAT, LABEL = "cocoa-regions", "object"
OWN = frozenset({"segmentation", "area", "isStuff", "occlude_rate", "order", "visible_mask", "invisible_mask"})
OWN_PHOTO = frozenset({"id", "file_name", "width", "height"})


def read_regions_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """Everything is known but classes; stuff is `unscored`. An object's id is the place of its region, from 1.

    Where a region has no mask of its visible part, what is in front of it by `order` is taken away.

    Raises:
        InputError: naming the file and the field.
    """
    if split is not None:
        raise NoSplits(root.file, root["images"].name, "have no splits", "expected no --split")
    photos: dict[int, list[Field]] = {}
    for annotation in root["annotations"].items():
        photos.setdefault(annotation["image_id"].integer(), []).append(annotation)
    truths = []
    for image in root["images"].items():
        drawn: Sequence[Field | None] = photos.pop(image["id"].integer(), []) or [None]
        truths += [truth_of(image, annotation, images) for annotation in drawn]
    for number, lost in photos.items():
        raise lost[0]["image_id"].error(f"is {number}", f"an id among the {len(truths)} of images")
    return truths


def truth_of(image: Field, annotation: Field | None, images: Path | None) -> Truth:
    """What one annotator (None: nobody) says of a photo."""
    name, size = file_name_of(image["file_name"]), size_of(image)
    regions = [] if annotation is None else list(annotation["regions"].items())
    wholes = [_whole(region, size) for region in regions]
    places = [region["order"].integer() for region in regions]
    instances, unscored = [], set()
    for number, (region, whole) in enumerate(zip(regions, wholes, strict=True), start=1):
        in_front = [w for w, place in zip(wholes, places, strict=True) if place < places[number - 1]]
        visible = _visible(region, whole, in_front)
        stuff = region.get("isStuff")
        if stuff is not None and stuff.flag():
            unscored.add(number)
        x0, y0, x1, y1 = whole.box
        instances.append(Instance(number, LABEL, (x0, y0, x1, y1), 1.0, visible, whole))
    scene = Scene(
        *size, tuple(instances), OrderGraph(tuple(_edges(instances, places))), image=name, exclusive=False
    ).validate()
    return Truth(
        scene,
        photo_folder(image.file, images, [name]) / name,
        knows=frozenset({"modal", "amodal", "order", "boxes"}),
        unscored=frozenset(unscored),
        classes=frozenset({LABEL}),
    )


def open_regions(index: JsonIndex, images: Path | None, split: str | None) -> Source:
    """The photos of an indexed file, one by one, each as often as it was drawn."""
    if split is not None:
        raise NoSplits(str(index.path), "images", "have no splits", "expected no --split")
    drawn = [max(1, int(index.first_annotation[i + 1] - index.first_annotation[i])) for i in range(len(index))]
    return _RegionsSource(index, images, tuple((i, k) for i, count in enumerate(drawn) for k in range(count)))


@dataclass(frozen=True, eq=False)
class _RegionsSource:
    """One entry for each photo and annotator."""

    index: JsonIndex
    images: Path | None
    places: tuple[tuple[int, int], ...]

    @property
    def head(self) -> Head:
        return Head(FORMAT, {1: LABEL}, self.index.head)

    def __len__(self) -> int:
        return len(self.places)

    def __getitem__(self, number: int, /) -> Entry:
        photo, drawing = self.places[number]
        rows = self.index.rows(photo)
        annotation = None
        if rows.annotations:
            own = rows.annotations[drawing].get("id")
            place = f"annotations[{rows.annotation_places[drawing]}]" + ("" if own is None else f" (id {own})")
            annotation = Field(rows.image.file, None, place, rows.annotations[drawing])
        truth = truth_of(rows.image, annotation, self.images)
        regions: list[dict[str, Any]] = [] if annotation is None else list(annotation.value["regions"])
        read = AsRead(
            format=FORMAT,
            truth=truth,
            photo={**rows.image.value, "annotation": None if annotation is None else annotation.value},
            objects=dict(enumerate(regions, start=1)),
            codes={number: _codes(region) for number, region in enumerate(regions, start=1)},
            own=OWN | {"id", "image_id"},
            own_photo=OWN_PHOTO | {"annotation"},
        )
        return Entry(truth, read)


def _whole(region: Field, size: tuple[int, int]) -> CropMask:
    mask = mask_of(_outlines(region["segmentation"]), *size)
    if mask.is_empty:
        raise region["segmentation"].error("covers no pixel of the photo", "a mask")
    return mask


def _outlines(segmentation: Field) -> Field:
    """A single polygon stands there without the list around it."""
    value = segmentation.value
    if isinstance(value, list) and not (value and isinstance(value[0], list)):
        return Field(segmentation.file, segmentation.parent, segmentation.key, [value])
    return segmentation


def _visible(region: Field, whole: CropMask, in_front: Sequence[CropMask]) -> CropMask:
    size = whole.height, whole.width
    visible, invisible = region.get("visible_mask"), region.get("invisible_mask")
    if visible is not None:
        return mask_of(_outlines(visible), *size).intersection(whole)
    if invisible is not None:
        return whole.subtract(mask_of(_outlines(invisible), *size))
    rate = region.get("occlude_rate")
    if rate is not None and rate.number() == 0:
        return whole
    for other in in_front:
        whole = whole.subtract(other)
    return whole


def _edges(instances: Sequence[Instance], places: Sequence[int]) -> list[OrderEdge]:
    edges = []
    for i, one in enumerate(instances):
        for j in range(i):
            if places[i] != places[j] and one.amodal.intersection_area(instances[j].amodal):
                front, behind = (i, j) if places[i] < places[j] else (j, i)
                edges.append(OrderEdge(front + 1, behind + 1))
    return edges


def _codes(region: dict[str, Any]) -> Codes:
    whole = _outlines(Field("", None, "", region.get("segmentation"))).value
    return Codes(whole, region.get("visible_mask"))
