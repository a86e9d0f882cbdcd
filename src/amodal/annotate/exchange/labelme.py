"""labelme's JSON, one file a photo. Shapes of one label and one group are one object."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

import numpy as np
from PIL import Image

from amodal.data.fields import Field, read_json
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, Scene

UNUSABLE = ("point", "points", "line", "linestrip")  # without an area
CIRCLE_CORNERS = 72


def is_labelme(root: Field) -> bool:
    """Whether a parsed file looks like one."""
    return isinstance(root.value, dict) and "shapes" in root.value and "imagePath" in root.value


def read_labelme(paths: Sequence[Path]) -> list[Truth]:
    """The photos, one of each file. Outlines are taken for whole objects; of who is in front labelme knows nothing.

    Raises:
        InputError: naming the file and the shape.
    """
    return [_truth(read_json(path)) for path in paths]


def _truth(root: Field) -> Truth:
    size = root["imageHeight"].integer(1), root["imageWidth"].integer(1)
    groups: dict[tuple[str, str], list[CropMask]] = {}
    for number, shape in enumerate(root["shapes"].items()):
        kind = shape.get("shape_type")
        if kind is not None and kind.value in UNUSABLE:
            continue
        joined = shape.get("group_id")
        group = f"shape {number}" if joined is None or joined.value is None else f"group {joined.value}"
        groups.setdefault((shape["label"].text(), group), []).append(_mask(shape, size))
    instances = []
    for id, ((label, _), masks) in enumerate(groups.items(), start=1):
        mask = masks[0]
        for other in masks[1:]:
            mask = mask.union(other)
        if mask.is_empty:
            raise InputError(root.file, f"shape {label!r}", "has no pixel in the photo", "expected an outline in it")
        x0, y0, x1, y1 = mask.box
        instances.append(Instance(id, label, (x0, y0, x1, y1), 1.0, mask, mask))
    scene = Scene(*size, tuple(instances), image=_name(root["imagePath"].text()), exclusive=False)
    return Truth(scene, None, knows=frozenset({"amodal", "boxes"}), classes=frozenset(one.label for one in instances))


def _mask(shape: Field, size: tuple[int, int]) -> CropMask:
    where = f"{shape.file}: {shape.name}"
    points = [point.numbers(2, "x, y") for point in shape["points"].items()]
    kind = "polygon" if (said := shape.get("shape_type")) is None else said.text()
    if kind == "polygon":
        return CropMask.from_polygons([[edge for point in points for edge in point]], *size, where=where)
    if kind not in ("rectangle", "circle", "mask") or len(points) != 2:
        raise InputError(
            where, "shape_type", f"is {kind!r} of {len(points)} points", "expected a polygon or two points"
        )
    (ax, ay), (bx, by) = points
    if kind == "circle":
        radius = float(np.hypot(bx - ax, by - ay))
        angles = np.linspace(0, 2 * np.pi, CIRCLE_CORNERS, endpoint=False)
        outline = np.stack([ax + radius * np.cos(angles), ay + radius * np.sin(angles)], axis=1)
        return CropMask.from_polygons([outline.ravel().tolist()], *size, where=where)
    if kind == "rectangle":
        return CropMask.from_box((min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)), *size)
    return CropMask.from_crop(_pixels(shape["mask"].text(), size, where), int(min(ax, bx)), int(min(ay, by)), *size)


def _pixels(text: str, size: tuple[int, int], where: str) -> np.ndarray:
    try:
        image = Image.open(io.BytesIO(base64.b64decode(text, validate=True)), formats=("PNG",))
        if image.height > size[0] + 1 or image.width > size[1] + 1:
            raise InputError(where, "mask", f"is {image.width} × {image.height} px", "expected one within the photo")
        return np.asarray(image.convert("L")) > 0
    except (binascii.Error, OSError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(where, "mask", f"cannot be read ({error})", "expected a PNG in base64") from error


def _name(path: str) -> str:
    """imagePath is as the annotator's computer has it, and often begins with `../`."""
    parts = (PureWindowsPath(path) if "\\" in path else PurePosixPath(path)).parts
    return "/".join(part for part in parts if part not in ("..", ".") and not part.endswith(("/", "\\", ":")))
