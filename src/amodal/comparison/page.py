"""A comparison as one HTML page without outside resources: tables, published figures, pictures, failures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from amodal.comparison.comparing import Comparison
from amodal.comparison.pictures import WIDTH_PX, Cut
from amodal.comparison.published import DATA, PublishedData
from amodal.comparison.tables import Table, published_tables, tables_of
from amodal.draw.html import counted, data_uri, safe, write_document

HOW_TO_READ = (
    "Visible parts are filled, hidden parts hatched; outlines are dashed where hidden. Numbers: IoU of the visible / "
    "the whole mask in %."
)
GROUPS = {
    "L0": "L0: less than 1 % hidden",
    "L1": "L1: 1 to 30 % hidden",
    "L2": "L2: 30 to 60 % hidden",
    "L3": "L3: 60 to 90 % hidden",
}


def write_comparison_page(
    comparison: Comparison, path: Path, cuts: Sequence[Cut] = (), published: PublishedData | None = None
) -> Path:
    """Write the page; `published` sets the paper's figures of such data beside ours, else all are at the end."""
    return write_document(path, "amodal: comparison", _body(comparison, cuts, published))


def _body(comparison: Comparison, cuts: Sequence[Cut], published: PublishedData | None) -> Iterator[str]:
    objects = sum(len(truth.scored) for truth in comparison.truths)
    knows = ", ".join(sorted(comparison.knows))
    facts = f"{counted(len(comparison.truths), 'photo')}, {counted(objects, 'scored object')}, truth knows {knows}"
    labels = "labels given" if comparison.labels == "given" else "labels not given"
    yield f"<header><h1>Methods compared</h1><p class='soft'>{safe(facts)}; true boxes, {labels}.</p></header><main>"
    yield "<section class='photo'>"
    yield from map(_table, tables_of(comparison))
    yield "</section>"
    for data in DATA if published is None else (published,):
        inside = "".join(map(_table, published_tables(data)))
        is_open = " open" if published is not None else ""
        yield (
            f"<details{is_open} class='photo'><summary>Published figures, measured on other data: "
            f"{safe(DATA[data])}</summary>{inside}</details>"
        )
    for group, own in groupby(cuts, lambda cut: cut.group):
        figures = "".join(map(_figure, own))
        yield f"<section class='photo'><h2>{safe(GROUPS.get(group, group))}</h2>{figures}</section>"
    failures = [(result.name, failure) for result in comparison.results for failure in result.run.failures]
    if failures:
        entries = "".join(f"<li>{safe(f'{name}: {one.photo}: {one.reason}')}</li>" for name, one in failures)
        yield f"<section class='photo'><h2>Photos that failed</h2><ul>{entries}</ul></section>"
    yield "</main>"


def _table(table: Table) -> str:
    head = "".join(f"<th{_number(column)}>{safe(title)}</th>" for column, title in enumerate(table.columns))
    rows = []
    for row, cells in enumerate(table.rows):
        shown = (
            f"<td{_number(column)}>{_marked(safe(cell), (row, column) in table.best)}</td>"
            for column, cell in enumerate(cells)
        )
        rows.append(f"<tr>{''.join(shown)}</tr>")
    note = f"<p class='soft'>{safe(table.note)}</p>" if table.note else ""
    return (
        f"<h2>{safe(table.title)}</h2>{note}<div class='wide'><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _number(column: int) -> str:
    return " class='number'" if column else ""


def _marked(cell: str, is_best: bool) -> str:
    return f"<strong>{cell}</strong>" if is_best else cell


def _figure(cut: Cut) -> str:
    alt = safe(f"{cut.caption}: input, each method, truth")
    return (
        f"<figure><img loading='lazy' src='{data_uri(cut.picture, WIDTH_PX)}' alt=\"{alt}\">"
        f"<figcaption>{safe(cut.caption)}. {safe(HOW_TO_READ)}</figcaption></figure>"
    )
