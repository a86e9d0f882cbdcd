"""Objects cut out of their photos: what was given, what each method said, what is true."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from amodal.comparison.comparing import Comparison
from amodal.data.truth import Truth
from amodal.draw.canvas import canvas_for, enlarged, polyline, text_width
from amodal.draw.masks import paint_masks
from amodal.draw.palette import INK, PAPER, scene_colours
from amodal.draw.tiles import Tile, captioned, in_rows, paper
from amodal.evaluation.pairing import pair
from amodal.images import read_photo
from amodal.masks import CropMask, IntBox
from amodal.scene import LEVELS, XYXY, OrderEdge, OrderGraph, Scene

HEIGHT_PX, CAPTION_PX, GAP_PX, WIDTH_PX = 300, 28, 8, 1600
LEAST_WIDTH_PX, MOST_WIDTH_PX = 216, 460
AROUND, LEAST_MARGIN_PX = 0.25, 16  # shown on each side of the box: a part of its longer side, or pixels
PER_LEVEL, WORST = 3, 8


@dataclass(frozen=True)
class Cut:
    """A picture of one object: how it was chosen, where it is, its tiles in rows."""

    group: str
    caption: str
    picture: UInt8[np.ndarray, "h w 3"]


def cuts_of(comparison: Comparison, per_level: int = PER_LEVEL, worst: int = WORST) -> list[Cut]:
    """Some objects of every level, from the well done to the badly done, and the worst of the leading method.

    An object's mark is the mean IoU of its visible and whole mask; "well" and "badly" go by all methods together.
    """
    scores = [result.masks for result in comparison.results if result.masks is not None]
    if not scores or not len(scores[0]):
        return []
    marks = np.stack(
        [np.nanmean([score.modal_iou, _or(score.amodal_iou, score.modal_iou)], axis=0) for score in scores]
    )
    first, leader = scores[0], int(marks.mean(axis=1).argmax())
    chosen: list[tuple[str, int]] = []
    for level in LEVELS:
        rows = np.flatnonzero(np.array(first.levels, dtype=object) == level)
        ranked = rows[np.argsort(-marks[:, rows].mean(axis=0), kind="stable")]
        at = np.linspace(0.1, 0.9, per_level) * (len(ranked) - 1) if len(ranked) > per_level else range(len(ranked))
        chosen += [(level, int(ranked[round(place)])) for place in at]
    title = f"Worst of {comparison.results[leader].name}"
    chosen += [(title, row) for row in _worst(marks[leader], first.images, worst)]
    cuts = []
    for group, row in chosen:
        truth = comparison.truths[int(first.images[row])]
        predicted = [result.run.scenes[int(first.images[row])] for result in comparison.results]
        names = [result.name for result in comparison.results]
        cuts.append(_cut(group, truth, int(first.ids[row]), names, predicted))
    return cuts


def _or(values: Float64[np.ndarray, " n"], others: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    return np.where(np.isnan(values), others, values)


def _worst(marks: Float64[np.ndarray, " n"], images: np.ndarray, most: int) -> list[int]:
    """The lowest marks, one of each photo."""
    found: dict[int, int] = {}
    for row in np.argsort(marks, kind="stable").tolist():
        if len(found) == most:
            break
        found.setdefault(int(images[row]), row)
    return list(found.values())


def _cut(group: str, truth: Truth, id: int, names: Sequence[str], predicted: Sequence[Scene]) -> Cut:
    one = truth.scene.instance(id)
    window = around(one.box, truth.scene)
    photo = read_photo(str(truth.path))[window[1] : window[3], window[0] : window[2]]
    tiles = [("input", boxed(cropped(true_scene(truth), window), [id], photo))]
    for name, scene in zip(names, predicted, strict=True):
        found = pair(truth, scene)[id]
        said = "missed" if found is None else f"{100 * found.modal.iou(one.modal):.0f}"
        if found is not None and "amodal" in truth.knows:
            said += f" / {100 * found.amodal.iou(one.amodal):.0f}"
        tiles.append((f"{name}: {said}", painted(cropped(scene, window), photo)))
    tiles.append(("truth", painted(cropped(true_scene(truth), window), photo)))
    width = min(MOST_WIDTH_PX, max(LEAST_WIDTH_PX, (WIDTH_PX - GAP_PX * (len(tiles) - 1)) // len(tiles)))
    pictures = [captioned(Tile(words, _tile(picture, words, width), PAPER), CAPTION_PX) for words, picture in tiles]
    hidden = f", {one.occlusion:.0%} hidden" if "amodal" in truth.knows else ""
    return Cut(group, f"{truth.scene.image}: {one.label} {one.id}{hidden}", in_rows(pictures, WIDTH_PX, GAP_PX))


def true_scene(truth: Truth) -> Scene:
    """The truth to be drawn: objects that no method is given come last, so that the others have the same colours."""
    given = [one.id for one in truth.given]
    last = max((one.id for one in truth.scene.instances), default=0)
    ids = {id: id for id in given} | {id: last + n for n, id in enumerate(sorted(truth.hidden), start=1)}
    edges = [OrderEdge(ids[edge.front], ids[edge.behind], edge.probability) for edge in truth.scene.order.edges]
    instances = tuple(replace(one, id=ids[one.id]) for one in truth.scene.instances)
    return replace(truth.scene, instances=instances, order=OrderGraph(tuple(edges)))


def cropped(scene: Scene, window: IntBox) -> Scene:
    """What of a scene lies in a window (XYXY pixels in the photo); objects whose boxes stay outside are left out."""
    x0, y0, x1, y1 = window
    kept = [one for one in scene.instances if _meets(one.box, window)]
    ids = {one.id for one in kept}
    return replace(
        scene,
        height=y1 - y0,
        width=x1 - x0,
        instances=tuple(
            replace(
                one,
                box=(one.box[0] - x0, one.box[1] - y0, one.box[2] - x0, one.box[3] - y0),
                modal=CropMask.from_dense(one.modal.to_crop(window)),
                amodal=CropMask.from_dense(one.amodal.to_crop(window)),
                claimed=None if one.claimed is None else CropMask.from_dense(one.claimed.to_crop(window)),
                posterior=None,
            )
            for one in kept
        ),
        order=OrderGraph(tuple(edge for edge in scene.order.edges if {edge.front, edge.behind} <= ids)),
    )


def around(box: XYXY, scene: Scene, share: float = AROUND) -> IntBox:
    """The box with a margin (a share of its longer side), inside the photo."""
    x0, y0, x1, y1 = box
    margin = max(LEAST_MARGIN_PX, share * max(x1 - x0, y1 - y0))
    left, top = max(0, round(x0 - margin)), max(0, round(y0 - margin))
    return left, top, min(scene.width, round(x1 + margin)), min(scene.height, round(y1 + margin))


def _meets(box: XYXY, window: IntBox) -> bool:
    return box[0] < window[2] and box[2] > window[0] and box[1] < window[3] and box[3] > window[1]


def boxed(scene: Scene, ids: Collection[int], photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """The photo with the boxes of some objects."""
    canvas = canvas_for(scene, photo)
    picture = enlarged(canvas, photo)
    colours = scene_colours(scene)
    for id in sorted(ids):
        x0, y0, x1, y1 = (side * canvas.scale for side in scene.instance(id).box)
        corners = np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]])
        for width, colour in ((canvas.line(9), INK), (canvas.line(5), colours[id])):
            polyline(picture, corners, colour, width, closed=True)
    return picture


def painted(scene: Scene, photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """The photo with all masks, without labels."""
    return paint_masks(scene, photo, canvas_for(scene, photo))


def _tile(picture: UInt8[np.ndarray, "rows columns 3"], words: str, width: int) -> UInt8[np.ndarray, "h w 3"]:
    """A picture as large as its place allows, on paper wide enough for its caption."""
    sized = _sized(picture, width)
    wanted = min(width, round(text_width(words, 0.66 * CAPTION_PX) + CAPTION_PX))
    if sized.shape[1] >= wanted:
        return sized
    return np.concatenate([sized, paper(sized.shape[0], wanted - sized.shape[1])], axis=1)


def _sized(picture: UInt8[np.ndarray, "rows columns 3"], width: int) -> UInt8[np.ndarray, "h w 3"]:
    """As large as height and width allow."""
    factor = min(HEIGHT_PX / picture.shape[0], width / picture.shape[1])
    size = max(1, round(picture.shape[1] * factor)), max(1, round(picture.shape[0] * factor))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC))
