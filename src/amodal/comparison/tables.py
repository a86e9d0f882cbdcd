"""A comparison as tables of text: what the terminal and the page show."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from amodal.comparison.comparing import LEAST_OVERLAPS, MASKS, Comparison, MethodResult
from amodal.comparison.published import (
    AMODAL,
    DATA,
    MODAL,
    ORDER_ABLATION,
    SOURCE,
    PublishedData,
    PublishedRow,
)
from amodal.evaluation.calibration import Calibration
from amodal.evaluation.intervals import Interval
from amodal.evaluation.levels import LevelTable
from amodal.evaluation.order import OrderScores
from amodal.scene import LEVELS

NOTHING = "–"
MASK_TITLES: Mapping[str, str] = {
    "modal": "Visible masks (modal), mIoU in %",
    "amodal": "Whole masks (amodal), mIoU in %",
    "occluded": "Hidden parts alone, mIoU in %",
    "modal_boundary": "Visible outlines, boundary F within 2 px in %",
    "amodal_boundary": "Whole outlines, boundary F within 2 px in %",
    "box": "Whole boxes, from visible ones, mIoU in %",
}
AP_TITLES: Mapping[str, str] = {"det": "boxes", "amodal": "whole", "inmodal": "visible"}


@dataclass(frozen=True)
class Table:
    """Cells are text; the first column names the row. `best` holds (row, column) of the best of the methods.

    Methods that are given the true visible masks do not compete for it.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""
    best: frozenset[tuple[int, int]] = frozenset()


def tables_of(comparison: Comparison) -> list[Table]:
    """Every table that the comparison's truth allows: masks, order, speed."""
    tables = [_mask_table(comparison.results, what) for what in MASKS if _has(comparison.results, what)]
    for what in ("modal", "amodal"):
        by_class = _by_class(comparison.results, what)
        tables += [by_class] if len(by_class.columns) > 2 else []
    if comparison.rules:
        # Where no mask is known, every pair counts, whatever its overlap.
        kinds = [pairs for pairs, least in LEAST_OVERLAPS.items() if not least or "amodal" in comparison.knows]
        tables += [_order_table(comparison, pairs) for pairs in kinds]
    if any(result.classes is not None for result in comparison.results):
        tables.append(_class_table(comparison.results))
    if any(result.precision.keys() - {"det"} for result in comparison.results) or comparison.labels == "none":
        tables.append(_precision_table(comparison.results))
    if any(result.run.calibration or result.edges for result in comparison.results):
        tables.append(_calibration_table(comparison.results))
    return [*tables, _speed_table(comparison)]


def published_tables(data: PublishedData) -> list[Table]:
    """What the paper printed of such data."""
    tables = [
        Table(
            f"Published, {DATA[data]}: {title}",
            ("", *LEVELS, "mean_levels", "mean_objects"),
            tuple(map(_published_cells, printed[data])),
            SOURCE,
        )
        for title, printed in (("visible masks", MODAL), ("whole masks", AMODAL))
    ]
    if data in ORDER_ABLATION:
        rows = tuple((name, *(f"{v:.1f}" for v in pair)) for name, pair in ORDER_ABLATION[data].items())
        title = f"Published, {DATA[data]}: what the order gives (Table 3)"
        tables.append(Table(title, ("", "visible, mean_objects", "whole, mean_objects"), rows, SOURCE))
    return tables


def as_text(tables: Sequence[Table]) -> str:
    """Tables for a terminal; the best of each column is starred."""
    return "\n\n".join(map(_as_text, tables))


def _has(results: Sequence[MethodResult], what: str) -> bool:
    return any(result.masks is not None and result.masks.by_level(what).objects for result in results)


def _mask_table(results: Sequence[MethodResult], what: str) -> Table:
    scored = [(result.name, result.masks) for result in results if result.masks is not None]
    return _level_table(
        MASK_TITLES[what],
        [(name, masks.by_level(what), masks.intervals(what)) for name, masks in scored],
        _given_truth([result for result in results if result.masks is not None]),
    )


def _by_class(results: Sequence[MethodResult], what: str) -> Table:
    """Means over the objects of each class, the most frequent first."""
    scored = [(result.name, result.masks.by_level(what)) for result in results if result.masks is not None]
    counts = {label: table.objects for _, own in scored[:1] for label, table in own.per_class.items()}
    labels = sorted(counts, key=lambda label: (-counts[label], label))
    values = [[table.per_class[label].mean_objects for label in labels] for _, table in scored]
    rows = [(name, *map(_percent, own)) for (name, _), own in zip(scored, values, strict=True)]
    title = f"{MASK_TITLES[what]}, by class (mean_objects)"
    counted = ("objects", *(str(counts[label]) for label in labels))
    aside = _given_truth([result for result in results if result.masks is not None])
    return Table(title, ("", *labels), (*rows, counted), best=_best(values, aside=aside))


def _class_table(results: Sequence[MethodResult]) -> Table:
    """Of methods that chose the label themselves."""
    chosen = [(result.name, result.classes) for result in results if result.classes is not None]
    return _level_table("Classes right, in %", [(name, found.by_level(), found.intervals()) for name, found in chosen])


def _level_table(
    title: str,
    scored: Sequence[tuple[str, LevelTable, Mapping[str, Interval]]],
    aside: frozenset[int] = frozenset(),
) -> Table:
    rows: list[tuple[str, ...]] = []
    values: list[list[float]] = []
    counts: tuple[str, ...] = ()
    for name, table, intervals in scored:
        own = [table.levels[level] for level in LEVELS] + [table.mean_levels, table.mean_objects]
        values.append(own)
        rows.append((name, *map(_percent, own), _interval(intervals["mean_objects"])))
        # An object of unknown level (only its visible mask is known) counts in mean_objects alone.
        counts = ("objects", *(str(table.counts[level]) for level in LEVELS), "", str(table.objects), "")
    columns = ("", *LEVELS, "mean_levels", "mean_objects", "95 % of mean_objects")
    return Table(title, columns, (*rows, counts), best=_best(values, aside=aside))


def _precision_table(results: Sequence[MethodResult]) -> Table:
    kinds = [kind for kind in AP_TITLES if any(kind in result.precision for result in results)]
    values = [
        [value for kind in kinds for value in (result.precision[kind].ap, result.precision[kind].ap50)]
        for result in results
    ]
    rows = [
        (result.name, *map(_percent, own), *([NOTHING] * (2 * len(kinds) - len(own))))
        for result, own in zip(results, values, strict=True)
    ]
    columns = ("", *(f"{AP_TITLES[kind]} {which}" for kind in kinds for which in ("AP", "AP50")))
    note = "Where true boxes and labels are given, AP of boxes only says that the boxes came back."
    return Table("Average precision, in %", columns, tuple(rows), note, _best(values, aside=_given_truth(results)))


def _calibration_table(results: Sequence[MethodResult]) -> Table:
    found = [[_error(result.run.calibration), _error(result.edges)] for result in results]
    rows = tuple((result.name, *map(_percent, own)) for result, own in zip(results, found, strict=True))
    note = "Expected calibration error; of maps where a method keeps them (keep_posteriors=true)."
    return Table("Calibration error, in %", ("", "maps", "order"), rows, note, _best(found, min, _given_truth(results)))


def _error(found: Calibration | None) -> float:
    return math.nan if found is None else found.ece


def _order_table(comparison: Comparison, pairs: str) -> Table:
    rows: list[tuple[str, ...]] = []
    values: list[list[float]] = []
    scored: list[tuple[str, OrderScores]] = [(result.name, result.order[pairs]) for result in comparison.results]
    scored += [(f"rule: {name}", by_pairs[pairs]) for name, by_pairs in comparison.rules.items()]
    for name, scores in scored:
        own = [scores.precision, scores.recall, scores.f1, scores.accuracy]
        # A method that says nothing of the order has no line to be compared.
        values.append(own if scores.undecided < 100 else [math.nan] * 4)
        shown = map(_percent, own) if scores.undecided < 100 else [NOTHING] * 4
        interval = _interval(scores.intervals()["accuracy"]) if scores.undecided < 100 else NOTHING
        rows.append((name, *shown, _percent(scores.undecided), interval))
    count = scored[0][1].pairs
    title = f"Who is in front, in % ({pairs}: {count} pair{'' if count == 1 else 's'})"
    columns = ("", "precision", "recall", "F1", "accuracy", "undecided", "95 % of accuracy")
    return Table(title, columns, tuple(rows), best=_best(values, aside=_given_truth(comparison.results)))


def _speed_table(comparison: Comparison) -> Table:
    rows = tuple(
        (
            result.name,
            NOTHING if math.isnan(result.run.seconds_per_photo) else f"{result.run.seconds_per_photo:.3f}",
            str(len(result.run.failures)),
        )
        for result in comparison.results
    )
    return Table(
        "Time and failures",
        ("", "seconds per photo", "photos failed"),
        rows,
        "Seconds leave out decoding and the first photos of a run; objects of a failed photo count as missed.",
    )


def _published_cells(row: PublishedRow) -> tuple[str, ...]:
    mean = f"{row.mean:.1f}"
    means = (mean, "") if row.mean_over == "levels" else ("", mean)
    return (row.method, *(f"{value:.1f}" for value in row.levels), *means)


def _given_truth(results: Sequence[MethodResult]) -> frozenset[int]:
    """The rows of methods that complete the true visible masks, which the others must find."""
    return frozenset(row for row, result in enumerate(results) if result.run.spec.sees_truth)


def _best(
    values: Sequence[Sequence[float]], better: Callable[..., float] = max, aside: frozenset[int] = frozenset()
) -> frozenset[tuple[int, int]]:
    """Of each column of values the rows that hold its best, as shown (to a tenth); none where all are alike.

    Rows `aside` do not compete.
    """
    found = set()
    values = [[math.nan] * len(own) if row in aside else own for row, own in enumerate(values)]
    for column, own in enumerate(zip(*values, strict=True), start=1):
        shown = [round(value, 1) for value in own if not math.isnan(value)]
        if len(set(shown)) > 1:
            found |= {(row, column) for row, value in enumerate(own) if round(value, 1) == better(shown)}
    return frozenset(found)


def _percent(value: float) -> str:
    return NOTHING if math.isnan(value) else f"{value:.1f}"


def _interval(interval: Interval) -> str:
    low, high = interval
    return NOTHING if math.isnan(low) else f"{low:.1f} to {high:.1f}"


def _as_text(table: Table) -> str:
    starred = [
        [cell + ("*" if (row, column) in table.best else " ") for column, cell in enumerate(cells)]
        for row, cells in enumerate(table.rows)
    ]
    cells = [[f"{title} " for title in table.columns], *starred]
    widths = [max(len(row[column]) for row in cells) for column in range(len(table.columns))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]
    return "\n".join([table.title, *([f"({table.note})"] if table.note else []), *lines])
