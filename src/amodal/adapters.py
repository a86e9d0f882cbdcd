"""Scenes in the shape of others: supervision.Detections and plain arrays. Nothing here touches a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Bool, Float64, Int32, Int64

from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Scene

if TYPE_CHECKING:
    import supervision

MaskKind = Literal["modal", "amodal"]


def to_detections(scene: Scene, mask: MaskKind = "modal") -> supervision.Detections:
    """As `supervision.Detections`, to draw, track, filter or count with that library.

    `xyxy` are the scene's boxes, `mask` the chosen masks as dense frames (its format, n x height x width
    bytes), `confidence` the scores, `class_id` numbers the labels in alphabetical order. `data` holds
    `class_name`, `instance_id` and `occlusion` (the hidden part, 0 to 1). The order graph has no place there.
    """
    import supervision

    labels = sorted({instance.label for instance in scene.instances})
    masks = [instance.modal if mask == "modal" else instance.amodal for instance in scene.instances]
    return supervision.Detections(
        xyxy=_boxes(scene),
        mask=_dense(masks, scene),
        confidence=np.array([instance.score for instance in scene.instances], np.float64),
        class_id=np.array([labels.index(instance.label) for instance in scene.instances], np.int64),
        data={
            "class_name": np.array([instance.label for instance in scene.instances], np.str_),
            "instance_id": np.array([instance.id for instance in scene.instances], np.int64),
            "occlusion": np.array([instance.occlusion for instance in scene.instances], np.float64),
        },
    )


def from_detections(detections: supervision.Detections, height: int, width: int, image: str | None = None) -> Scene:
    """A scene whose objects are all unoccluded: modal and amodal are both the detection's mask.

    Without masks the box is filled. Labels are `data["class_name"]`, else the class number as text, else
    "object"; ids are `data["instance_id"]`, else 1, 2, ...; scores are 1 where there is no confidence.

    Raises:
        InputError: masks of another size, or anything that `Scene.validate` refuses.
    """
    count = len(detections)
    if detections.mask is not None and count and tuple(detections.mask.shape[1:]) != (height, width):
        found = " x ".join(str(side) for side in detections.mask.shape[1:])
        raise InputError("Detections", "mask", f"found {found}", f"expected {height} x {width}")
    confidence = np.ones(count) if detections.confidence is None else detections.confidence
    ids = detections.data.get("instance_id", np.arange(1, count + 1))
    labels = _labels_of(detections)
    instances = []
    for index, box in enumerate(np.asarray(detections.xyxy, np.float64).tolist()):
        if detections.mask is None:
            mask = CropMask.from_box(box, height, width)
        else:
            mask = CropMask.from_dense(np.asarray(detections.mask[index], bool))
        instances.append(Instance(int(ids[index]), labels[index], tuple(box), float(confidence[index]), mask, mask))
    # A detector's masks may overlap.
    return Scene(
        height,
        width,
        tuple(instances),
        boxes_are="visible",
        image=image,
        method="detections",
        exclusive=False,
    ).validate()


@dataclass(frozen=True)
class SceneArrays:
    """A scene as arrays, one row an object; dense, so for small scenes and for other people's code."""

    ids: Int64[np.ndarray, " n"]
    labels: tuple[str, ...]
    boxes: Float64[np.ndarray, "n 4"]
    scores: Float64[np.ndarray, " n"]
    modal: Bool[np.ndarray, "n height width"]
    amodal: Bool[np.ndarray, "n height width"]
    in_front: Float64[np.ndarray, "n n"]  # [i, j]: probability of the edge from i to j, 0 without one


def to_arrays(scene: Scene) -> SceneArrays:
    """The scene's values as dense arrays, in the order of its instances."""
    instances = scene.instances
    row = {instance.id: index for index, instance in enumerate(instances)}
    in_front = np.zeros((len(row), len(row)), np.float64)
    for edge in scene.order.edges:
        in_front[row[edge.front], row[edge.behind]] = edge.probability
    return SceneArrays(
        ids=np.array([instance.id for instance in instances], np.int64),
        labels=tuple(instance.label for instance in instances),
        boxes=_boxes(scene),
        scores=np.array([instance.score for instance in instances], np.float64),
        modal=_dense([instance.modal for instance in instances], scene),
        amodal=_dense([instance.amodal for instance in instances], scene),
        in_front=in_front,
    )


def from_arrays(
    arrays: SceneArrays, *, boxes_are: BoxKind = "amodal", image: str | None = None, exclusive: bool = True
) -> Scene:
    """The scene of such arrays.

    Raises:
        InputError: arrays of different lengths, or anything that `Scene.validate` refuses.
    """
    count = len(arrays.ids)
    for name in ("labels", "boxes", "scores", "modal", "amodal", "in_front"):
        if len(getattr(arrays, name)) != count:
            found = f"found {len(getattr(arrays, name))} rows"
            raise InputError("arrays", name, found, f"expected {count}, one for each id")
    _, height, width = arrays.modal.shape
    instances = tuple(
        Instance(
            id=int(arrays.ids[row]),
            label=arrays.labels[row],
            box=tuple(arrays.boxes[row].tolist()),
            score=float(arrays.scores[row]),
            modal=CropMask.from_dense(arrays.modal[row]),
            amodal=CropMask.from_dense(arrays.amodal[row]),
        )
        for row in range(count)
    )
    edges = tuple(
        OrderEdge(int(arrays.ids[front]), int(arrays.ids[behind]), float(arrays.in_front[front, behind]))
        for front, behind in np.argwhere(arrays.in_front > 0)
    )
    order = OrderGraph(edges)
    scene = Scene(height, width, instances, order, boxes_are=boxes_are, image=image, exclusive=exclusive)
    return scene.validate()


def owner_map(scene: Scene) -> Int32[np.ndarray, "height width"]:
    """The id of the object that is seen at each pixel, -1 where there is none.

    Raises:
        InputError: two objects are seen at one pixel.
    """
    owners = np.full((scene.height, scene.width), -1, np.int32)
    replace(scene, exclusive=True).validate()
    for instance in scene.instances:
        if not instance.modal.is_empty:
            x0, y0, x1, y1 = instance.modal.box
            owners[y0:y1, x0:x1][instance.modal.to_crop()] = instance.id
    return owners


def _boxes(scene: Scene) -> Float64[np.ndarray, "n 4"]:
    boxes = [instance.box for instance in scene.instances]
    return np.array(boxes, np.float64).reshape(len(boxes), 4)


def _dense(masks: Sequence[CropMask], scene: Scene) -> Bool[np.ndarray, "n height width"]:
    frames = np.zeros((len(masks), scene.height, scene.width), bool)
    for frame, mask in zip(frames, masks, strict=True):
        x0, y0, x1, y1 = mask.box
        frame[y0:y1, x0:x1] = mask.to_crop()
    return frames


def _labels_of(detections: supervision.Detections) -> Sequence[str]:
    if "class_name" in detections.data:
        return [str(name) for name in detections.data["class_name"]]
    if detections.class_id is not None:
        return [str(number) for number in detections.class_id]
    return ["object"] * len(detections)
