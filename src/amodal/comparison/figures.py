"""Figures in the manner of the paper's: scenes by method (Fig 6), the steps of reasoning (Fig 3), orders (Fig 4)."""

from __future__ import annotations

import io
import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from amodal.comparison.asking import ask_of, scene_as_asked
from amodal.comparison.comparing import Comparison, MethodResult
from amodal.comparison.pictures import around, boxed, cropped, painted, true_scene
from amodal.data.truth import Truth
from amodal.data.write import make_folder, write_bytes_atomically
from amodal.draw.canvas import Text, text_width, write_texts
from amodal.draw.masks import draw_claims
from amodal.draw.order import draw_order
from amodal.draw.tiles import Swatch, fitted, legend, paper
from amodal.images import read_photo
from amodal.masks import IntBox
from amodal.scene import Instance, Scene
from amodal.segmenter import load

SCENES, STEP_SCENES, CROWDS = 5, 3, 4
LEAST_CROWD = 3
CLOSE_UP = 0.1  # margin around all objects, of the longer side
TRIVIAL = ("box", "prior")
CELL_PX, MOST_CELL_PX, GAP_PX, TITLE_PX, LETTER_PX = 380, 420, 10, 190, 22
REASONING = ("orm", "published")

Picture = UInt8[np.ndarray, "h w 3"]
MASK_LEGEND: tuple[tuple[Swatch, str], ...] = (
    ("filled", "visible part"),
    ("hatched", "hidden part"),
    ("solid", "seen outline"),
    ("dashed", "hidden outline"),
)
ORDER_LEGEND: tuple[tuple[Swatch, str], ...] = (
    ("arrow", "from front to behind; thicker: surer"),
    ("node", "object's number"),
)
STEPS = ("input", "each object's own claim", "conflict set (white)", "pixels competed for", "order", "corrected")


def write_figures(comparison: Comparison, folder: Path) -> dict[str, Path]:
    """Write what can be drawn of `by-method.png`, `steps.png` and `orders.png`; returns name -> file.

    Scenes are not chosen for beauty: by-method and steps show them from the best to the worst done (by the mean IoU
    of the last method that reasons), orders those with the most true edges.
    """
    make_folder(folder)
    figures = {
        "by-method": by_method(comparison),
        "steps": steps(comparison),
        "orders": orders(comparison),
    }
    files = {}
    for name, picture in figures.items():
        if picture is not None:
            buffer = io.BytesIO()
            Image.fromarray(picture).save(buffer, "PNG", optimize=True)
            files[name] = folder / f"{name}.png"
            write_bytes_atomically(files[name], buffer.getvalue())
    return files


def by_method(comparison: Comparison, scenes: int = SCENES) -> Picture | None:
    """Rows: input, each method but the trivial ones, truth; columns: scenes from the best to the worst done."""
    numbers = _spread(comparison, scenes)
    if not numbers:
        return None
    results = [result for result in comparison.results if result.run.spec.method not in TRIVIAL] or comparison.results
    rows: list[list[Picture]] = [[] for _ in range(len(results) + 2)]
    for number in numbers:
        truth = comparison.truths[number]
        window, photo = _close_up(truth)
        given = cropped(truth.scene.with_instances(truth.given), window)
        rows[0].append(boxed(given, [one.id for one in given.instances], photo))
        for row, result in enumerate(results, start=1):
            rows[row].append(painted(cropped(result.run.scenes[number], window), photo))
        rows[-1].append(painted(cropped(true_scene(truth), window), photo))
    titles = ["Input", *(result.name for result in results), "Truth"]
    return _grid(rows, titles, (), MASK_LEGEND)


def steps(comparison: Comparison, scenes: int = STEP_SCENES) -> Picture | None:
    """Columns: input, own claims, conflict set, competition, order, corrected; rows: scenes with a conflict."""
    result = _reasoned(comparison)
    if result is None:
        return None
    numbers = _spread(comparison, scenes, [n for n, scene in enumerate(result.run.scenes) if _conflict(scene)])
    if not numbers:
        return None
    spec = result.run.spec
    refine = str(spec.settings.get("refine", "grabcut" if spec.method == "orm" else "none"))
    competing = load(spec.model, "nod", refine=refine)
    rows, titles = [], []
    for number in numbers:
        truth, scene = comparison.truths[number], result.run.scenes[number]
        asked = ask_of(truth, competing.labels, comparison.labels)
        whole = competing.segment(str(truth.path), asked.boxes, asked.labels, boxes_are=scene.boxes_are)
        window, photo = _close_up(truth)
        found, competed = cropped(scene, window), cropped(scene_as_asked(whole, truth, asked), window)
        own = {one.id: one.claimed or one.modal for one in found.instances}
        claims = [replace(one, modal=own[one.id], amodal=own[one.id]) for one in found.instances]
        shown = [replace(one, amodal=one.modal) for one in competed.instances]
        rows.append(
            [
                boxed(found, list(own), photo),
                painted(found.with_instances(claims), photo),
                draw_claims(found, photo, own),
                painted(competed.with_instances(shown), photo),
                draw_order(found, photo),
                painted(found, photo),
            ]
        )
        titles.append(f"{Path(scene.image or '').stem} by {result.name}")
    return _grid(rows, titles, STEPS, (*MASK_LEGEND, ("white", "claimed by two or more"), *ORDER_LEGEND))


def orders(comparison: Comparison, scenes: int = CROWDS) -> Picture | None:
    """Crowded scenes: input, the order that was found, the true one; where there is no truth, the densest found."""
    result = _reasoned(comparison)
    if result is None:
        return None
    known = "order" in comparison.knows
    edges = [
        len((truth.scene if known else scene).order.edges) * (len(truth.given) >= LEAST_CROWD)
        for truth, scene in zip(comparison.truths, result.run.scenes, strict=True)
    ]
    numbers = [n for n in np.argsort([-count for count in edges], kind="stable").tolist() if edges[n]][:scenes]
    if not numbers:
        return None
    rows, titles = [], []
    for number in numbers:
        truth, scene = comparison.truths[number], result.run.scenes[number]
        photo = read_photo(str(truth.path))
        true = true_scene(truth)
        row = [boxed(true, [one.id for one in truth.given], photo), draw_order(scene, photo)]
        rows.append([*row, draw_order(true, photo)] if known else row)
        titles.append(f"{Path(scene.image or '').stem}, {edges[number]} edges")
    columns = ("input", f"found by {result.name}", "true order")
    return _grid(rows, titles, columns[: len(rows[0])], ORDER_LEGEND, cell=720)


def _reasoned(comparison: Comparison) -> MethodResult | None:
    """The last method that reasons about several objects."""
    found = [result for result in comparison.results if result.run.spec.method in REASONING]
    return found[-1] if found else None


def _spread(comparison: Comparison, scenes: int, among: Sequence[int] | None = None) -> list[int]:
    """Photos from the best to the worst done, evenly spread; those with a hidden object, where there are some."""
    result = _reasoned(comparison) or (comparison.results[-1] if comparison.results else None)
    if result is None or result.masks is None or not len(result.masks):
        return []
    marks = result.masks.modal_iou
    mean = {n: float(marks[result.masks.images == n].mean()) for n in set(result.masks.images.tolist())}
    photos = [n for n in mean if among is None or n in among]
    photos = [n for n in photos if any(_hidden(one) for one in comparison.truths[n].scored)] or photos
    ranked = sorted(photos, key=lambda n: (-mean[n], n))
    if len(ranked) <= scenes:
        return ranked
    return [ranked[round(place)] for place in np.linspace(0.05, 0.95, scenes) * (len(ranked) - 1)]


def _hidden(one: Instance) -> bool:
    return one.level in ("L1", "L2", "L3")


def _conflict(scene: Scene) -> bool:
    """Whether two objects claimed a pixel."""
    claims = [one.claimed for one in scene.instances if one.claimed is not None]
    return any(a.intersection_area(b) for i, a in enumerate(claims) for b in claims[:i])


def _close_up(truth: Truth) -> tuple[IntBox, Picture]:
    """A window around all objects, and the photo in it."""
    boxes = np.array([one.box for one in truth.scene.instances])
    x0, y0 = boxes[:, :2].min(axis=0).tolist()
    x1, y1 = boxes[:, 2:].max(axis=0).tolist()
    left, top, right, bottom = window = around((x0, y0, x1, y1), truth.scene, share=CLOSE_UP)
    return window, read_photo(str(truth.path))[top:bottom, left:right]


def _grid(
    rows: Sequence[Sequence[Picture]],
    titles: Sequence[str],
    columns: Sequence[str],
    entries: Sequence[tuple[Swatch, str]],
    cell: int = CELL_PX,
) -> Picture:
    """Pictures in rows and columns with their titles, and a legend below."""
    width = TITLE_PX + len(rows[0]) * (cell + GAP_PX)
    parts = [_heads(columns, width, cell)] if columns else []
    for title, pictures in zip(titles, rows, strict=True):
        cells = [fitted(picture, cell, max(MOST_CELL_PX, cell)) for picture in pictures]
        height = max(picture.shape[0] for picture in cells)
        strip = paper(height + GAP_PX, width)
        for column, picture in enumerate(cells):
            left = TITLE_PX + column * (cell + GAP_PX)
            strip[: picture.shape[0], left : left + cell] = picture
        write_texts(strip, _title(title, height))
        parts.append(strip)
    foot = paper(round(2 * LETTER_PX), width)
    shown = legend(entries, width - 2 * GAP_PX, LETTER_PX)
    parts += [np.pad(shown, ((0, 0), (GAP_PX, GAP_PX), (0, 0)), constant_values=255), foot[: LETTER_PX // 2]]
    return np.concatenate([paper(GAP_PX, width), *parts])


def _title(words: str, height: int) -> list[Text]:
    """A row's title in lines beside it, smaller where a word is too long."""
    room = TITLE_PX - 2 * GAP_PX
    lines = textwrap.wrap(words, int(room / (0.55 * LETTER_PX)), break_long_words=False, break_on_hyphens=False)
    longest = max((text_width(line, LETTER_PX) for line in lines), default=0.0)
    size = LETTER_PX * min(1.0, room / max(longest, 1.0))
    top = height / 2 - 0.6 * size * (len(lines) - 1)
    return [Text(GAP_PX, top + 1.2 * size * n, line, size, anchor="lm") for n, line in enumerate(lines)]


def _heads(columns: Sequence[str], width: int, cell: int) -> Picture:
    strip = paper(2 * LETTER_PX, width)
    middles = [TITLE_PX + column * (cell + GAP_PX) + cell / 2 for column in range(len(columns))]
    write_texts(strip, [Text(x, LETTER_PX, words, LETTER_PX) for x, words in zip(middles, columns, strict=True)])
    return strip
