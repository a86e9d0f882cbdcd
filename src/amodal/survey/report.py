"""Statistics as a table to read and as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from typing import Any

from amodal.survey.kitti_boxes import BoxConsistency
from amodal.survey.statistics import LAST_BIN, LEVEL_BINS, ShapeMeans, Statistics
from amodal.survey.voting import Agreement

UNKNOWN = "not known"


def statistics_json(found: Statistics, boxes: BoxConsistency | None = None) -> dict[str, Any]:
    """Plain values; what the data do not say is null."""
    return asdict(found) | {"kitti_boxes": None if boxes is None else asdict(boxes)}


def statistics_text(found: Statistics, boxes: BoxConsistency | None = None) -> str:
    """Tables in the sequence of the paper of KINS."""
    parts = [_overview(found), _classes(found), _shapes(found), _occlusion(found)]
    if boxes is not None:
        parts.append(_boxes(boxes))
    return "\n\n".join(parts)


def agreement_json(found: Agreement) -> dict[str, Any]:
    """Plain values."""
    missing = {name: [list(key) for key in keys] for name, keys in found.missing.items()}
    return asdict(found) | {"missing": {name: len(keys) for name, keys in missing.items()}, "not_drawn": missing}


def agreement_text(found: Agreement, most: int = 10) -> str:
    """The matrix, annotators of the first stage as columns, and the objects to be drawn again."""
    head = ["mean IoU", *found.columns]
    rows = [
        [name, *("-" if value is None else f"{value:.3f}" for value in row)]
        for name, row in zip(found.rows, found.matrix, strict=True)
    ]
    lines = [*_table([head, *rows]), "", *_objects_compared(found)]
    for name, keys in found.missing.items():
        if keys:
            lines += ["", f"{name}: {len(keys)} objects of others not drawn, in no mean of its row and column:"]
            lines += _first_of([f"  {photo}: object {id}" for photo, id in keys], most)
    if found.doubtful:
        lines += ["", f"{len(found.doubtful)} objects to be drawn again, those that differ most:"]
        said = [f"  {photo}: object {id}: mean IoU {iou:.3f}" for photo, id, iou in found.doubtful]
        lines += _first_of(said, most)
    return "\n".join(lines)


def _objects_compared(found: Agreement) -> list[str]:
    counts = {count for row in found.counts for count in row}
    if len(counts) == 1:
        return [f"{counts.pop():,} objects in every cell"]
    rows = [[name, *(f"{count:,}" for count in row)] for name, row in zip(found.rows, found.counts, strict=True)]
    return _table([["objects", *found.columns], *rows])


def _first_of(lines: Sequence[str], most: int) -> list[str]:
    rest = len(lines) - most
    return [*lines[:most], *([f"  and {rest:,} more (--json lists all)"] if rest > 0 else [])]


def _overview(found: Statistics) -> str:
    rows = [
        ["photos", f"{found.photos:,}"],
        ["objects", f"{found.objects:,}"],
        ["objects per photo", f"{found.objects_per_photo:.2f}"],
        ["points per polygon", _number(found.points_per_polygon)],
        ["pixels covered", _percent(found.coverage)],
        ["objects occluded (1 % and more)", _percent(found.occluded_share)],
        ["mean occlusion of those", _percent(found.mean_occlusion)],
    ]
    return "\n".join(_table(rows))


def _classes(found: Statistics) -> str:
    rows = [["class", "", "objects", "share"]]
    for general, members in groupby(found.classes, lambda row: row.general):
        inside = list(members)
        rows.append(
            [general, "", f"{sum(one.objects for one in inside):,}", _percent(sum(one.share for one in inside))]
        )
        rows += [["", one.label, f"{one.objects:,}", _percent(one.share)] for one in inside]
    return "\n".join(_table(rows, left=2))


def _shapes(found: Statistics) -> str:
    def row(name: str, means: ShapeMeans | None) -> list[str]:
        if means is None:
            return [name, UNKNOWN, "", ""]
        return [name, f"{means.convexity:.3f}", f"{means.simplicity:.3f}", f"{means.objects:,}"]

    head = ["shapes", "convexity", "simplicity", "objects"]
    return "\n".join(_table([head, row("inmodal", found.modal_shapes), row("amodal", found.amodal_shapes)]))


def _occlusion(found: Statistics) -> str:
    steps = [f"{100 * k // LEVEL_BINS}-{100 * (k + 1) // LEVEL_BINS} %" for k in range(LEVEL_BINS)]
    values = [*map(str, range(LAST_BIN)), f"{LAST_BIN}+"]
    lines = _histogram("occlusion level", steps, found.occlusion_levels, "occluded objects")
    lines += [
        "",
        *_histogram("max match number", values, found.match_numbers, "objects, by how many others overlap them"),
    ]
    lines += [
        "",
        *_histogram("max occlusion order", values, found.occlusion_orders, "clusters, by their occluded objects"),
    ]
    if found.orders_above_6 is not None:
        lines.append(f"  clusters above {LAST_BIN}: {_percent(found.orders_above_6)}")
    return "\n".join(lines)


def _boxes(boxes: BoxConsistency) -> str:
    steps = [f"{k / len(boxes.histogram):.2f}" for k in range(len(boxes.histogram))]
    lines = _histogram("box consistency with KITTI's labels", steps, boxes.histogram, "photos, by their mean IoU from")
    said = f"  {boxes.photos:,} photos, mean IoU {boxes.mean_iou:.3f}, above 0.65: {_percent(boxes.good_share)}; "
    return "\n".join([*lines, said + f"{boxes.unpaired:,} of {boxes.boxes:,} labelled boxes without a counterpart"])


def _histogram(name: str, steps: Sequence[str], counts: Sequence[int] | None, unit: str) -> list[str]:
    if counts is None:
        return [f"{name}: {UNKNOWN}"]
    most = max([*counts, 1])
    width = max(map(len, steps))
    bars = [
        f"  {step:>{width}}  {count:>9,}  {'█' * round(30 * count / most)}".rstrip()
        for step, count in zip(steps, counts, strict=True)
    ]
    return [f"{name} ({unit})", *bars]


def _table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Columns of one width; the first `left` ones begin at the left."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    aligned = (
        [
            text.ljust(width) if k < left else text.rjust(width)
            for k, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    )
    return ["  ".join(row).rstrip() for row in aligned]


def _percent(share: float | None) -> str:
    return UNKNOWN if share is None else f"{100 * share:.2f} %"


def _number(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.2f}"
