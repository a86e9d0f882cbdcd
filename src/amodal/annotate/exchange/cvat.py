"""CVAT's "CVAT for images 1.1": XML with boxes, polygons and masks.

CVAT has one mask for a shape. We write three shapes for an object, joined by `group_id`: a box, and two masks whose
attribute `part` is `amodal` and `visible`. Other tools' shapes without that attribute are whole objects. What is drawn
above has the larger `z_order` in CVAT, so it is in front.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree as Xml

import numpy as np

from amodal.data.clusters import overlaps
from amodal.data.entries import Entry
from amodal.data.kins_write import depth_of, edges_by_depth
from amodal.data.losses import Losses, place_of
from amodal.data.truth import Truth
from amodal.data.write import write_bytes_atomically
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph
from amodal.rle import MAX_FRAME_PX
from amodal.scene import XYXY, Instance, Scene

PART = "part"
PARTS = ("amodal", "visible", "box")
SHAPES = ("box", "polygon", "mask", "ellipse")


def write_cvat(entries: Iterable[Entry], labels: Sequence[str], out: Path, losses: Losses) -> None:
    """Write photos with their objects; `losses` notes orders that a z_order cannot say."""
    root = Xml.Element("annotations")
    Xml.SubElement(root, "version").text = "1.1"
    task = Xml.SubElement(Xml.SubElement(root, "meta"), "task")
    listed = Xml.SubElement(task, "labels")
    for name in labels:
        label = Xml.SubElement(listed, "label")
        Xml.SubElement(label, "name").text = name
        attribute = Xml.SubElement(Xml.SubElement(label, "attributes"), "attribute")
        for tag, text in (("name", PART), ("mutable", "False"), ("input_type", "select"), ("default_value", PARTS[0])):
            Xml.SubElement(attribute, tag).text = text
        Xml.SubElement(attribute, "values").text = "\n".join(PARTS)
    for number, entry in enumerate(entries):
        _write_image(root, number, entry, losses)
    Xml.indent(root)
    write_bytes_atomically(out, Xml.tostring(root, "utf-8", xml_declaration=True) + b"\n")


def read_cvat(path: Path) -> list[Truth]:
    """The photos of a file, each with its objects.

    Raises:
        InputError: not such XML, with a DTD (entities can be made to fill the memory), or a broken shape.
    """
    # Expat alone would expand entities; this parser refuses them.
    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import ParseError, parse

    try:
        root = parse(path, forbid_dtd=True).getroot()
    except DefusedXmlException as error:
        raise InputError(str(path), "XML", "has a document type or entities", "expected plain elements") from error
    except (ParseError, ValueError, LookupError) as error:
        raise InputError(str(path), "XML", f"cannot be read ({error})", "expected CVAT for images 1.1") from error
    if root.tag != "annotations":
        raise InputError(str(path), "XML", f"begins with <{root.tag[:50]}>", "expected <annotations>")
    return [_read_image(image, f"{path}: image {number}") for number, image in enumerate(root.iter("image"))]


def _write_image(root: Xml.Element, number: int, entry: Entry, losses: Losses) -> None:
    scene = entry.scene
    size = {"width": str(scene.width), "height": str(scene.height)}
    image = Xml.SubElement(root, "image", {"id": str(number), "name": entry.name, **size})
    depth = depth_of(scene)
    deepest = max(depth.values(), default=0)
    said = edges_by_depth(scene)
    for edge in scene.order.edges:
        if (edge.front, edge.behind) not in said:
            losses.note("an order of objects that do not overlap", place_of(entry, scene.instance(edge.behind)))
    for one in scene.instances:
        common = {
            "label": one.label,
            "source": "manual",
            "occluded": str(int(one.occlusion >= 0.01)),
            "z_order": str(deepest - depth[one.id]),
            "group_id": str(one.id),
        }
        x0, y0, x1, y1 = (repr(edge) for edge in one.box)
        box = Xml.SubElement(image, "box", {**common, "xtl": x0, "ytl": y0, "xbr": x1, "ybr": y1})
        Xml.SubElement(box, "attribute", {"name": PART}).text = "box"
        for part, mask in (("amodal", one.amodal), ("visible", one.modal)):
            if not mask.is_empty:
                shape = Xml.SubElement(image, "mask", {**common, **_mask_fields(mask)})
                Xml.SubElement(shape, "attribute", {"name": PART}).text = part


def _mask_fields(mask: CropMask) -> dict[str, str]:
    """CVAT's run lengths go along the rows of the box, background first."""
    x0, y0, x1, y1 = mask.box
    pixels = mask.to_crop().ravel()
    changes = np.flatnonzero(pixels[1:] != pixels[:-1]) + 1
    bounds = np.concatenate(([0], [0] if pixels[0] else [], changes, [pixels.size])).astype(int)
    return {
        "rle": ", ".join(map(str, np.diff(bounds))),
        "left": str(x0),
        "top": str(y0),
        "width": str(x1 - x0),
        "height": str(y1 - y0),
    }


@dataclass
class _Group:
    """The shapes that are one object."""

    label: str
    box: XYXY | None = None
    amodal: list[CropMask] = field(default_factory=list)
    visible: list[CropMask] = field(default_factory=list)
    z_order: int = 0


def _read_image(image: Xml.Element, where: str) -> Truth:
    name = image.get("name") or ""
    height, width = (_whole(image, key, where) for key in ("height", "width"))
    if not name:
        raise InputError(where, "name", "is missing", "expected the photo's file name")
    if not 0 < height * width <= MAX_FRAME_PX:
        raise InputError(where, "size", f"is {width} × {height} px", f"expected 1 to {MAX_FRAME_PX:,} pixels")
    groups: dict[str, _Group] = {}
    for number, shape in enumerate(one for one in image if one.tag in SHAPES):
        _add(groups, shape, number, (height, width), f"{where}: {shape.tag} {number}")
    known = _instances_known(groups.values())
    instances, depths = [], {}
    for id, group in enumerate(groups.values(), start=1):
        instances.append(_instance(id, group, height, width, drawn="amodal" in known))
        depths[id] = group.z_order
    pairs = ((one, other) for one, other in overlaps(instances) if depths[one] != depths[other])
    edges = (OrderEdge(*sorted(pair, key=lambda id: -depths[id])) for pair in pairs)
    order = OrderGraph(tuple(edges)) if "amodal" in known else OrderGraph()
    scene = Scene(height, width, tuple(instances), order, image=name, exclusive=False)
    return Truth(scene, None, knows=known, classes=frozenset(one.label for one in instances))


def _add(groups: dict[str, _Group], shape: Xml.Element, number: int, size: tuple[int, int], where: str) -> None:
    label = shape.get("label") or ""
    if not label:
        raise InputError(where, "label", "is missing", "expected a class")
    joined = shape.get("group_id") or ""
    key = f"group {joined} {label}" if joined not in ("", "0") else f"shape {number}"
    group = groups.setdefault(key, _Group(label))
    group.z_order = max(group.z_order, int(_number(shape, "z_order", where, "0")))
    part = next((one.text for one in shape.iter("attribute") if one.get("name") == PART), "amodal")
    if shape.tag == "box":
        x0, y0, x1, y1 = (_number(shape, key, where) for key in ("xtl", "ytl", "xbr", "ybr"))
        if not (x0 < x1 and y0 < y1):
            raise InputError(where, "box", f"is {(x0, y0, x1, y1)}", "expected left < right and top < bottom")
        group.box = (x0, y0, x1, y1)
    else:
        mask = _mask(shape, size, where)
        (group.visible if part == "visible" else group.amodal).append(mask)


def _mask(shape: Xml.Element, size: tuple[int, int], where: str) -> CropMask:
    if shape.tag == "mask":
        return _mask_of_runs(shape, size, where)
    if shape.tag == "ellipse":
        x, y, rx, ry = (_number(shape, key, where) for key in ("cx", "cy", "rx", "ry"))
        angles = np.linspace(0, 2 * np.pi, 72, endpoint=False)
        outline = np.stack([x + rx * np.cos(angles), y + ry * np.sin(angles)], axis=1).ravel().tolist()
    else:
        try:
            outline = [float(number) for pair in (shape.get("points") or "").split(";") for number in pair.split(",")]
        except ValueError:
            raise InputError(where, "points", "are no numbers", "expected x,y;x,y;…") from None
    return CropMask.from_polygons([outline], *size, where=where)


def _mask_of_runs(shape: Xml.Element, size: tuple[int, int], where: str) -> CropMask:
    left, top, width, height = (_whole(shape, key, where) for key in ("left", "top", "width", "height"))
    try:
        runs = [int(number) for number in (shape.get("rle") or "").split(",")]
    except ValueError:
        raise InputError(where, "rle", "are no whole numbers", "expected run lengths") from None
    if min(width, height) < 1 or width * height > MAX_FRAME_PX:
        raise InputError(where, "size", f"is {width} × {height} px", "expected a box within the photo")
    if min(runs) < 0 or max(runs) > MAX_FRAME_PX or sum(runs) != width * height:
        raise InputError(where, "rle", f"fills {sum(runs)} px", f"expected {width * height}, the box")
    pixels = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(height, width)
    return CropMask.from_crop(pixels, left, top, *size)


def _instance(id: int, group: _Group, height: int, width: int, *, drawn: bool) -> Instance:
    """`drawn`: masks of this photo are known; an object of a box alone then has an empty one, to be drawn."""
    masks = group.amodal or group.visible
    if not masks:
        box = group.box or (0.0, 0.0, 1.0, 1.0)
        mask = CropMask.empty(height, width) if drawn else CropMask.from_box(box, height, width)
        return Instance(id, group.label, box, 1.0, mask, mask)
    amodal = _union(masks)
    visible = _union(group.visible).intersection(amodal) if group.visible else amodal
    x0, y0, x1, y1 = amodal.box
    return Instance(id, group.label, group.box or (x0, y0, max(x1, x0 + 1), max(y1, y0 + 1)), 1.0, visible, amodal)


def _instances_known(groups: Iterable[_Group]) -> frozenset[str]:
    """Of a photo, by its objects that have a mask."""
    listed = [one for one in groups if one.amodal or one.visible]
    if not listed:
        return frozenset({"boxes"})
    visible = {"modal"} if all(one.visible for one in listed) else set()
    return frozenset({"boxes", "amodal", "order", *visible})


def _union(masks: Sequence[CropMask]) -> CropMask:
    whole = masks[0]
    for mask in masks[1:]:
        whole = whole.union(mask)
    return whole


def _number(element: Xml.Element, key: str, where: str, default: str = "") -> float:
    text = element.get(key) or default
    try:
        number = float(text)
    except ValueError:
        raise InputError(where, key, f"is {text[:50]!r}", "expected a number") from None
    if not math.isfinite(number) or abs(number) > 1e9:
        raise InputError(where, key, f"is {number}", "expected pixels")
    return number


def _whole(element: Xml.Element, key: str, where: str) -> int:
    number = _number(element, key, where)
    if number != int(number):
        raise InputError(where, key, f"is {number}", "expected a whole number")
    return int(number)
