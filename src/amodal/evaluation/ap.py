"""Average precision as COCO defines it: of boxes (det), whole masks (amodal) and visible masks (inmodal).

Matching and precision are faster-coco-eval's. The overlaps are handed to it: counted by `strokes` for all photos at
once, and only where they can reach one half, the least threshold. Nothing is decoded or encoded for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from faster_coco_eval import COCO, COCOeval_faster
from jaxtyping import Bool, Float64, Int64

from amodal.data.truth import Truth
from amodal.evaluation.levels import rounded
from amodal.evaluation.pairing import align, check_classes, known_classes
from amodal.evaluation.strokes import areas, frames_of, overlaps
from amodal.imports import without_collecting
from amodal.masks import CropMask
from amodal.scene import Scene

KINDS = {"det": "boxes", "amodal": "amodal", "inmodal": "modal"}  # kind -> what truth must know for it
MOST_DETECTIONS = 100  # of one class in one photo, as in COCO
_LEAST_IOU = 0.5  # the lowest threshold: what is below never matches
_EVERYWHERE = None  # a region to ignore that is the whole photo


@dataclass(frozen=True)
class Precision:
    """In percent; nan where truth has no object.

    Attributes:
        ap: mean over IoU .50:.05:.95 and classes.
        ap50, ap75: at these thresholds alone.
        per_class: class -> AP; only classes that truth has objects of.
    """

    ap: float
    ap50: float
    ap75: float
    per_class: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, object]:
        """Plain values."""
        per_class = {label: rounded(value) for label, value in self.per_class.items()}
        return {"AP": rounded(self.ap), "AP50": rounded(self.ap50), "AP75": rounded(self.ap75), "per_class": per_class}


def average_precision(truths: Sequence[Truth], predictions: Sequence[Scene]) -> dict[str, Precision]:
    """AP of "det", "amodal" and "inmodal", each over the photos whose truth knows it; absent where none does.

    Neither right nor wrong are predictions on objects that are not scored, in regions to ignore and, where they hit
    nothing, of classes that the photo lacks annotation of. At most 100 predictions of a class count in a photo.

    Raises:
        InputError: predictions for unknown photos, of another size or of unknown classes.
    """
    check_classes(truths, predictions)
    scenes = align(truths, predictions)
    kinds = {kind: np.array([known in truth.knows for truth in truths], bool) for kind, known in KINDS.items()}
    labels = sorted(known_classes(truths))
    with without_collecting():
        table = _table(truths, scenes, labels)
        matcher = _Matcher(table, len(truths), labels) if labels else None
        shares = {"det": _box_shares(table)}
        if (kinds["amodal"] | kinds["inmodal"]).any():
            shares |= _mask_shares(table)
        found = {}
        for kind, photos in kinds.items():
            if photos.any() and matcher is not None:
                found[kind] = matcher.precision(np.flatnonzero(photos), shares[kind], labels)
    return found


@dataclass(frozen=True, eq=False)
class _Table:
    """All true objects (and regions to ignore) and all predictions as columns, and the pairs of one photo and class.

    `cells` are photo * classes + class, sorted among the predictions, whose best 100 of a cell are here, best first.
    Pairs run over the predictions of a cell and, for each, over its true objects; `cuts` says where a cell's begin.
    """

    true_cells: Int64[np.ndarray, " true"]
    true_boxes: Float64[np.ndarray, "true 4"]  # x, y, width, height
    ignored: Bool[np.ndarray, " true"]
    everywhere: Bool[np.ndarray, " true"]
    true_modal: list[CropMask]
    true_amodal: list[CropMask]
    cells: Int64[np.ndarray, " predicted"]
    boxes: Float64[np.ndarray, "predicted 4"]
    scores: Float64[np.ndarray, " predicted"]
    modal: list[CropMask]
    amodal: list[CropMask]
    pair_true: Int64[np.ndarray, " pairs"]
    pair_predicted: Int64[np.ndarray, " pairs"]
    shapes: dict[int, tuple[int, int, int]]  # cell -> first pair, predictions, true objects


def _table(truths: Sequence[Truth], scenes: Sequence[Scene | None], labels: Sequence[str]) -> _Table:
    number = {label: index for index, label in enumerate(labels)}
    rows = [row for photo, truth in enumerate(truths) for row in _true_rows(photo, truth, number)]
    rows.sort(key=lambda row: row[0])  # stable: cells in order, their objects as they came
    found = [
        (photo * len(labels) + number[one.label], one)
        for photo, scene in enumerate(scenes)
        for one in (scene.instances if scene is not None else ())
    ]
    true_cells = np.array([row[0] for row in rows], np.int64)
    cells = np.array([cell for cell, _ in found], np.int64)
    scores = np.array([one.score for _, one in found], np.float64)
    best = np.lexsort((-scores, cells))  # stable, as COCO's sort is
    cells = cells[best]
    rank = np.arange(len(best)) - np.searchsorted(cells, cells)
    best, cells = best[rank < MOST_DETECTIONS], cells[rank < MOST_DETECTIONS]
    kept = [found[index][1] for index in best]
    # Pairs: every prediction with the run of true objects of its cell.
    begin, end = np.searchsorted(true_cells, cells), np.searchsorted(true_cells, cells, "right")
    partners = end - begin
    pair_predicted = np.repeat(np.arange(len(cells)), partners)
    first_pair = np.cumsum(partners) - partners
    pair_true = np.arange(len(pair_predicted)) + np.repeat(begin - first_pair, partners)
    own, first, amount = np.unique(cells, return_index=True, return_counts=True)
    shapes = dict(
        zip(
            own.tolist(),
            zip(first_pair[first].tolist(), amount.tolist(), partners[first].tolist(), strict=True),
            strict=True,
        )
    )
    return _Table(
        true_cells=true_cells,
        true_boxes=_xywh([row[1] for row in rows]),
        ignored=np.array([row[2] for row in rows], bool),
        everywhere=np.array([row[3] is _EVERYWHERE for row in rows], bool),
        true_modal=[row[3] or _NO_MASK for row in rows],
        true_amodal=[row[4] or _NO_MASK for row in rows],
        cells=cells,
        boxes=_xywh([one.box for one in kept]),
        scores=scores[best],
        modal=[one.modal for one in kept],
        amodal=[one.amodal for one in kept],
        pair_true=pair_true,
        pair_predicted=pair_predicted,
        shapes=shapes,
    )


_NO_MASK = CropMask.empty(1, 1)
_Row = tuple[int, tuple[float, ...], bool, CropMask | None, CropMask | None]  # cell, box, ignored, modal, amodal


def _true_rows(photo: int, truth: Truth, number: Mapping[str, int]) -> Iterator[_Row]:
    first = photo * len(number)
    for one in truth.given:
        yield first + number[one.label], one.box, one.id in truth.unscored, one.modal, one.amodal
    for region in truth.ignore:
        for index in number.values():
            yield first + index, tuple(map(float, region.box)), True, region, region
    frame = (0.0, 0.0, float(truth.scene.width), float(truth.scene.height))
    for label in sorted(truth.unannotated):
        yield first + number[label], frame, True, _EVERYWHERE, _EVERYWHERE


def _xywh(boxes: Sequence[Sequence[float]]) -> Float64[np.ndarray, "n 4"]:
    corners = np.array(boxes, np.float64).reshape(-1, 4)
    corners[:, 2:] -= corners[:, :2]
    return corners


def _box_shares(table: _Table) -> Float64[np.ndarray, " pairs"]:
    """IoU of boxes, of ignored ones the share of the prediction inside; in COCO's own arithmetic."""
    true, found = table.true_boxes[table.pair_true], table.boxes[table.pair_predicted]
    upper_left = np.maximum(true[:, :2], found[:, :2])
    sides = np.clip(np.minimum(true[:, :2] + true[:, 2:], found[:, :2] + found[:, 2:]) - upper_left, 0, None)
    common, own = sides[:, 0] * sides[:, 1], found[:, 2] * found[:, 3]
    ignored = table.ignored[table.pair_true]
    whole = np.where(ignored, own, own + true[:, 2] * true[:, 3] - common)
    shares = np.divide(common, whole, out=np.zeros(len(common)), where=common > 0)
    shares[table.everywhere[table.pair_true]] = 1.0
    return np.asarray(shares)


def _mask_shares(table: _Table) -> dict[str, Float64[np.ndarray, " pairs"]]:
    """The same of whole and of visible masks; exact where it reaches one half, else 0."""
    sizes = {name: (areas(getattr(table, f"true_{name}")), areas(getattr(table, name))) for name in ("amodal", "modal")}
    # A pair of objects that nothing hides overlaps alike both ways.
    hidden = [whole != seen for whole, seen in zip(sizes["amodal"], sizes["modal"], strict=True)]
    differ = hidden[0][table.pair_true] | hidden[1][table.pair_predicted]
    amodal = _shares(table, table.true_amodal, table.amodal, sizes["amodal"], np.ones(len(differ), bool))
    modal = _shares(table, table.true_modal, table.modal, sizes["modal"], differ)
    return {"amodal": amodal, "inmodal": np.where(differ, modal, amodal)}


def _shares(
    table: _Table,
    true: list[CropMask],
    found: list[CropMask],
    sizes: tuple[Int64[np.ndarray, " true"], Int64[np.ndarray, " predicted"]],
    wanted: Bool[np.ndarray, " pairs"],
) -> Float64[np.ndarray, " pairs"]:
    true_area, found_area = sizes[0][table.pair_true], sizes[1][table.pair_predicted]
    a, b = frames_of(true)[table.pair_true, 2:], frames_of(found)[table.pair_predicted, 2:]
    sides = np.clip(np.minimum(a[:, 2:], b[:, 2:]) - np.maximum(a[:, :2], b[:, :2]), 0, None)
    most = np.minimum(np.minimum(true_area, found_area), sides[:, 0] * sides[:, 1])
    ignored, everywhere = table.ignored[table.pair_true], table.everywhere[table.pair_true]
    least_whole = np.where(ignored, found_area, true_area + found_area - most)
    asked = np.flatnonzero((most > 0) & (most >= _LEAST_IOU * least_whole) & ~everywhere & wanted)
    common = overlaps(
        [true[i] for i in table.pair_true[asked].tolist()], [found[i] for i in table.pair_predicted[asked].tolist()]
    )
    whole = np.where(ignored[asked], found_area[asked], true_area[asked] + found_area[asked] - common)
    shares = np.zeros(len(most))
    shares[asked] = common / whole
    shares[everywhere & (found_area > 0)] = 1.0
    return shares


class _Matcher(COCOeval_faster):  # type: ignore[misc]
    """COCO's matching over overlaps that it is given, so that one set of objects serves all three kinds."""

    def __init__(self, table: _Table, photos: int, labels: Sequence[str]) -> None:
        self._table, self._shares, self._classes = table, np.zeros(0), len(labels)
        images = [{"id": photo + 1} for photo in range(photos)]
        categories = [{"id": index + 1, "name": label} for index, label in enumerate(labels)]
        true = _annotations(table.true_cells, len(labels))
        for annotation, crowd in zip(true, table.ignored.tolist(), strict=True):
            annotation["iscrowd"] = int(crowd)
        found = _annotations(table.cells, len(labels))
        for annotation, score in zip(found, table.scores.tolist(), strict=True):
            annotation["score"] = score
        sides = [_coco(images, categories, annotations) for annotations in (true, found)]
        super().__init__(*sides, iouType="bbox", print_function=_say_nothing)
        self.params.areaRng, self.params.areaRngLbl = [[0, 1e10]], ["all"]
        self.params.maxDets = [MOST_DETECTIONS]
        super()._prepare()

    def precision(
        self, photos: Int64[np.ndarray, " photos"], shares: Float64[np.ndarray, " pairs"], labels: Sequence[str]
    ) -> Precision:
        """The scores for these overlaps, over these photos."""
        self._shares = shares
        self.params.imgIds = (photos + 1).tolist()
        self.evaluate()
        self.accumulate()
        by_class = self.eval["precision"][:, :, :, 0, 0]  # thresholds, recalls, classes; -1 where truth has no object
        present = [index for index in range(len(labels)) if (by_class[:, :, index] > -1).any()]
        if not present:
            return Precision(float("nan"), float("nan"), float("nan"))
        chosen = 100 * by_class[:, :, present]
        per_class = {labels[index]: float(chosen[:, :, place].mean()) for place, index in enumerate(present)}
        return Precision(float(chosen.mean()), float(chosen[0].mean()), float(chosen[5].mean()), per_class)

    def computeIoU(self, imgId: int, catId: int) -> Any:
        """What the library asks for, once for every photo and class with objects on both sides."""
        first, predicted, true = self._table.shapes[(imgId - 1) * self._classes + catId - 1]
        return self._shares[first : first + predicted * true].reshape(predicted, true)

    def _prepare(self) -> None:
        """Done once, when made."""


def _annotations(cells: Int64[np.ndarray, " n"], classes: int) -> list[dict[str, Any]]:
    photo, label = np.divmod(cells, classes)
    return [
        {"id": number, "image_id": image, "category_id": category, "area": 1.0}
        for number, (image, category) in enumerate(
            zip((photo + 1).tolist(), (label + 1).tolist(), strict=True), start=1
        )
    ]


def _coco(images: list[dict[str, Any]], categories: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> COCO:
    coco = COCO()
    coco.dataset = {"images": images, "categories": categories, "annotations": annotations}
    coco.createIndex()
    return coco


def _say_nothing(*_: object) -> None:
    """The library tells of its progress; we do not."""
