"""KITTI's object labels photo by photo, and written: a line for each box; what a line said before stays as it was."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from amodal.data.entries import AsRead, Entry, Head, Source
from amodal.data.kitti import refuse_split, truth_of_file
from amodal.data.kitti_folder import LABEL_FOLDERS, label_files, label_lines, photo_folder
from amodal.data.losses import Losses, note_fields, note_ids, note_losses, note_order, note_photo_id, place_of
from amodal.data.write import new_folder, writing_to
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance

FORMAT = "kitti"
SAYS = frozenset({"whole box", "score", "ignore", "order"})
NAMES = {"dontcare": "DontCare", "person-sitting": "Person_sitting"}
_UNKNOWN_PLACE = "-1 -1 -1 -1000 -1000 -1000 -10"
_PARTLY, _LARGELY = 0.01, 0.5


def open_kitti(folder: Path, images: Path | None, split: str | None) -> Source:
    """The photos of a folder of labels, one by one."""
    refuse_split(folder, split)
    return _KittiSource(tuple(label_files(folder)), images or photo_folder(folder) or folder)


@dataclass(frozen=True, eq=False)
class _KittiSource:
    files: tuple[Path, ...]
    photos: Path

    @property
    def head(self) -> Head:
        return Head(FORMAT)

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, number: int, /) -> Entry:
        file = self.files[number]
        truth = truth_of_file(file, self.photos)
        lines = dict(enumerate(label_lines(file), start=1))
        objects = {one.id: {"kitti": lines[one.id]} for one in truth.scene.instances}
        regions = [{"kitti": line} for line in lines.values() if line.split()[:1] == ["DontCare"]]
        fields = {"lines": list(lines.values())}
        return Entry(truth, AsRead(FORMAT, truth, fields, objects, tuple(regions), own_photo=frozenset(fields)))


def write_kitti(entries: Iterable[Entry], head: Head, out: Path, losses: Losses) -> None:
    """Write `out/label_2/NAME.txt` for every photo; the photos themselves belong into `out/image_2`.

    Truncation, angles, sizes and places in space get KITTI's values for "unknown". Without a state read from KITTI,
    `occluded` is 0 below 1 % hidden, 1 below half, else 2, and 3 where the masks do not tell.

    Raises:
        InputError: `out` is there already, two photos of one name, a name that is no file's.
    """
    with new_folder(out) as building:
        labels = building / LABEL_FOLDERS[0]
        with writing_to(out, "folder"):
            labels.mkdir()
        for entry in entries:
            file = labels / f"{entry.flat_name}.txt"
            if file.exists():
                raise InputError(os.fspath(out), str(entry.scene.image), "two photos of this name", "expected one")
            lines = _lines(entry, losses)
            with writing_to(out, "folder"):
                file.write_text("".join(line + "\n" for line in lines), encoding="ascii")


def _lines(entry: Entry, losses: Losses) -> list[str]:
    read = entry.read if entry.read is not None and entry.read.format == FORMAT else None
    if read is not None and entry.truth == read.truth:
        return list(read.photo["lines"])
    lines = [_line(entry, one, losses) for one in entry.scene.instances]
    regions = entry.read.regions if entry.read is not None and entry.read.truth.ignore == entry.truth.ignore else ()
    for number, mask in enumerate(entry.truth.ignore):
        before = regions[number].get("kitti") if number < len(regions) else None
        lines.append(before if isinstance(before, str) and _covers(before, mask) else _ignored(entry, mask, losses))
    if read is None:
        says = SAYS if "modal" not in entry.truth.knows or entry.scene.boxes_are == "amodal" else SAYS | {"visible box"}
        note_losses(entry, says, losses)
        note_fields(entry, losses, of_objects={"kitti"})
        note_photo_id(entry, losses)
        note_ids(entry, {one.id: line for line, one in enumerate(entry.scene.instances, start=1)}, losses)
        note_order(entry, _order_said(entry), losses)
    return lines


def _line(entry: Entry, one: Instance, losses: Losses) -> str:
    line = entry.fields_of(one).get("kitti")
    if isinstance(line, str) and _still_holds(line, one):
        return line
    name = NAMES.get(one.label, one.label.capitalize())
    name = "_".join(name.encode("ascii", "replace").decode().split()) or "Misc"
    if name.lower().replace("_", "-") != one.label:
        losses.note("the exact name of a class", place_of(entry, one))
    box = " ".join(f"{side:.2f}" for side in one.box)
    if any(round(side, 2) != side for side in one.box):
        losses.note("boxes beyond two places", place_of(entry, one))
    rest = f"{box} {_UNKNOWN_PLACE}"
    score = "" if one.score == 1 else f" {one.score:.6g}"
    return f"{name} -1 {_occluded(entry, one)} -10 {rest}{score}"


def _still_holds(line: str, one: Instance) -> bool:
    """Whether a line says this class and box: other formats carry it along, and there both may have been changed."""
    box = _box_in(line)
    near = box is not None and all(abs(said - is_now) < 1e-6 for said, is_now in zip(box, one.box, strict=True))
    return near and line.split(maxsplit=1)[0].lower().replace("_", "-") == one.label


def _covers(line: str, mask: CropMask) -> bool:
    box = _box_in(line)
    return box is not None and CropMask.from_box(box, mask.height, mask.width) == mask


def _box_in(line: str) -> tuple[float, ...] | None:
    try:
        box = tuple(float(value) for value in line.split()[4:8])
    except ValueError:
        return None
    return box if len(box) == 4 and all(map(math.isfinite, box)) else None


def _occluded(entry: Entry, one: Instance) -> int:
    if not {"modal", "amodal"} <= entry.truth.knows:
        return 3
    return 0 if one.occlusion < _PARTLY else 1 if one.occlusion < _LARGELY else 2


def _ignored(entry: Entry, mask: CropMask, losses: Losses) -> str:
    x0, y0, x1, y1 = mask.box
    if mask.is_empty:
        losses.note("a region to ignore without a pixel", place_of(entry))
        x0, y0, x1, y1 = 0, 0, 1, 1
    elif mask.area != (x1 - x0) * (y1 - y0):
        losses.note("the outline of a region to ignore", f"{place_of(entry)}: {mask.box}")
    return f"DontCare -1 -1 -10 {x0:.2f} {y0:.2f} {x1:.2f} {y1:.2f} {_UNKNOWN_PLACE}"


def _order_said(entry: Entry) -> set[tuple[int, int]]:
    """Of boxes that overlap, one in plain sight is before one that is not."""
    found = set()
    boxes = {one.id: CropMask.from_box(one.box, entry.scene.height, entry.scene.width) for one in entry.scene.instances}
    for one in entry.scene.instances:
        for other in entry.scene.instances:
            states = _occluded(entry, one), _occluded(entry, other)
            if states[0] == 0 < states[1] <= 2 and boxes[one.id].intersection_area(boxes[other.id]):
                found.add((one.id, other.id))
    return found
