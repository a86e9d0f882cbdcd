"""Statistics of a data set, as in the paper of KINS: Table 1, Table 2, Fig. 4 and the numbers around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import fmean

from amodal.data.entries import Source
from amodal.errors import InputError
from amodal.progress import Progress
from amodal.spread import Spread
from amodal.survey.numbers import PhotoNumbers, numbers_of

GENERAL = {
    "pedestrian": "people",
    "cyclist": "people",
    "person-sitting": "people",
    "person": "people",
    "car": "vehicle",
    "van": "vehicle",
    "tram": "vehicle",
    "truck": "vehicle",
    "misc": "vehicle",
    "bus": "vehicle",
    "bicycle": "vehicle",
    "motorcycle": "vehicle",
}
"""KINS's first layer of classes, and where COCO's classes of the street belong; `misc` are vehicles in KINS."""

OTHER = "other"
LAST_BIN = 6  # Fig. 4c ends with "6 and more"
LEVEL_BINS = 10
PHOTOS_AT_ONCE = 64  # that a worker elsewhere measures and tells together


@dataclass(frozen=True)
class ClassCount:
    """A row of Table 1."""

    general: str
    label: str
    objects: int
    share: float


@dataclass(frozen=True)
class ShapeMeans:
    """A column of Table 2: means over objects."""

    objects: int
    convexity: float
    simplicity: float


@dataclass(frozen=True)
class Statistics:
    """What `statistics_of` found; None where the data do not say it.

    Attributes:
        photos, objects: how many.
        objects_per_photo: mean; and how many photos have 0, 1, 2, … objects.
        classes: Table 1, large first within each general class.
        modal_shapes, amodal_shapes: Table 2.
        coverage: share of all pixels that lie in at least one object.
        occluded_share: objects of which 1 % and more is hidden, among all.
        mean_occlusion: the hidden share of those, on average.
        occlusion_levels: Fig. 4a: of the occluded objects, how many hide up to 10 %, 20 %, … 100 %.
        match_numbers: Fig. 4c: objects that 0, 1, … 5, 6 and more others overlap.
        occlusion_orders: Fig. 4c: clusters of two and more with 0, 1, … 5, 6 and more occluded objects.
        orders_above_6: share of those clusters with more than six occluded objects.
        cluster_sizes: objects of a cluster -> clusters; single objects are none.
        points_per_polygon: mean corners of an outline of a whole object, where the file has outlines.
    """

    photos: int
    objects: int
    objects_per_photo: float
    photos_by_objects: dict[int, int]
    classes: tuple[ClassCount, ...]
    modal_shapes: ShapeMeans | None
    amodal_shapes: ShapeMeans | None
    coverage: float | None
    occluded_share: float | None
    mean_occlusion: float | None
    occlusion_levels: tuple[int, ...] | None
    match_numbers: tuple[int, ...] | None
    occlusion_orders: tuple[int, ...] | None
    orders_above_6: float | None
    cluster_sizes: dict[int, int] | None
    points_per_polygon: float | None


def survey(source: Source, progress: Progress | None = None) -> list[PhotoNumbers]:
    """Measure a file photo by photo; of each only its numbers are kept."""
    photos = []
    for number in range(len(source)):
        photos.append(_measured(source, number))
        if progress is not None:
            progress("measuring photos", number + 1, len(source))
    return photos


def survey_spread(open: Callable[[], Source], spread: Spread, progress: Progress | None = None) -> list[PhotoNumbers]:
    """The same by workers elsewhere; each opens the file itself, and no photo's masks are sent."""
    count = len(open())
    spans = [(start, min(count, start + PHOTOS_AT_ONCE)) for start in range(0, count, PHOTOS_AT_ONCE)]
    found: dict[int, list[PhotoNumbers]] = {}
    done = 0
    for start, numbers in spread(spans, partial(_surveyor, open, count)):
        found[start] = numbers
        done += len(numbers)
        if progress is not None:
            progress("measuring photos", done, count)
    return [numbers for start, _ in spans for numbers in found[start]]


def _surveyor(open: Callable[[], Source], count: int) -> Callable[[tuple[int, int]], tuple[int, list[PhotoNumbers]]]:
    source = open()
    if len(source) != count:
        raise InputError("survey", "photos", f"found {len(source)} on a worker's machine", f"expected {count} as here")
    return lambda span: (span[0], [_measured(source, number) for number in range(*span)])


def _measured(source: Source, number: int) -> PhotoNumbers:
    entry = source[number]
    codes = {} if entry.read is None else entry.read.codes
    return numbers_of(entry.truth, [code.whole for code in codes.values()])


def statistics_of(photos: Sequence[PhotoNumbers]) -> Statistics:
    """Counts and means over photos."""
    objects = [one for photo in photos for one in photo.objects]
    levels = [one.occlusion for one in objects if one.occlusion is not None]
    occluded = [one.occlusion for one in objects if one.occlusion is not None and one.occluded]
    matches = [one.matches for one in objects if one.matches is not None]
    groups = [group for photo in photos for group in photo.clusters]
    orders = [hidden for _, hidden in groups]
    corners = [count for photo in photos for count in photo.corners]
    measured = [photo for photo in photos if photo.covered is not None]
    return Statistics(
        photos=len(photos),
        objects=len(objects),
        objects_per_photo=len(objects) / max(1, len(photos)),
        photos_by_objects=_counted([len(photo.objects) for photo in photos]),
        classes=class_counts([one.label for one in objects]),
        modal_shapes=_means([one.modal for one in objects]),
        amodal_shapes=_means([one.amodal for one in objects]),
        coverage=_share(sum(p.covered or 0 for p in measured), sum(p.pixels for p in measured)),
        occluded_share=_share(len(occluded), len(levels)),
        mean_occlusion=fmean(occluded) if occluded else None,
        occlusion_levels=_level_bins(occluded) if levels else None,
        match_numbers=_up_to_last(matches) if matches else None,
        occlusion_orders=_up_to_last(orders) if levels else None,
        orders_above_6=_share(sum(order > LAST_BIN for order in orders), len(orders)) if levels else None,
        cluster_sizes=_counted([size for size, _ in groups]) if matches else None,
        points_per_polygon=fmean(corners) if corners else None,
    )


def class_counts(labels: Sequence[str]) -> tuple[ClassCount, ...]:
    """Table 1 from every object's class."""
    counts = Counter(labels)
    general_counts = Counter(GENERAL.get(label, OTHER) for label in labels)
    rows = [ClassCount(GENERAL.get(label, OTHER), label, count, count / len(labels)) for label, count in counts.items()]
    return tuple(sorted(rows, key=lambda row: (-general_counts[row.general], row.general, -row.objects, row.label)))


def _means(shapes: Iterable[tuple[float, float] | None]) -> ShapeMeans | None:
    known = [shape for shape in shapes if shape is not None]
    if not known:
        return None
    return ShapeMeans(len(known), fmean(convexity for convexity, _ in known), fmean(simple for _, simple in known))


def _level_bins(occlusions: Iterable[float]) -> tuple[int, ...]:
    bins = [0] * LEVEL_BINS
    for occlusion in occlusions:
        bins[min(LEVEL_BINS - 1, int(occlusion * LEVEL_BINS))] += 1
    return tuple(bins)


def _up_to_last(values: Iterable[int]) -> tuple[int, ...]:
    counts = Counter(min(value, LAST_BIN) for value in values)
    return tuple(counts[value] for value in range(LAST_BIN + 1))


def _counted(values: Iterable[int]) -> dict[int, int]:
    return dict(sorted(Counter(values).items()))


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
