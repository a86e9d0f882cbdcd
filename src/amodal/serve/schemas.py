"""The documents that go over the wire, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

Number = int | float


class Limits(BaseModel):
    """What a request may bring."""

    max_mb: float
    max_megapixels: float
    max_boxes: int
    max_object_megapixels: float
    timeout_seconds: float


class Model(BaseModel):
    """A model that answers."""

    name: str
    method: str
    labels: list[str]
    detector: str | None
    """Who finds the objects of photos that come without boxes; null: nobody, boxes must be sent."""


class Models(BaseModel):
    """The models of this server, and its limits."""

    version: str
    models: list[Model]
    limits: Limits


class Health(BaseModel):
    """How the server is."""

    status: Literal["ok", "starting", "busy", "broken"]


class ErrorBody(BaseModel):
    """What was found and what was expected, in words; `field` names what was wrong."""

    message: str
    field: str


class Problem(BaseModel):
    """Every answer that is no success."""

    error: ErrorBody


class Rle(BaseModel):
    """COCO's compressed run-length code: size is [height, width]."""

    size: list[int]
    counts: str


class Annotation(BaseModel):
    """An object. `bbox` [x, y, width, height] and `segmentation` are of the whole object, hidden parts included."""

    model_config = ConfigDict(extra="allow")

    id: int
    image_id: int
    instance_id: int
    """Its place among the boxes sent, from 0."""
    category_id: int
    bbox: list[Number]
    area: int
    iscrowd: int
    segmentation: Rle | list[list[Number]]
    visible_bbox: list[Number]
    visible_segmentation: Rle | list[list[Number]]
    score: float
    occlusion: float


class Photo(BaseModel):
    """The photo."""

    model_config = ConfigDict(extra="allow")

    id: int
    file_name: str
    width: int
    height: int
    exclusive: bool
    warnings: list[str]


class Category(BaseModel):
    """A class."""

    id: int
    name: str


class Edge(BaseModel):
    """Of two annotations, by their ids, who stands in front."""

    image_id: int
    front: int
    behind: int
    probability: float


BOXES_EXAMPLE = '[{"box": [153, 113, 457, 339], "class": "bus"}, {"box": [54, 51, 207, 193]}]'
EXAMPLE: dict[str, Any] = {
    "schema_version": 1,
    "boxes_are": "amodal",
    "method": "student",
    "model": "default",
    "images": [
        {"id": 1, "file_name": "street.jpg", "width": 8, "height": 4, "exclusive": True, "warnings": []},
    ],
    "categories": [{"id": 1, "name": "bus"}],
    "annotations": [
        {
            "id": 1,
            "image_id": 1,
            "instance_id": 0,
            "category_id": 1,
            "bbox": [0, 0, 4, 4],
            "area": 16,
            "iscrowd": 0,
            "segmentation": {"size": [4, 8], "counts": "0`0`0"},
            "visible_bbox": [0, 0, 4, 4],
            "visible_segmentation": {"size": [4, 8], "counts": "0`0`0"},
            "score": 0.98,
            "occlusion": 0.0,
        },
        {
            "id": 2,
            "image_id": 1,
            "instance_id": 1,
            "category_id": 1,
            "bbox": [2, 0, 4, 4],
            "area": 16,
            "iscrowd": 0,
            "segmentation": {"size": [4, 8], "counts": "8`08"},
            "visible_bbox": [4, 0, 2, 4],
            "visible_segmentation": {"size": [4, 8], "counts": "`088"},
            "score": 0.91,
            "occlusion": 0.5,
        },
    ],
    "order": [{"image_id": 1, "front": 1, "behind": 2, "probability": 0.93}],
}


class SceneDocument(BaseModel):
    """COCO JSON with the visible masks and the order added, of one photo: what `amodal predict` writes."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    schema_version: int
    boxes_are: Literal["amodal", "visible"]
    method: str
    model: str
    images: list[Photo]
    categories: list[Category]
    annotations: list[Annotation]
    order: list[Edge]


REFUSED: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": said}
    for status, said in {
        400: "Not readable",
        401: "No token, or a wrong one",
        408: "The request did not come whole in time",
        413: "Too many bytes",
        422: "Readable, but wrong: the sentence says what was found and what was expected",
        429: "The queue is full; Retry-After says in how many seconds there will be room",
        503: "The server is being stopped",
        504: "The answer took too long",
    }.items()
}
