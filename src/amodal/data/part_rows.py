"""One photo's scene as a row of a part, and back. Masks are runs inside their own box: rows grow with what is seen.

A mask is `{"box": [x0, y0, x1, y1], "counts": text}`: COCO's compressed counts for a frame of just that box. Whoever
knows COCO's code alone decodes it with the size [y1 - y0, x1 - x0] and lays it at (x0, y0).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from amodal import rle
from amodal.data.checks import XYXY_EXPECTED
from amodal.data.fields import Field
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

Row = Mapping[str, Any]


def row_of(scene: Scene, number: int, key: str) -> dict[str, Any]:
    """The scene as plain values; `number` is the photo's place in the source, `key` its name there."""
    return {
        "number": number,
        "key": key,
        "name": scene.image,
        "height": scene.height,
        "width": scene.width,
        "method": scene.method,
        "model": scene.model,
        "boxes_are": scene.boxes_are,
        "exclusive": scene.exclusive,
        "warnings": list(scene.warnings),
        "objects": [_object(one) for one in scene.instances],
        "order": [
            {"front": edge.front, "behind": edge.behind, "probability": edge.probability} for edge in scene.order.edges
        ],
    }


def scene_of_row(row: Field) -> Scene:
    """The scene of a row.

    Raises:
        InputError: naming the field that is not what `row_of` writes, or the promise that the scene breaks.
    """
    height, width = row["height"].integer(), row["width"].integer()
    name, instances = row.get("name"), [_instance(one, height, width) for one in row["objects"].items()]
    edges = [
        OrderEdge(edge["front"].integer(), edge["behind"].integer(), edge["probability"].number())
        for edge in row["order"].items()
    ]
    try:
        return Scene(
            height=height,
            width=width,
            instances=tuple(instances),
            order=OrderGraph(tuple(edges)),
            boxes_are="visible" if row["boxes_are"].one_of("amodal", "visible") == "visible" else "amodal",
            image=None if name is None else name.text(),
            method=row["method"].text(),
            model=row["model"].text(),
            exclusive=row["exclusive"].flag(),
            warnings=tuple(warning.text() for warning in row["warnings"].items()),
        ).validate()
    except InputError as error:
        raise InputError(row.file, f"{row.name}: {error.field}", error.found, error.expected) from error


def _object(instance: Instance) -> dict[str, Any]:
    return {
        "id": instance.id,
        "label": instance.label,
        "score": instance.score,
        "box": list(instance.box),
        "amodal": _mask(instance.amodal),
        "visible": _mask(instance.modal),
        "claimed": None if instance.claimed is None else _mask(instance.claimed),
        # As text, so that Parquet, whose columns have one type, can hold it too.
        "meta": json.dumps(dict(instance.meta), allow_nan=False, ensure_ascii=False) if instance.meta else None,
    }


def _mask(mask: CropMask) -> dict[str, Any]:
    return {"box": list(mask.box), "counts": rle.counts_to_text(mask.runs.astype(np.int64))}


def _instance(one: Field, height: int, width: int) -> Instance:
    claimed, meta = one.get("claimed"), one.get("meta")
    x0, y0, x1, y1 = one["box"].numbers(4, XYXY_EXPECTED)
    return Instance(
        id=one["id"].integer(),
        label=one["label"].text(),
        box=(x0, y0, x1, y1),
        score=one["score"].number(),
        modal=_mask_of(one["visible"], height, width),
        amodal=_mask_of(one["amodal"], height, width),
        claimed=None if claimed is None else _mask_of(claimed, height, width),
        meta={} if meta is None else _meta(meta),
    )


def _mask_of(mask: Field, height: int, width: int) -> CropMask:
    x0, y0, x1, y1 = (int(edge) for edge in mask["box"].numbers(4, XYXY_EXPECTED))
    counts = mask["counts"]
    runs = rle.counts_from_text(counts.text(), f"{counts.file}: {counts.name}")
    try:
        return CropMask(height, width, (x0, y0, x1, y1), runs)
    except InputError as error:
        raise mask.error(error.found, error.expected.removeprefix("expected ")) from error


def _meta(meta: Field) -> dict[str, Any]:
    try:
        found = json.loads(meta.text())
    except (ValueError, RecursionError) as error:
        raise meta.error(f"is not JSON ({error})", "an object as text") from error
    return Field(meta.file, meta.parent, meta.key, found).object()
