"""Sources: cut-outs of fully visible objects, with what was refused and why."""

from __future__ import annotations

import os
from collections import Counter, OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from amodal.data.coco import CocoBoxes, CocoImage, coco_objects, mask_of
from amodal.data.fields import Field, read_json
from amodal.errors import InputError
from amodal.images import photo_size, read_photo
from amodal.masks import CropMask

LEAST_HEIGHT_PX = 48  # below that a cut-out shows nothing when it is pasted
_MOST_KEPT_PX = 48 * 2**20  # decoded pixels of cut-outs held at once, about 190 MB


@dataclass(frozen=True)
class CutOut:
    """One object to paste: where its pixels are, and its mask in that photo."""

    id: int
    label: str
    path: Path
    mask: CropMask
    source: str = ""
    licence: str = ""

    @property
    def width(self) -> int:
        """Of the mask's box, in pixels of its photo."""
        return self.mask.box[2] - self.mask.box[0]

    @property
    def height(self) -> int:
        """Of the mask's box, in pixels of its photo."""
        return self.mask.box[3] - self.mask.box[1]


@dataclass(frozen=True)
class Refused:
    """An object or photo that is not used, and why."""

    what: str
    reason: str


@dataclass
class Sources:
    """Cut-outs by annotation id: `objects` of the known classes, `unknown` ones of other classes."""

    objects: Mapping[int, CutOut]
    unknown: Mapping[int, CutOut] = field(default_factory=dict)
    refused: tuple[Refused, ...] = ()
    _kept: OrderedDict[tuple[str, int], UInt8[np.ndarray, "h w 4"]] = field(default_factory=OrderedDict, repr=False)
    _kept_px: int = 0

    def cut_out(self, kind: str, id: int) -> CutOut:
        """The cut-out of kind `object` or `unknown` with this annotation id.

        Raises:
            InputError: there is none.
        """
        found = (self.objects if kind == "object" else self.unknown).get(id)
        if found is None:
            raise InputError(
                "sources", f"{kind} {id}", "not among the cut-outs read", "expected a record's own sources"
            )
        return found

    def pixels(self, kind: str, id: int) -> UInt8[np.ndarray, "h w 4"]:
        """Its box as RGB and mask (0 or 255); the last ones used are kept decoded."""
        key = (kind, id)
        if key in self._kept:
            self._kept.move_to_end(key)
            return self._kept[key]
        cut_out = self.cut_out(kind, id)
        x0, y0, x1, y1 = cut_out.mask.box
        photo = read_photo(cut_out.path)
        if photo.shape[:2] != (cut_out.mask.height, cut_out.mask.width):
            found = f"is {photo.shape[0]} x {photo.shape[1]} px (height x width)"
            expected = f"expected {cut_out.mask.height} x {cut_out.mask.width} as its mask"
            raise InputError(os.fspath(cut_out.path), "photo", found, expected)
        alpha = cut_out.mask.to_crop().astype(np.uint8) * 255
        rgba = np.dstack([photo[y0:y1, x0:x1], alpha])
        self._kept[key] = rgba
        self._kept_px += alpha.size
        while self._kept_px > _MOST_KEPT_PX and len(self._kept) > 1:
            self._kept_px -= self._kept.popitem(last=False)[1][:, :, 0].size
        return rgba


def read_sources(
    path: str | os.PathLike[str],
    *,
    images: str | os.PathLike[str] | None = None,
    split: str | None = None,
    classes: Collection[str] | None = None,
    unknown_path: str | os.PathLike[str] | None = None,
    unknown_images: str | os.PathLike[str] | None = None,
) -> Sources:
    """Read fully visible objects with masks from a COCO file: those flagged `clean64` or `clean`, else all.

    Args:
        path: COCO JSON with `segmentation`.
        images: folder of its photos.
        split: only photos of this split; None for all (a file without splits has one: the empty one).
        classes: known classes; None for every class of the file.
        unknown_path: COCO file to cut unknown occluders from: classes not among the known; any visible mask will do.
        unknown_images: folder of its photos; `images` where it is the same file.

    Raises:
        InputError: a broken file, ids twice, no such split or class, or no object can be used (the commonest reason).
    """
    root = read_json(path)
    boxes = coco_objects(root, images=images, bad_boxes="skip")
    _check_choice(root, "split", split, {photo.split for photo in boxes.images})
    for name in classes or ():
        _check_choice(root, "class", name, set(boxes.categories))
    known = set(boxes.categories if classes is None else classes)
    objects, refused = _cut_outs(root, boxes, split, known, whole=True)
    if not objects:
        reasons = Counter(entry.reason for entry in refused).most_common(1)
        wanted = f" of class {' or '.join(classes)}" if classes else ""
        found = f"none of {len(refused)} can be used ({reasons[0][0]})" if reasons else f"there are none{wanted}"
        raise InputError(os.fspath(path), "objects", found, "expected fully visible objects with masks")
    unknown: dict[int, CutOut] = {}
    if unknown_path is not None:
        same = os.path.realpath(unknown_path) == os.path.realpath(path)
        other = root if same else read_json(unknown_path)
        folder = images if same and unknown_images is None else unknown_images
        others = coco_objects(other, images=folder, bad_boxes="skip")
        splits = {photo.split for photo in others.images}
        strange = set(others.categories) - known
        unknown, more = _cut_outs(other, others, split if split in splits else None, strange, whole=False)
        refused += more
    return Sources(objects, unknown, tuple(refused))


def _check_choice(root: Field, what: str, wanted: str | None, found: Collection[str]) -> None:
    if wanted is not None and wanted not in found:
        there = ", ".join(sorted(found - {""} if isinstance(found, set) else found)) or "none"
        raise InputError(root.file, what, f"found no {wanted!r}", f"expected one of: {there}")


def _cut_outs(
    root: Field, boxes: CocoBoxes, split: str | None, labels: set[str], *, whole: bool
) -> tuple[dict[int, CutOut], list[Refused]]:
    """`whole`: only objects that are flagged as fully visible, where the file has such a flag."""
    flag = boxes.clean64 if boxes.clean64 is not None else boxes.clean
    annotations = {
        number if (id := item.get("id")) is None else id.integer(): item
        for number, item in enumerate(root["annotations"].items())
    }
    refused = [Refused(boxes.images[index].file_name, str(error)) for index, error in boxes.skipped]
    found: dict[int, CutOut] = {}
    sizes: dict[Path, str | tuple[int, int]] = {}
    for row, (id, index, label) in enumerate(zip(boxes.ids.tolist(), boxes.image_index, boxes.labels, strict=True)):
        photo = boxes.images[index]
        wanted = label in labels and (split is None or photo.split == split) and not boxes.is_crowd[row]
        if not wanted or (whole and flag is not None and not flag[row]):
            continue
        if boxes.boxes[row, 3] - boxes.boxes[row, 1] < LEAST_HEIGHT_PX:
            refused.append(Refused(f"annotation {id}", f"lower than {LEAST_HEIGHT_PX} px"))
            continue
        mask = _usable_mask(annotations[id], photo, sizes)
        if isinstance(mask, str):
            refused.append(Refused(f"annotation {id}", mask))
        else:
            found[id] = CutOut(id, str(label), photo.path, mask, photo.source, photo.licence)
    return found, refused


def _usable_mask(annotation: Field, photo: CocoImage, sizes: dict[Path, str | tuple[int, int]]) -> CropMask | str:
    """The mask, or why it cannot be used."""
    if photo.path not in sizes:
        try:
            sizes[photo.path] = photo_size(photo.path)
        except InputError as error:
            sizes[photo.path] = error.found or "cannot be read"
    size = sizes[photo.path]
    if isinstance(size, str):
        return f"its photo {photo.file_name}: {size}"
    width, height = size
    segmentation = annotation.get("segmentation")
    if segmentation is None:
        return "no mask"
    try:
        mask = mask_of(segmentation, photo.height or height, photo.width or width)
    except InputError as error:
        return f"broken mask: {error.found or error}"
    if (mask.height, mask.width) != (height, width):
        return f"mask of {mask.width} x {mask.height} px, photo of {width} x {height} px"
    if mask.is_empty:
        return "empty mask"
    x0, y0, x1, y1 = mask.box
    if x0 == 0 or y0 == 0 or x1 == width or y1 == height:
        return "mask touches the border of its photo"
    if y1 - y0 < LEAST_HEIGHT_PX:
        return f"lower than {LEAST_HEIGHT_PX} px"
    return mask
