"""Objects cut out of their photos: what was given, what each method said, what is true."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from jaxtyping import Float64, UInt8

from amodal.comparison.comparing import Comparison
from amodal.data.truth import Truth
from amodal.draw.canvas import canvas_for
from amodal.draw.masks import draw_boxes, paint_masks
from amodal.draw.palette import INK
from amodal.draw.tiles import Tile, captioned, in_rows
from amodal.evaluation.levels import LEVELS
from amodal.evaluation.pairing import pair
from amodal.images import read_photo
from amodal.scene import Instance, Scene

HEIGHT_PX, CAPTION_PX, GAP_PX, WIDTH_PX = 300, 34, 10, 1600
MOST_WIDTH_PX = 460
AROUND = 0.25  # of the box's longer side, shown on each side of it
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
    photo = read_photo(str(truth.path))
    one = truth.scene.instance(id)
    known = truth.scene.with_instances(truth.given)
    tiles = [Tile("input", _window(draw_boxes(_boxed(known, id), photo), truth, one), INK)]
    for name, scene in zip(names, predicted, strict=True):
        found = pair(truth, scene)[id]
        said = "missed" if found is None else f"{100 * found.modal.iou(one.modal):.0f}"
        if found is not None and "amodal" in truth.knows:
            said += f" / {100 * found.amodal.iou(one.amodal):.0f}"
        tiles.append(Tile(f"{name}: {said}", _window(_painted(scene, photo), truth, one), INK))
    tiles.append(Tile("truth", _window(_painted(truth.scene, photo), truth, one), INK))
    pictures = [captioned(tile, CAPTION_PX) for tile in tiles]
    hidden = f", {one.occlusion:.0%} hidden" if "amodal" in truth.knows else ""
    return Cut(group, f"{truth.scene.image}: {one.label} {one.id}{hidden}", in_rows(pictures, WIDTH_PX, GAP_PX))


def _boxed(scene: Scene, id: int) -> Scene:
    """The object asked about alone, so that its box is seen."""
    return scene.with_instances([one for one in scene.instances if one.id == id])


def _painted(scene: Scene, photo: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    shown = [one for one in scene.instances if not one.amodal.is_empty]
    order = replace(
        scene.order, edges=tuple(e for e in scene.order.edges if {e.front, e.behind} <= {o.id for o in shown})
    )
    scene = replace(scene, instances=tuple(shown), order=order)
    return paint_masks(scene, photo, canvas_for(scene, photo))


def _window(picture: UInt8[np.ndarray, "rows columns 3"], truth: Truth, one: Instance) -> UInt8[np.ndarray, "h w 3"]:
    """What lies around the object's box, at one height for all tiles."""
    x0, y0, x1, y1 = one.box
    around = AROUND * max(x1 - x0, y1 - y0)
    scale = picture.shape[1] / truth.scene.width
    left, right = (round(scale * min(max(side, 0), truth.scene.width)) for side in (x0 - around, x1 + around))
    top, bottom = (round(scale * min(max(side, 0), truth.scene.height)) for side in (y0 - around, y1 + around))
    part = picture[top : max(bottom, top + 1), left : max(right, left + 1)]
    factor = min(HEIGHT_PX / part.shape[0], MOST_WIDTH_PX / part.shape[1])
    size = max(1, round(part.shape[1] * factor)), max(1, round(part.shape[0] * factor))
    return np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC))
