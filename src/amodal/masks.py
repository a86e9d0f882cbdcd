"""CropMask: one binary mask of a photo, kept as its tight box and the run lengths inside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt32

from amodal import polygons, rle
from amodal.errors import InputError

IntBox = tuple[int, int, int, int]
_NOTHING: IntBox = (0, 0, 0, 0)


@dataclass(frozen=True, eq=False)
class CropMask:
    """A binary mask of a photo of `height` x `width` pixels; immutable, compared and hashed by content.

    Nothing but `to_dense` ever builds an array of the photo's size: the work and the memory of every
    operation grow with the number of runs and the width of the boxes.

    Attributes:
        height, width: the photo's frame in pixels; a mask ends there.
        box: the tight box of the mask, XYXY, half-open; (0, 0, 0, 0) when the mask is empty.
        runs: alternating run lengths down the columns of the box, background first (COCO's order); read-only.
            Only the first may be 0. No runs when the mask is empty.

    Raises:
        InputError: the frame is too large, the box leaves it or is not tight, the runs do not fill the box.
    """

    height: int
    width: int
    box: IntBox
    runs: UInt32[np.ndarray, " runs"]

    def __post_init__(self) -> None:
        height, width = rle.check_size((self.height, self.width), "CropMask")
        runs = np.asarray(self.runs)
        if runs.ndim != 1 or (runs.size and (runs.dtype.kind not in "iu" or int(runs.min()) < 0)):
            raise InputError("CropMask", "runs", f"found {runs.dtype} {runs.shape}", "expected run lengths")
        box = tuple(int(edge) for edge in self.box)
        if len(box) != 4:
            raise InputError("CropMask", "box", f"found {len(box)} numbers", "expected x0, y0, x1, y1")
        _check_tight(box, runs, height, width)
        object.__setattr__(self, "height", height)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "box", box)
        # An array over bytes can never be made writeable again, unlike one whose flag is merely cleared.
        object.__setattr__(self, "runs", np.frombuffer(runs.astype(np.uint32).tobytes(), np.uint32))

    @classmethod
    def _unchecked(cls, height: int, width: int, box: IntBox, runs: np.ndarray) -> CropMask:
        """For what was made right: checking it again costs as much as making it."""
        mask = cls.__new__(cls)
        # An array over bytes can never be made writeable again, unlike one whose flag is merely cleared.
        read_only = np.frombuffer(runs.astype(np.uint32).tobytes(), np.uint32)
        for name, value in (("height", height), ("width", width), ("box", box), ("runs", read_only)):
            object.__setattr__(mask, name, value)
        return mask

    @classmethod
    def empty(cls, height: int, width: int) -> CropMask:
        """The mask without a pixel."""
        return cls(height, width, _NOTHING, np.zeros(0, np.uint32))

    @classmethod
    def from_dense(cls, mask: np.ndarray) -> CropMask:
        """From a whole frame [height, width] of booleans or whole numbers (anything but 0 is the object)."""
        mask = _two_dimensional(mask)
        return cls.from_crop(mask, 0, 0, *mask.shape)

    @classmethod
    def from_crop(cls, mask: np.ndarray, x0: int, y0: int, height: int, width: int) -> CropMask:
        """From a window [h, w] whose upper left pixel is (x0, y0) of the photo; cut off at the frame."""
        mask = _two_dimensional(mask)
        height, width = rle.check_size((height, width), "CropMask")
        left, top = max(0, -x0), max(0, -y0)
        inside = mask[top : max(top, height - y0), left : max(left, width - x0)]
        rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
        if rows.size == 0:
            return cls.empty(height, width)
        row, column = int(rows[0]), int(columns[0])
        tight = inside[row : int(rows[-1]) + 1, column : int(columns[-1]) + 1] != 0
        down_columns = tight.ravel(order="F")
        changes = np.flatnonzero(down_columns[1:] != down_columns[:-1]) + 1
        first_is_object = [0] if down_columns[0] else []  # the first run is background, possibly of no pixel
        bounds = np.concatenate(([0], first_is_object, changes, [down_columns.size]))
        box_x0, box_y0 = x0 + left + column, y0 + top + row
        box = (box_x0, box_y0, box_x0 + tight.shape[1], box_y0 + tight.shape[0])
        return cls._unchecked(height, width, box, bounds[1:] - bounds[:-1])

    @classmethod
    def from_box(cls, box: Sequence[float], height: int, width: int) -> CropMask:
        """Every pixel whose centre lies in the XYXY box."""
        edges = np.asarray(box, np.float64)
        if edges.shape != (4,) or not np.isfinite(edges).all():
            raise InputError("CropMask", "box", f"found {box}", "expected four finite numbers")
        x0, y0, x1, y1 = edges
        return cls.from_polygons([[x0, y0, x1, y0, x1, y1, x0, y1]], height, width)

    @classmethod
    def from_coco_rle(cls, encoded: Mapping[str, Any], where: str = "RLE") -> CropMask:
        """From COCO's `{"size": [height, width], "counts": text, bytes or list}`.

        Raises:
            InputError: the code is malformed; the message begins with `where` and names the field.
        """
        height, width, runs = rle.decode_coco(encoded, where)
        return cls.from_intervals(rle.runs_to_intervals(runs), height, width)

    @classmethod
    def from_polygons(
        cls, outlines: Iterable[Sequence[float]], height: int, width: int, where: str = "CropMask"
    ) -> CropMask:
        """The union of polygons, each [x, y, x, y, ...] in pixels with at least three corners.

        A pixel belongs to a polygon when its centre (x + .5, y + .5) lies inside by the even-odd rule; a
        centre exactly on an edge belongs to what is right of or below that edge. So polygons that share an
        edge share no pixel.

        Raises:
            InputError: a polygon with too few or an odd number of coordinates, or one that is not finite or too
                large; the message begins with `where` and names the polygon.
        """
        height, width = rle.check_size((height, width), "CropMask")
        parts = []
        for number, outline in enumerate(outlines):
            corners = polygons.check_outline(outline, f"{where}: polygon {number}")
            parts.append(polygons.fill(corners, height, width))
        return cls.from_intervals(rle.union_of(parts), height, width)

    def to_coco_rle(self) -> dict[str, Any]:
        """COCO's compressed code `{"size": [height, width], "counts": text}`, byte for byte pycocotools'."""
        runs = rle.intervals_to_runs(self.intervals(), self.height * self.width)
        return {"size": [self.height, self.width], "counts": rle.counts_to_text(runs)}

    def to_polygons(self) -> list[list[float]]:
        """Outlines along the pixels' edges; `from_polygons` gives the same mask back, holes included.

        One polygon for each 4-connected part; a hole is joined to its outline by a cut of no width.
        """
        return [ring.astype(np.float64).ravel().tolist() for ring in polygons.outlines(*self._columns())]

    def rings(self) -> list[Int64[np.ndarray, "corners 2"]]:
        """Closed outlines (x, y) along the pixels' edges, one for each 4-connected part and one for each hole."""
        return polygons.rings(*self._columns())

    def to_dense(self) -> Bool[np.ndarray, "height width"]:
        """The whole frame. The only method whose memory grows with the photo."""
        return self.to_crop((0, 0, self.width, self.height))

    def to_crop(self, box: IntBox | None = None) -> Bool[np.ndarray, "h w"]:
        """The window `box` (XYXY pixels, half-open, may leave the frame); without one, the mask's own box."""
        x0, y0, x1, y1 = self.box if box is None else (int(edge) for edge in box)
        if x1 < x0 or y1 < y0 or (x1 - x0) * (y1 - y0) > rle.MAX_FRAME_PX:
            found = f"found ({x0}, {y0}, {x1}, {y1})"
            raise InputError("CropMask.to_crop", "box", found, "expected x0 <= x1, y0 <= y1, not too large")
        x, top, bottom = self._columns()
        top, bottom = np.maximum(top, y0), np.minimum(bottom, y1)
        kept = (top < bottom) & (x >= x0) & (x < x1)
        offset = (x[kept] - x0) * (y1 - y0) - y0
        intervals = rle.join_touching(offset + top[kept], offset + bottom[kept])
        runs = rle.intervals_to_runs(intervals, (x1 - x0) * (y1 - y0))
        colours = np.arange(len(runs)) % 2 == 1
        return np.ascontiguousarray(np.repeat(colours, runs).reshape(x1 - x0, y1 - y0).T)

    @property
    def area(self) -> int:
        """How many pixels."""
        return int(self.runs[1::2].sum(dtype=np.int64))

    @property
    def is_empty(self) -> bool:
        """Whether there is no pixel."""
        return not len(self.runs)

    def union(self, other: CropMask) -> CropMask:
        """The pixels of either mask; also `a | b`."""
        return self._combined(other, rle.UNION)

    def intersection(self, other: CropMask) -> CropMask:
        """The pixels of both masks; also `a & b`."""
        if not self._boxes_meet(other):
            return CropMask.empty(self.height, self.width)
        return self._combined(other, rle.INTERSECTION)

    def subtract(self, other: CropMask) -> CropMask:
        """The pixels of this mask that are not in the other; also `a - b`."""
        return self._combined(other, rle.DIFFERENCE) if self._boxes_meet(other) else self

    __or__, __and__, __sub__ = union, intersection, subtract

    def intersection_area(self, other: CropMask) -> int:
        """How many pixels both masks have."""
        if not self._boxes_meet(other):
            return 0
        starts, ends = rle.combine(self.intervals(), other.intervals(), rle.INTERSECTION)
        return int((ends - starts).sum())

    def iou(self, other: CropMask) -> float:
        """Intersection over union; 0 for two empty masks, as in pycocotools."""
        common = self.intersection_area(other)
        return common / (self.area + other.area - common) if common else 0.0

    def contains(self, other: CropMask) -> bool:
        """Whether every pixel of the other mask is in this one."""
        return self.intersection_area(other) == other.area

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, CropMask):
            return NotImplemented
        return self._content() == other._content()

    def __hash__(self) -> int:
        return hash(self._content())

    def __repr__(self) -> str:
        return f"CropMask({self.height}x{self.width}, box={self.box}, area={self.area})"

    def __reduce__(self) -> tuple[type[CropMask], tuple[int, int, IntBox, np.ndarray]]:
        # Through the constructor, so that copies and unpickled masks are checked and read-only too.
        return CropMask, (self.height, self.width, self.box, self.runs)

    @classmethod
    def from_intervals(cls, intervals: rle.Intervals, height: int, width: int) -> CropMask:
        """From sorted half-open intervals of pixel numbers x * height + y that neither overlap nor leave the frame."""
        x, top, bottom = _split_at_columns(intervals, height)
        if len(x) == 0:
            return cls.empty(height, width)
        x0, y0, x1, y1 = int(x[0]), int(top.min()), int(x[-1]) + 1, int(bottom.max())
        offset = (x - x0) * (y1 - y0) - y0
        inside = rle.join_touching(offset + top, offset + bottom)
        return cls(height, width, (x0, y0, x1, y1), rle.intervals_to_runs(inside, (x1 - x0) * (y1 - y0)))

    def _columns(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
        """The mask as vertical strokes of the photo: column x, first row, row after the last."""
        x0, y0, _, y1 = self.box
        x, top, bottom = _split_at_columns(rle.runs_to_intervals(self.runs), y1 - y0)
        return x + x0, top + y0, bottom + y0

    def intervals(self) -> rle.Intervals:
        """Sorted half-open (starts, ends) of pixel numbers x * height + y, for sweeps over many masks."""
        x, top, bottom = self._columns()
        return rle.join_touching(x * self.height + top, x * self.height + bottom)

    def _combined(self, other: CropMask, table: tuple[bool, bool, bool]) -> CropMask:
        self._check_same_frame(other)
        found = rle.combine(self.intervals(), other.intervals(), table)
        return CropMask.from_intervals(found, self.height, self.width)

    def _boxes_meet(self, other: CropMask) -> bool:
        self._check_same_frame(other)
        (ax0, ay0, ax1, ay1), (bx0, by0, bx1, by1) = self.box, other.box
        return max(ax0, bx0) < min(ax1, bx1) and max(ay0, by0) < min(ay1, by1)

    def _check_same_frame(self, other: CropMask) -> None:
        if (self.height, self.width) != (other.height, other.width):
            found = f"found {other.height} x {other.width}"
            raise InputError("CropMask", "frame", found, f"expected {self.height} x {self.width}")

    def _content(self) -> tuple[int, int, IntBox, bytes]:
        return self.height, self.width, self.box, self.runs.tobytes()


def masks_of_windows(
    pixels: Bool[np.ndarray, " pixels"], windows: Int64[np.ndarray, "n 4"], frames: Int64[np.ndarray, "n 2"]
) -> list[CropMask]:
    """The masks of many windows at once: as `from_crop` of each, in a fraction of the time.

    `pixels`: of all windows, one behind the other, each down its columns; `windows`: XYXY, none empty, inside their
    `frames` (height, width).
    """
    rows = windows[:, 3] - windows[:, 1]
    count = rows * (windows[:, 2] - windows[:, 0])
    first = np.cumsum(count) - count
    is_top = np.zeros(len(pixels) + 1, bool)
    for begin, many, step in zip(first.tolist(), count.tolist(), rows.tolist(), strict=True):
        is_top[begin : begin + many : step] = True
    is_top[-1:] = True
    # Strokes down a column: where they begin and end among all pixels, and from there in their windows.
    starts = np.flatnonzero(pixels & (is_top[:-1] | ~np.append(False, pixels[:-1])))
    ends = np.flatnonzero(pixels & (is_top[1:] | ~np.append(pixels[1:], False))) + 1
    owner = np.searchsorted(first, starts, side="right") - 1
    x, top = np.divmod(starts - first[owner], rows[owner])
    bottom = top + ends - starts
    whose = np.flatnonzero(np.bincount(owner, minlength=len(windows)))
    boxes, runs = _tight_runs(np.searchsorted(whose, owner), x, top, bottom)
    boxes += np.tile(windows[whose, :2], 2)
    found = {
        n: CropMask._unchecked(height, width, (x0, y0, x1, y1), own)
        for n, (height, width), (x0, y0, x1, y1), own in zip(
            whose.tolist(), frames[whose].tolist(), boxes.tolist(), runs, strict=True
        )
    }
    return [found.get(n) or CropMask.empty(*frame) for n, frame in enumerate(frames.tolist())]


def _tight_runs(
    owner: Int64[np.ndarray, " strokes"],
    x: Int64[np.ndarray, " strokes"],
    top: Int64[np.ndarray, " strokes"],
    bottom: Int64[np.ndarray, " strokes"],
) -> tuple[Int64[np.ndarray, "masks 4"], list[Int64[np.ndarray, " runs"]]]:
    """Tight boxes (XYXY) and the runs inside, of masks 0, 1, ... whose strokes come by mask, column and row."""
    if not len(owner):
        return np.zeros((0, 4), np.int64), []
    count = np.bincount(owner)
    first = np.cumsum(count) - count
    x0, x1 = x[first], x[first + count - 1] + 1
    y0, y1 = np.minimum.reduceat(top, first), np.maximum.reduceat(bottom, first)
    height = y1 - y0
    offset = (x - x0[owner]) * height[owner] - y0[owner]
    starts, ends = offset + top, offset + bottom
    # One from the foot of a column to the head of the next is no new run.
    is_new = np.append(True, (owner[1:] != owner[:-1]) | (starts[1:] > ends[:-1]))
    starts, ends, owner = starts[is_new], ends[np.append(is_new[1:], True)], owner[is_new]
    # Each mask's bounds: 0, where each run begins and ends, the box's area.
    count = np.bincount(owner)
    after = np.cumsum(2 * count + 2)
    begin = after - 2 * count - 2
    bounds = np.zeros(after[-1], np.int64)
    place = begin[owner] + 1 + 2 * (np.arange(len(owner)) - (np.cumsum(count) - count)[owner])
    bounds[place], bounds[place + 1], bounds[after - 1] = starts, ends, height * (x1 - x0)
    lengths = np.diff(bounds)
    ends_with_object = lengths[after - 2] == 0
    lasts = (after - 1 - ends_with_object).tolist()
    runs = [lengths[one:other] for one, other in zip(begin.tolist(), lasts, strict=True)]
    return np.stack([x0, y0, x1, y1], 1), runs


def _split_at_columns(
    intervals: rle.Intervals, height: int
) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " n"], Int64[np.ndarray, " n"]]:
    """Cut intervals of x * height + y where a column ends: x, first row, row after the last."""
    starts, ends = intervals
    if len(starts) == 0:
        return starts, starts, starts
    first, last = starts // height, (ends - 1) // height
    pieces = last - first + 1
    owner = np.repeat(np.arange(len(starts)), pieces)
    x = first[owner] + np.arange(len(owner)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    top = np.maximum(starts[owner] - x * height, 0)
    bottom = np.minimum(ends[owner] - x * height, height)
    return x, top, bottom


def _two_dimensional(mask: np.ndarray) -> np.ndarray:
    mask = np.asarray(mask)
    if mask.ndim != 2 or mask.dtype.kind not in "biu":
        found = f"found {mask.dtype} of shape {mask.shape}"
        raise InputError("CropMask", "mask", found, "expected booleans or whole numbers of shape (h, w)")
    return mask


def _check_tight(box: tuple[int, ...], runs: np.ndarray, height: int, width: int) -> None:
    x0, y0, x1, y1 = box
    if runs.size == 0:
        if box != _NOTHING:
            raise InputError("CropMask", "box", f"found {box} without runs", f"expected {_NOTHING}")
        return
    if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
        raise InputError("CropMask", "box", f"found {box}", f"expected a box inside {width} x {height}")
    total, box_area = int(runs.sum(dtype=np.int64)), (x1 - x0) * (y1 - y0)
    if total != box_area or bool((runs[1:] == 0).any()) or len(runs) < 2:
        found = f"found {len(runs)} runs over {total} pixels"
        expected = f"expected runs over {box_area} pixels, none but the first 0"
        raise InputError("CropMask", "runs", found, expected)
    x, top, bottom = _split_at_columns(rle.runs_to_intervals(runs), y1 - y0)
    if (x[0], x[-1], top.min(), bottom.max()) != (0, x1 - x0 - 1, 0, y1 - y0):
        raise InputError("CropMask", "box", f"found {box}, not tight", "expected the mask's own box")
