"""What is known to be true about photos, read from any annotated file for evaluation."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from amodal.data.coco import coco_objects, mask_of, photo_folder, size_of
from amodal.data.fields import Field, read_json
from amodal.data.kins_folder import is_kins_folder
from amodal.data.kitti_folder import is_kitti_folder
from amodal.data.parts import is_parts_folder
from amodal.data.results import scenes_of
from amodal.errors import InputError, NoSplits
from amodal.imports import imported
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

OUR_FILE = "scenes.json"
LARGE = 2**26  # bytes from which on a file is not parsed as one


@dataclass(frozen=True)
class Truth:
    """What is known about one photo.

    Attributes:
        scene: true boxes, labels, masks and order as far as they are known; where the amodal mask is not known,
            `amodal` is the modal one, and where the modal one is not, what is behind no other by the order.
        path: the photo.
        knows: of "modal", "amodal", "order" and "boxes".
        hidden: ids that stand in the scene but are given to no method and scored nowhere (unknown occluders).
        unscored: ids that methods get a box of but that no average counts (not clean, say).
        ignore: crowds and regions without annotation: AP ignores predictions inside.
        unannotated: classes that may lack annotation in this photo: AP counts no prediction of them as wrong.
        classes: all classes of the data set; with the labels of the objects, what a prediction may name.
        groups: id -> name, of objects whose averages are told apart too (by where their outlines come from, say).
    """

    scene: Scene
    path: Path | None
    knows: frozenset[str]
    hidden: frozenset[int] = frozenset()
    unscored: frozenset[int] = frozenset()
    ignore: tuple[CropMask, ...] = ()
    unannotated: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    groups: Mapping[int, str] = field(default_factory=dict)

    @property
    def given(self) -> tuple[Instance, ...]:
        """The objects that methods are given a box of."""
        return tuple(instance for instance in self.scene.instances if instance.id not in self.hidden)

    @property
    def scored(self) -> tuple[Instance, ...]:
        """The objects that averages count; those hidden by more than 90 % are not among them."""
        return tuple(one for one in self.given if one.id not in self.unscored and one.level is not None)


Reader = Callable[[Field, "Path | None", "str | None"], list[Truth]]  # parsed file, photos' folder, split

# Name -> (does this parsed file look like it?, "module:function" of its reader). The first that recognises the
# file reads it, so the most particular stand first.
FORMATS: dict[str, tuple[Callable[[Field], bool], str]] = {
    "amodal": (lambda root: _has(root, "schema_version"), "amodal.data.truth:read_our_truth"),
    "cocoa-regions": (lambda root: _objects_have(root, "regions"), "amodal.data.cocoa_regions:read_regions_truth"),
    "cocoa": (lambda root: _objects_have(root, "inmodal_seg", "order"), "amodal.data.cocoa:read_cocoa_truth"),
    "kins-2020": (lambda root: _objects_have(root, "a_segm"), "amodal.data.kins:read_kins_truth"),
    "kins-2019": (
        lambda root: _objects_have(root, "inmodal_seg") or _objects_have(root, "inmodal_bbox"),
        "amodal.data.kins:read_kins_truth",
    ),
    "d2sa": (lambda root: _objects_have(root, "visible_mask"), "amodal.data.d2sa:read_d2sa_truth"),
    "coco": (lambda root: _has(root, "annotations", "images"), "amodal.data.truth:read_coco_truth"),
}

# The same for folders: (does this folder look like it?, "module:function" taking folder, photos' folder, split).
FOLDER_FORMATS: dict[str, tuple[Callable[[Path], bool], str]] = {
    "parts": (is_parts_folder, "amodal.data.parts_convert:read_parts_truth"),
    "kins": (is_kins_folder, "amodal.data.kins:read_kins_folder"),
    "kitti": (is_kitti_folder, "amodal.data.kitti:read_kitti_truth"),
    "cityscapes": (
        lambda folder: _holds(folder, "**/*_instanceIds.png"),
        "amodal.data.cityscapes:read_cityscapes_truth",
    ),
}


def read_truth(
    path: str | os.PathLike[str], *, images: str | os.PathLike[str] | None = None, split: str | None = None
) -> list[Truth]:
    """Read the truth about photos from a file (or folder) of any format we know, which is recognised by its content.

    Args:
        path: our scenes.json (or the folder with it), or COCO JSON with visible masks; see `FORMATS`.
        images: the photos' folder; else found beside the file.
        split: only photos of this split, where the file has splits.

    Raises:
        InputError: a format we do not know, a broken file (naming the field), no photo of that split.
    """
    path, folder = Path(path), None if images is None else Path(images)
    if path.is_dir() and (path / OUR_FILE).is_file():
        path = path / OUR_FILE
    if path.is_dir():
        found = _read_folder(path, folder, split)
    elif path.is_file() and path.stat().st_size >= LARGE:
        found = _read_photo_by_photo(path, folder, split)
    else:
        root = read_json(path)
        reader = next((target for recognises, target in FORMATS.values() if recognises(root)), None)
        if reader is None:
            raise root.error("is of no format we know", f"one of {', '.join(FORMATS)}")
        found = cast(Reader, imported(reader))(root, folder, split)
    if not found:
        wanted = "at least one" if split is None else f"at least one of split {split!r}"
        raise InputError(os.fspath(path), "images", "none found", f"expected {wanted}")
    return found


def folder_format(path: Path) -> str:
    """The name in `FOLDER_FORMATS` of what a folder holds.

    Raises:
        InputError: nothing that we know.
    """
    name = next((name for name, (recognises, _) in FOLDER_FORMATS.items() if recognises(path)), None)
    if name is None:
        known = ", ".join([f"a folder with {OUR_FILE}", *FOLDER_FORMATS])
        raise InputError(os.fspath(path), "folder", "is of no format we know", f"expected {known}")
    return name


def read_our_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """Our own file: everything is known. `meta` may say of an object that it is not `known` or not `scored`."""
    if split is not None:
        raise NoSplits(root.file, root.name, "has no splits", "expected no --split")
    scenes = scenes_of(root)
    labels = frozenset(one.label for scene in scenes for one in scene.instances if _flag(root, scene, one, "known"))
    return [_our_truth(root, scene, images, labels) for scene in scenes]


def read_coco_truth(root: Field, images: Path | None, split: str | None) -> list[Truth]:
    """COCO JSON whose masks are of the visible parts.

    Where the file says which objects are seen whole (`clean` or `clean64`), the others are `unscored`: their
    level is not known. Crowds become regions to ignore; `annotated: "partial"` photos lack masks of any class.
    A file that says `masks_are: "none"` has boxes alone, which stand in the masks' place; so has a photo where no
    annotation has a mask. An annotation without one among others has an empty one, and is `unscored`.
    """
    objects = coco_objects(root, images=images)
    if split is not None and not any(photo.split for photo in objects.images):
        raise NoSplits(root.file, "images", "have no splits", "expected no --split")
    masks_are = root.get("masks_are")
    may_have_masks = masks_are is None or masks_are.one_of("visible", "none") == "visible"
    annotations = list(root["annotations"].items())
    drawn = [may_have_masks and bool(one.value.get("segmentation")) for one in annotations]
    with_masks = {int(index) for index, is_drawn in zip(objects.image_index, drawn, strict=True) if is_drawn}
    without: set[int] = set()
    descriptions = list(root["images"].items())
    instances: list[list[Instance]] = [[] for _ in objects.images]
    crowds: list[list[CropMask]] = [[] for _ in objects.images]
    flagged = objects.clean is not None or objects.clean64 is not None
    for row, annotation in enumerate(annotations):
        index = int(objects.image_index[row])
        photo, label = objects.images[index], objects.labels[row]
        if split is not None and photo.split != split:
            continue
        size = size_of(descriptions[index])
        if drawn[row]:
            mask = mask_of(annotation["segmentation"], *size)
        elif index in with_masks:
            mask = CropMask.empty(*size)
            without.add(int(objects.ids[row]))
        else:
            mask = CropMask.from_box(objects.boxes[row].tolist(), *size)
        if objects.is_crowd[row]:
            crowds[index].append(mask)
            continue
        if label is None:
            raise annotation["category_id"].error("is null", "a class")
        clean = any(flags is not None and bool(flags[row]) for flags in (objects.clean, objects.clean64))
        x0, y0, x1, y1 = objects.boxes[row].tolist()
        meta = {"clean": clean} if flagged else {}
        instances[index].append(Instance(int(objects.ids[row]), label, (x0, y0, x1, y1), 1.0, mask, mask, meta=meta))
    classes = frozenset(objects.categories)
    truths = []
    for index, (photo, description, inside, crowd) in enumerate(
        zip(objects.images, descriptions, instances, crowds, strict=True)
    ):
        if split is not None and photo.split != split:
            continue
        # Masks drawn by hand may share pixels, so this scene is not exclusive.
        height, width = size_of(description)
        has_masks = may_have_masks and (index in with_masks or not inside)
        scene = Scene(height, width, tuple(inside), boxes_are=objects.boxes_are, image=photo.file_name, exclusive=False)
        truths.append(
            Truth(
                scene,
                photo.path,
                knows=frozenset({"modal", "boxes"} if has_masks else {"boxes"}),
                unscored=frozenset(
                    one.id for one in inside if one.id in without or (flagged and not one.meta["clean"])
                ),
                ignore=tuple(crowd),
                unannotated=classes if _is_partial(description) else frozenset(),
                classes=classes,
            )
        )
    return truths


def _our_truth(root: Field, scene: Scene, images: Path | None, classes: frozenset[str]) -> Truth:
    path = None
    if scene.image:
        path = photo_folder(root.file, images, scene.image) / scene.image
    hidden = frozenset(one.id for one in scene.instances if not _flag(root, scene, one, "known"))
    unscored = frozenset(one.id for one in scene.instances if not _flag(root, scene, one, "scored")) - hidden
    return Truth(
        scene,
        path,
        knows=frozenset({"modal", "amodal", "order", "boxes"}),
        hidden=hidden,
        unscored=unscored,
        classes=classes,
    )


def _flag(root: Field, scene: Scene, instance: Instance, key: str) -> bool:
    value = instance.meta.get(key, True)
    if not isinstance(value, bool):
        where = f"{scene.image or 'scene'}: object {instance.id}: meta.{key}"
        raise InputError(root.file, where, f"is {value!r}", "expected true or false")
    return value


def _is_partial(description: Field) -> bool:
    annotated = description.get("annotated")
    return annotated is not None and annotated.one_of("full", "partial") == "partial"


def _read_photo_by_photo(path: Path, images: Path | None, split: str | None) -> list[Truth]:
    """The same truths; the parsed file, many times the size of what is wanted of it, is never held."""
    from amodal.data.entries import entries_of
    from amodal.data.formats import open_source  # both know this file

    return [entry.truth for entry in entries_of(open_source(path, images=images, split=split))]


def _read_folder(path: Path, images: Path | None, split: str | None) -> list[Truth]:
    _, target = FOLDER_FORMATS[folder_format(path)]
    return cast(Callable[[Path, "Path | None", "str | None"], list[Truth]], imported(target))(path, images, split)


def _has(root: Field, *keys: str) -> bool:
    return isinstance(root.value, dict) and all(key in root.value for key in keys)


def _objects_have(root: Field, *keys: str) -> bool:
    """Whether some annotation has these fields; the first few may lack what is not always said."""
    listed = root.value.get("annotations") if isinstance(root.value, dict) else None
    some = listed[:100] if isinstance(listed, list) else []
    return any(isinstance(one, dict) and all(key in one for key in keys) for one in some)


def _holds(folder: Path, *patterns: str) -> bool:
    return any(next(folder.glob(pattern), None) is not None for pattern in patterns)
