"""KITTI's object labels read: boxes, and of the order what occlusion states and distances say.

One text file for each photo; see `kitti_folder` for where they lie. A line is an object: type, truncated, occluded,
alpha, box x0 y0 x1 y1, height, width, length, location x y z, rotation[, score].
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from amodal.data.checks import box_problem
from amodal.data.kitti_folder import COLUMNS, SUFFIXES, label_files, label_lines, photo_folder, photo_of
from amodal.data.truth import Truth
from amodal.errors import InputError, NoSplits
from amodal.images import photo_size
from amodal.masks import CropMask
from amodal.scene import XYXY, Instance, OrderEdge, OrderGraph, Scene

NOT_OCCLUDED, LARGELY_OCCLUDED = 0, 2  # 3 says that nobody knows
LEAST_GAP_M = 1.0
_NO_PLACE_M = -1000.0


def read_kitti_truth(folder: Path, images: Path | None, split: str | None) -> list[Truth]:
    """Boxes and a weak order; masks are not known, so the scene has the boxes in their place.

    Of two objects whose boxes overlap, one in plain sight (occluded 0) is in front of a partly or largely occluded
    one (1, 2); where the states do not tell, the nearer one is, if it is nearer by a metre and more. Where both
    speak and disagree, nothing is said. `DontCare` regions are to be ignored. Classes are written small.

    Raises:
        InputError: naming file, line and column: a broken label, a label file without its photo, no label files.
    """
    refuse_split(folder, split)
    photos = images or photo_folder(folder) or folder
    return [truth_of_file(file, photos) for file in label_files(folder)]


def refuse_split(folder: Path, split: str | None) -> None:
    """There are none.

    Raises:
        NoSplits: one is asked for.
    """
    if split is not None:
        raise NoSplits(os.fspath(folder), "split", "KITTI's folders have none", "expected no --split")


@dataclass(frozen=True)
class _Object:
    instance: Instance
    occluded: int
    distance_m: float | None


def truth_of_file(file: Path, photos: Path) -> Truth:
    """What one label file says of its photo; ids are numbers of lines.

    Raises:
        InputError: as in `read_kitti_truth`.
    """
    path = photo_of(file, photos)
    if path is None:
        expected = f"expected {file.stem} as {', '.join(SUFFIXES)} in {photos}, or --images with the photos' folder"
        raise InputError(os.fspath(file), "photo", "no such file", expected)
    width, height = photo_size(path)
    objects: list[_Object] = []
    ignore: list[CropMask] = []
    for number, line in enumerate(label_lines(file), start=1):
        if not line.isascii():
            raise InputError(
                os.fspath(file), f"line {number}", f"is {line[:40]!r}", "expected KITTI's labels, in ASCII"
            )
        values = line.split()
        if not values:
            continue
        kind, box, occluded, distance = _parsed(values, f"line {number}", file, width, height)
        mask = CropMask.from_box(box, height, width)
        if kind == "dontcare":
            ignore.append(mask)
        else:
            meta = {"occluded": occluded}
            score = float(values[15]) if len(values) > 15 else 1.0
            objects.append(_Object(Instance(number, kind, box, score, mask, mask, meta=meta), occluded, distance))
    scene = Scene(
        height=height,
        width=width,
        instances=tuple(one.instance for one in objects),
        order=OrderGraph(tuple(_order(objects))),
        image=path.name,
        exclusive=False,
    )
    return Truth(
        scene.validate(),
        path,
        knows=frozenset({"boxes", "order"}),
        ignore=tuple(ignore),
        classes=frozenset(
            {"car", "van", "truck", "pedestrian", "person-sitting", "cyclist", "tram", "misc"}
            | {one.instance.label for one in objects}
        ),
    )


def _parsed(
    values: Sequence[str], line: str, file: Path, width: int, height: int
) -> tuple[str, XYXY, int, float | None]:
    """(class, box, occlusion state, distance in metres if it is known)."""
    where = os.fspath(file)
    if len(values) not in COLUMNS:
        raise InputError(where, line, f"has {len(values)} columns", "expected 15, or 16 with a score")
    numbers = []
    for column, text in enumerate(values[1:], start=2):
        try:
            numbers.append(float(text))
        except ValueError as error:
            raise InputError(where, f"{line}, column {column}", f"is {text[:40]!r}", "expected a number") from error
    box = (numbers[3], numbers[4], numbers[5], numbers[6])
    problem = box_problem(box, width, height)
    if problem is not None:
        raise InputError(where, f"{line}: box", *problem)
    kind = values[0].lower().replace("_", "-")
    if kind == "dontcare":
        return kind, box, 3, None
    if numbers[1] not in (0, 1, 2, 3):
        raise InputError(where, f"{line}, column 3: occluded", f"is {values[2]}", "expected 0, 1, 2 or 3")
    distance = numbers[12]
    return kind, box, int(numbers[1]), distance if distance > _NO_PLACE_M else None


def _order(objects: Sequence[_Object]) -> list[OrderEdge]:
    edges = []
    for first, second in combinations(objects, 2):
        if not first.instance.amodal.intersection_area(second.instance.amodal):
            continue
        said = {_by_state(first, second), _by_distance(first, second)} - {0}
        if len(said) == 1:
            front, behind = (first, second) if said.pop() > 0 else (second, first)
            edges.append(OrderEdge(front.instance.id, behind.instance.id))
    return edges


def _by_state(first: _Object, second: _Object) -> int:
    """1 where the first is in plain sight and the second is not, -1 the other way round, else 0."""
    if max(first.occluded, second.occluded) > LARGELY_OCCLUDED:
        return 0
    return (second.occluded > NOT_OCCLUDED) - (first.occluded > NOT_OCCLUDED)


def _by_distance(first: _Object, second: _Object) -> int:
    """1 where the first is nearer, -1 where the second is, 0 where that is not clear."""
    if first.distance_m is None or second.distance_m is None:
        return 0
    gap = second.distance_m - first.distance_m
    return 0 if abs(gap) < LEAST_GAP_M else 1 if gap > 0 else -1
