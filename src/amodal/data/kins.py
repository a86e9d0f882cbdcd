"""KINS annotation files read: whole and visible mask of every object, and the order of each cluster.

Two layouts are in the wild. 2019: `segmentation` and `bbox` are of the whole object, `inmodal_seg` and
`inmodal_bbox` of its visible part. 2020: `a_segm`, `a_bbox` and `i_segm`, `i_bbox`, and the order as `oco_id` (the
cluster an object belongs to) and `ico_id` (its place in it, 0 in front). Masks are polygons or RLE in both. Files
have seven or eight classes; the photos are KITTI's, in `testing/image_2` or `training/image_2`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

from amodal.data.checks import box_problem
from amodal.data.clusters import modal_masks
from amodal.data.coco import XYWH_EXPECTED, file_name_of, mask_of, side_px, size_of
from amodal.data.fields import Field
from amodal.data.kins_folder import parts_of
from amodal.data.truth import Truth, read_truth
from amodal.errors import InputError, NoSplits
from amodal.masks import CropMask
from amodal.scene import XYXY, Instance, OrderEdge, OrderGraph, Scene

CLASSES = {
    1: "cyclist",
    2: "pedestrian",
    3: "person-sitting",
    4: "car",
    5: "tram",
    6: "truck",
    7: "van",
    8: "misc",
}
"""For files that do not name their classes; 3 stands in files of eight classes only."""

PHOTO_FOLDERS = ("", "images", "image_2", "testing/image_2", "training/image_2")


@dataclass(frozen=True)
class Layout:
    """Which fields of an annotation hold the whole object's mask and box, its visible mask, its number in the order.

    Without `number` the order is what the masks say. `left_out_if_whole`: what nothing hides may lack a visible mask.
    """

    whole: str
    box: str
    visible: str
    number: str | None = None
    left_out_if_whole: bool = False


LAYOUT_2019 = Layout("segmentation", "bbox", "inmodal_seg")
LAYOUT_2020 = Layout("a_segm", "a_bbox", "i_segm", "ico_id")

Objects = Sequence[tuple[Instance, Field]]
OrderOf = Callable[[Objects], Sequence[OrderEdge]]


def read_kins_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """Everything is known, but what is visible in photos of which no object has a visible mask.

    There 2020's order gives what stands in the visible mask's place: a common pixel is the front object's. Objects
    overlap where their whole masks do.

    2020's order is read from the file. 2019 has none, so it is what the masks say: of two objects that overlap, the
    one that shows more of the common pixels is in front. Visible masks are cut at the whole ones: the two were
    drawn apart and may differ by a pixel at the border.

    Raises:
        InputError: naming the file and the field.
    """
    first = next(root["annotations"].items(), None)
    is_2020 = first is not None and first.get("a_segm") is not None
    layout, order = (LAYOUT_2020, _order_of_clusters) if is_2020 else (LAYOUT_2019, order_by_masks)
    return read_layout(root, images, split, layout, order)


def read_kins_folder(folder: Path, images: Path | None, split: str | None) -> list[Truth]:
    """KINS as it is downloaded: the photos of a split; without one, of all splits that are there.

    Raises:
        InputError: no such split, its photos are missing, or its file is broken.
    """
    parts = parts_of(folder, split)
    # read_truth goes photo by photo, as the files are large
    return [truth for part in parts for truth in read_truth(part.annotations, images=part.photos_or(images))]


def read_layout(root: Field, images: Path | None, split: str | None, layout: Layout, order_of: OrderOf) -> list[Truth]:
    """Truths from COCO JSON whose annotations have two masks, for any names of the fields."""
    photos = _photos(root, split)
    names = _class_names(root)
    objects: dict[int, list[tuple[Instance, Field]]] = {photo_id: [] for photo_id in photos}
    crowds: dict[int, list[CropMask]] = {photo_id: [] for photo_id in photos}
    left_out = {image["id"].integer() for image in root["images"].items()} - photos.keys()
    seen: set[int] = set()
    for annotation in root["annotations"].items():
        photo_id, number = annotation["image_id"].integer(), annotation["id"].integer()
        if number in seen:
            raise annotation["id"].error(f"is {number} again", "unique ids")
        seen.add(number)
        if photo_id in left_out:
            continue
        if photo_id not in photos:
            raise annotation["image_id"].error(f"is {photo_id}", f"an id among the {len(photos)} of images")
        photo = photos[photo_id]
        crowd = annotation.get("iscrowd")
        if crowd is not None and crowd.flag():
            crowds[photo_id].append(_mask(annotation[layout.whole], photo))
        else:
            objects[photo_id].append((_instance(annotation, photo, names, layout), annotation))
    folder = photo_folder(root.file, images, [file_name_of(photo["file_name"]) for photo in photos.values()])
    classes = frozenset(names.values())
    return [
        _truth(photo, folder, objects[photo_id], crowds[photo_id], order_of, classes, layout)
        for photo_id, photo in photos.items()
    ]


def order_by_masks(objects: Objects) -> list[OrderEdge]:
    """Of two objects whose whole masks overlap, the one that shows more of the common pixels is in front."""
    edges = []
    for (one, _), (other, _) in overlapping(objects):
        common = one.amodal.intersection(other.amodal)
        shown, shown_of_other = common.intersection_area(one.modal), common.intersection_area(other.modal)
        if shown != shown_of_other:
            front, behind = (one, other) if shown > shown_of_other else (other, one)
            edges.append(OrderEdge(front.id, behind.id))
    return edges


def overlapping(objects: Objects) -> list[tuple[tuple[Instance, Field], tuple[Instance, Field]]]:
    """All pairs whose whole masks share a pixel."""
    return [
        (first, second)
        for first, second in combinations(objects, 2)
        if first[0].amodal.intersection_area(second[0].amodal)
    ]


def photo_folder(file: str, images: Path | None, names: Sequence[str]) -> Path:
    """Where the photos are: in `images` or beside the file, in KITTI's folders or plain; else what was said.

    KITTI's folders have files of the same names. A file that says by its own name to belong to training gets those.
    """
    is_training = "train" in Path(file).name
    inside_first = sorted(PHOTO_FOLDERS, key=lambda inside: is_training and inside.startswith("testing"))
    starts = [images] if images is not None else [Path(file).parent, Path(file).parent.parent]
    some = names[:1]
    for start in starts:
        for inside in inside_first:
            if all((start / inside / name).is_file() for name in some):
                return start / inside
    return starts[0]


def _order_of_clusters(objects: Objects) -> list[OrderEdge]:
    """`ico_id` within a cluster `oco_id`; objects of one number do not hide each other."""
    edges = []
    for (one, first), (other, second) in overlapping(objects):
        clusters, places = ([said.get(key) for said in (first, second)] for key in ("oco_id", "ico_id"))
        if None in clusters or None in places:
            continue
        cluster, cluster_of_other = (said.integer() for said in clusters if said is not None)
        place, place_of_other = (said.integer(0) for said in places if said is not None)
        if cluster == cluster_of_other and place != place_of_other:
            front, behind = (one, other) if place < place_of_other else (other, one)
            edges.append(OrderEdge(front.id, behind.id))
    return edges


def _photos(root: Field, split: str | None) -> dict[int, Field]:
    """Id -> description, of the split where one is asked for."""
    found: dict[int, Field] = {}
    has_splits = False
    seen: set[int] = set()
    for image in root["images"].items():
        number, own = image["id"].integer(), image.get("split")
        if number in seen:
            raise image["id"].error(f"is {number} again", "unique ids")
        seen.add(number)
        has_splits |= own is not None
        if split is None or (own is not None and own.text() == split):
            found[number] = image
    if split is not None and not has_splits:
        raise NoSplits(root.file, root["images"].name, "have no splits", "expected no --split")
    return found


def _class_names(root: Field) -> dict[int, str]:
    listed = root.get("categories")
    if listed is None:
        return dict(CLASSES)
    return {entry["id"].integer(): entry["name"].text() for entry in listed.items()}


def _truth(
    photo: Field,
    folder: Path,
    objects: Objects,
    crowds: Sequence[CropMask],
    order_of: OrderOf,
    classes: frozenset[str],
    layout: Layout,
) -> Truth:
    name = file_name_of(photo["file_name"])
    instances = tuple(instance for instance, _ in objects)
    order = OrderGraph(tuple(order_of(objects)))
    knows = _known(objects, layout)
    if "modal" not in knows:
        seen = modal_masks({one.id: one.amodal for one in instances}, order)
        instances = tuple(replace(one, modal=seen[one.id]) for one in instances)
    height, width = size_of(photo)
    scene = Scene(
        height=height,
        width=width,
        instances=instances,
        order=order,
        image=name,
        exclusive=False,  # visible masks were drawn by hand, one by one
    )
    return Truth(
        scene.validate(),
        folder / name,
        knows=knows,
        ignore=tuple(crowds),
        classes=classes,
    )


def _known(objects: Objects, layout: Layout) -> frozenset[str]:
    """What a photo says of its objects; visible masks have all or none.

    Raises:
        InputError: some have none, so that nobody can tell whether they are hidden.
    """
    without = [fields for _, fields in objects if fields.get(layout.visible) is None]
    if not without or layout.left_out_if_whole:
        return frozenset({"modal", "amodal", "order", "boxes"})
    if len(without) < len(objects):
        others = f"a mask, as {len(objects) - len(without)} other objects of the photo have one"
        raise Field(without[0].file, without[0], layout.visible, None).error("is missing", others)
    has_numbers = layout.number is not None and all(fields.get(layout.number) is not None for fields in without)
    return frozenset({"amodal", "boxes", "order"} if has_numbers else {"amodal", "boxes"})


def _instance(annotation: Field, photo: Field, names: dict[int, str], layout: Layout) -> Instance:
    category = annotation["category_id"].integer()
    if category not in names:
        known = ", ".join(map(str, sorted(names)))
        raise annotation["category_id"].error(f"is {category}", f"one of the classes {known}")
    whole = _mask(annotation[layout.whole], photo)
    if whole.is_empty:
        raise annotation[layout.whole].error("covers no pixel of the photo", "a mask")
    visible = annotation.get(layout.visible)
    modal = whole if visible is None else _mask(visible, photo)
    return Instance(
        id=annotation["id"].integer(),
        label=names[category],
        box=_box(annotation[layout.box], photo),
        score=1.0,
        modal=whole if modal == whole else modal.intersection(whole),
        amodal=whole,
    )


def _mask(segmentation: Field, photo: Field) -> CropMask:
    size = size_of(photo)
    outlines = segmentation.value
    if isinstance(outlines, list):
        # Masks turned to outlines leave fragments of one or two corners; they cover nothing.
        kept = [outline for outline in outlines if not (isinstance(outline, list) and len(outline) in (2, 4))]
        if len(kept) < len(outlines):
            segmentation = Field(segmentation.file, segmentation.parent, segmentation.key, kept)
    return mask_of(segmentation, *size)


def _box(bbox: Field, photo: Field) -> XYXY:
    x, y, width, height = bbox.numbers(4, XYWH_EXPECTED)
    box = (x, y, x + width, y + height)
    problem = box_problem(box, side_px(photo, "width"), side_px(photo, "height"))
    if problem is not None:
        raise InputError(os.fspath(bbox.file), bbox.name, *problem)
    return box
