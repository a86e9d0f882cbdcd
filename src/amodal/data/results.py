"""Our file: scenes as COCO JSON. A plain COCO reader opens it and sees the amodal objects.

Read back, every scene equals the one written, but for posterior maps, which are not stored, and tuples in
`meta`, which come back as lists. Annotation ids are unique in the file; `instance_id` keeps the id that the
object has in its scene. `order` speaks of annotation ids.
"""

from __future__ import annotations

import json
import os
from collections.abc import Container, Mapping, Sequence
from typing import Any

import numpy as np

from amodal.data.checks import XYXY_EXPECTED
from amodal.data.coco import XYWH_EXPECTED, boxes_kind, mask_of, size_of, text_or_empty
from amodal.data.fields import Field, read_json
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.scene import XYXY, Instance, OrderEdge, OrderGraph, Scene

SCHEMA_VERSION = 1
SOURCE = "source.json"  # beside what compare writes: the truth it was compared with
PER_FILE = ("boxes_are", "method", "model")  # said once at the top, and again by a photo that differs


def write_scenes(scenes: Sequence[Scene], path: str | os.PathLike[str]) -> None:
    """Write scenes, in one step, so that no half file is ever seen; the same scenes give the same bytes.

    Raises:
        InputError: a scene that breaks its promises, a `meta` that is not JSON, no place to write.
    """
    content = scenes_to_json(scenes)
    try:
        text = _lines(content)
    except (TypeError, ValueError) as error:
        raise InputError(os.fspath(path), "meta", f"is not JSON ({error})", "expected plain values") from error
    write_text_atomically(path, text)


def read_scenes(path: str | os.PathLike[str]) -> list[Scene]:
    """Read what `write_scenes` wrote.

    Raises:
        InputError: naming file and field: another schema version, a wrong type, a broken mask or scene.
    """
    return scenes_of(read_json(path))


def scenes_of(root: Field) -> list[Scene]:
    """Do what `read_scenes` does with a file that is already parsed."""
    _check_version(root)
    categories = {entry["id"].integer(): entry["name"].text() for entry in root["categories"].items()}
    images = {image["id"].integer(): image for image in root["images"].items()}
    if len(images) != len(root["images"].value):
        raise root["images"].error("have an id twice", "unique ids")
    instances: dict[int, dict[int, Instance]] = {image_id: {} for image_id in images}
    seen: set[int] = set()
    for annotation in root["annotations"].items():
        image_id, number = _known(annotation["image_id"], images), annotation["id"].integer()
        if number in seen:
            raise annotation["id"].error(f"is {number} again", "unique ids")
        seen.add(number)
        instances[image_id][number] = _instance(annotation, images[image_id], categories)
    edges: dict[int, list[OrderEdge]] = {image_id: [] for image_id in images}
    for entry in root["order"].items():
        image_id = _known(entry["image_id"], images)
        edges[image_id].append(_edge(entry, instances[image_id]))
    return [_scene(root, image, tuple(instances[id].values()), edges[id]) for id, image in images.items()]


def scenes_to_json(scenes: Sequence[Scene]) -> dict[str, Any]:
    """The content of our file as plain values.

    Raises:
        InputError: a scene that breaks its promises.
    """
    labels = sorted({instance.label for scene in scenes for instance in scene.instances})
    category_of = {label: number for number, label in enumerate(labels, start=1)}
    common: dict[str, Any] = {key: getattr(scenes[0], key) if scenes else "" for key in PER_FILE}
    common["boxes_are"] = common["boxes_are"] or "amodal"
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    order: list[dict[str, Any]] = []
    for image_id, scene in enumerate(scenes, start=1):
        scene.validate()
        first = len(annotations) + 1
        annotation_of = {instance.id: first + number for number, instance in enumerate(scene.instances)}
        images.append(image_json(scene, image_id, common))
        for instance in scene.instances:
            ids = {"id": annotation_of[instance.id], "image_id": image_id, "instance_id": instance.id}
            annotations.append(ids | instance_json(instance, category_of))
        order += [
            {
                "image_id": image_id,
                "front": annotation_of[edge.front],
                "behind": annotation_of[edge.behind],
                "probability": edge.probability,
            }
            for edge in scene.order.edges
        ]
    return {
        "schema_version": SCHEMA_VERSION,
        **common,
        "images": images,
        "categories": [{"id": number, "name": label} for label, number in category_of.items()],
        "annotations": annotations,
        "order": order,
    }


def image_json(scene: Scene, image_id: int, common: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a photo; what `common` says for the whole file is left out."""
    return {
        "id": image_id,
        "file_name": scene.image,
        "width": scene.width,
        "height": scene.height,
        "exclusive": scene.exclusive,
        "warnings": list(scene.warnings),
        **{key: getattr(scene, key) for key in PER_FILE if getattr(scene, key) != common[key]},
    }


def instance_json(instance: Instance, category_of: Mapping[str, int]) -> dict[str, Any]:
    """The fields of an object, but for its ids."""
    x0, y0, x1, y1 = instance.box
    content: dict[str, Any] = {
        "category_id": category_of[instance.label],
        "bbox": _to_xywh(instance.box),
        "area": instance.amodal.area,
        "iscrowd": 0,
        "segmentation": instance.amodal.to_coco_rle(),
        "visible_bbox": _to_xywh(instance.modal.box),
        "visible_segmentation": instance.modal.to_coco_rle(),
        "score": instance.score,
        "occlusion": instance.occlusion,
    }
    if (x0 + content["bbox"][2], y0 + content["bbox"][3]) != (x1, y1):
        content["exact_box"] = [x0, y0, x1, y1]  # width and height cannot always say it to the last bit
    if instance.claimed is not None:
        content["claimed_segmentation"] = instance.claimed.to_coco_rle()
    if instance.meta:
        content["meta"] = dict(instance.meta)
    return content


def _to_xywh(box: Sequence[float]) -> list[float]:
    x0, y0, x1, y1 = box
    return [x0, y0, x1 - x0, y1 - y0]


def _lines(content: Mapping[str, Any]) -> str:
    """JSON with one line for each photo, object and edge, to be read and compared by people too."""
    parts = []
    for key, value in content.items():
        is_long = isinstance(value, list) and value
        text = "[\n  " + ",\n  ".join(map(plain, value)) + "\n ]" if is_long else plain(value)
        parts.append(f" {json.dumps(key)}: {text}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def plain(value: Any) -> str:
    """JSON on one line; numpy's values are plain ones, NaN is a ValueError."""
    return json.dumps(value, allow_nan=False, default=_from_numpy)


def _from_numpy(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not a JSON value")


def _check_version(root: Field) -> None:
    version = root.get("schema_version")
    if version is None:
        raise root.error("has no schema_version", f"a file that amodal wrote (version {SCHEMA_VERSION})")
    if version.integer() != SCHEMA_VERSION:
        raise version.error(f"is {version.value}", f"{SCHEMA_VERSION}, the only one this release reads")


def _scene(root: Field, image: Field, instances: tuple[Instance, ...], edges: list[OrderEdge]) -> Scene:
    said = {key: image.get(key) or root.get(key) for key in PER_FILE}
    file_name, exclusive, warnings = image.get("file_name"), image.get("exclusive"), image.get("warnings")
    height, width = size_of(image)
    try:
        return Scene(
            height=height,
            width=width,
            instances=instances,
            order=OrderGraph(tuple(edges)),
            boxes_are=boxes_kind(image) or boxes_kind(root) or "amodal",
            image=None if file_name is None else file_name.text(),
            method=text_or_empty(said["method"]),
            model=text_or_empty(said["model"]),
            exclusive=True if exclusive is None else exclusive.flag(),
            warnings=() if warnings is None else tuple(warning.text() for warning in warnings.items()),
        ).validate()
    except InputError as error:
        if error.where == root.file:
            raise
        # A scene calls itself by its photo and knows nothing of files.
        field = ": ".join(part for part in (image.name, error.field) if part)
        raise InputError(root.file, field, error.found, error.expected) from error


def _instance(annotation: Field, image: Field, categories: Mapping[int, str]) -> Instance:
    size = size_of(image)
    claimed, meta, score = annotation.get("claimed_segmentation"), annotation.get("meta"), annotation["score"]
    return Instance(
        id=annotation["instance_id"].integer(),
        label=categories[_known(annotation["category_id"], categories)],
        box=_box(annotation),
        score=score.number(),
        modal=mask_of(annotation["visible_segmentation"], *size),
        amodal=mask_of(annotation["segmentation"], *size),
        claimed=None if claimed is None else mask_of(claimed, *size),
        meta={} if meta is None else meta.object(),
    )


def _box(annotation: Field) -> XYXY:
    """`exact_box`, as long as it and `bbox` agree: whoever moves `bbox` in our file means it."""
    x, y, width, height = bbox = annotation["bbox"].numbers(4, XYWH_EXPECTED)
    exact = annotation.get("exact_box")
    if exact is not None:
        x0, y0, x1, y1 = exact.numbers(4, XYXY_EXPECTED)
        if _to_xywh((x0, y0, x1, y1)) == list(bbox):
            return x0, y0, x1, y1
    return x, y, x + width, y + height


def _edge(entry: Field, instances: Mapping[int, Instance]) -> OrderEdge:
    front, behind = (instances[_known(entry[key], instances)].id for key in ("front", "behind"))
    return OrderEdge(front, behind, entry["probability"].number())


def _known(reference: Field, known: Container[int]) -> int:
    number = reference.integer()
    if number not in known:
        raise reference.error(f"is {number}", "an id that exists (of an object: in the same photo)")
    return number
