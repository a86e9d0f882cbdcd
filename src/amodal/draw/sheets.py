"""Figures of several panels: before and after reasoning, and the sheet that shows all of a photo."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath

import numpy as np
from jaxtyping import UInt8

from amodal.draw.canvas import Text, polygon, text_width, write_texts
from amodal.draw.likelihood import draw_likelihoods
from amodal.draw.masks import draw_boxes, draw_claims, draw_masks
from amodal.draw.order import draw_order
from amodal.draw.palette import INK, PAPER
from amodal.draw.tiles import Swatch, fitted, legend, paper, shortened
from amodal.masks import CropMask
from amodal.scene import Scene

MOST_MAPS = 12  # in the overview; the picture of the likelihoods has them all

LEGENDS: Mapping[str, tuple[tuple[Swatch, str], ...]] = {
    "boxes": (("solid", "box: number, class, score"),),
    "masks": (
        ("filled", "visible part"),
        ("hatched", "hidden part"),
        ("solid", "seen outline"),
        ("dashed", "hidden outline"),
    ),
    "before": (("filled", "claimed by one object"), ("white", "claimed by two or more")),
    "after": (("filled", "visible part after reasoning"),),
    "order": (("arrow", "from front to behind; thicker: surer"), ("node", "object's number")),
    "likelihood": (("foreground", "object"), ("context", "around it"), ("occluder", "hidden by another")),
}
TITLES: Mapping[str, str] = {
    "boxes": "Input and boxes",
    "before": "Before reasoning",
    "after": "After reasoning",
    "masks": "Visible and whole objects",
    "order": "Who is in front of whom",
    "likelihood": "Likelihoods (bright: clear margin)",
}


@dataclass(frozen=True)
class Panel:
    """One lettered part of a figure; `part` names its title and legend."""

    part: str
    picture: UInt8[np.ndarray, "h w 3"]


def sheet(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw the whole story of a photo as one figure of titled panels with legends."""
    aspect = scene.width / scene.height
    width = 1200 if aspect > 2 else 920 if aspect > 1 else 680
    columns = 2 if aspect > 1 else 3
    boxes, masks = Panel("boxes", draw_boxes(scene, photo)), Panel("masks", draw_masks(scene, photo))
    claims = before_and_after(scene, photo) if has_claims(scene) else []
    # Before and after belong side by side.
    panels = [boxes, masks, *claims] if columns == 2 else [boxes, *claims, masks]
    panels.append(Panel("order", draw_order(scene, photo)))
    if has_likelihoods(scene):
        size = (width, min(2 * width, max(width // 4, round(width / aspect))))
        panels.append(Panel("likelihood", draw_likelihoods(scene, photo, most=MOST_MAPS, size=size)))
    return _figure(panels, columns, width, _headline(scene))


def draw_before_after(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "rows columns 3"]:
    """Draw what each object claimed on its own beside what it was given; white where two or more claim."""
    columns = 1 if scene.width > 2 * scene.height else 2
    return _figure(before_and_after(scene, photo), columns, 1000 if scene.width > scene.height / 2 else 500, "")


def before_and_after(scene: Scene, photo: UInt8[np.ndarray, "height width 3"]) -> list[Panel]:
    """Return the two panels; an object with no claim of its own is shown with its final mask in both."""
    after = {instance.id: instance.modal for instance in scene.instances}
    before: dict[int, CropMask] = dict(after)
    for instance in scene.instances:
        if instance.claimed is not None:
            before[instance.id] = instance.claimed
    return [
        Panel("before", draw_claims(scene, photo, before)),
        Panel("after", draw_claims(scene, photo, after)),
    ]


def has_claims(scene: Scene) -> bool:
    """Whether some object's own claim, before reasoning, is known."""
    return any(instance.claimed is not None for instance in scene.instances)


def has_likelihoods(scene: Scene) -> bool:
    """Whether some object's likelihood maps are kept."""
    return any(instance.posterior is not None for instance in scene.instances)


def _headline(scene: Scene) -> str:
    count = len(scene.instances)
    name = PurePath(scene.image).name if scene.image else "photo"
    said = [name, f"{count} object{'' if count == 1 else 's'}", f"boxes: {scene.boxes_said}"]
    return "   ·   ".join(said + [f"method: {scene.method}"] * bool(scene.method))


def _figure(
    panels: Sequence[Panel], columns: int, panel_width: int, headline: str
) -> UInt8[np.ndarray, "rows columns 3"]:
    """Lay out panels of one width in rows, each with its letter, title and legend."""
    size = max(16.0, panel_width / 37)
    gap = round(1.6 * size)
    drawn = [_panel(panel, "abcdef"[number], panel_width, size) for number, panel in enumerate(panels)]
    rows = [drawn[start : start + columns] for start in range(0, len(drawn), columns)]
    top = gap + (round(2.4 * size) if headline else 0)
    height = top + sum(max(part.shape[0] for part in row) + gap for row in rows)
    width = gap + columns * (panel_width + gap)
    figure = paper(height, width)
    if headline:
        words = shortened(headline, 1.15 * size, width - 2 * gap)
        write_texts(figure, [Text(gap, gap + 0.7 * size, words, 1.15 * size, anchor="lm")])
    for row in rows:
        for number, part in enumerate(row):
            left = gap + number * (panel_width + gap)
            figure[top : top + part.shape[0], left : left + panel_width] = part
        top += max(part.shape[0] for part in row) + gap
    return figure


def _panel(panel: Panel, letter: str, width: int, size: float) -> UInt8[np.ndarray, "rows width 3"]:
    bar = paper(round(1.9 * size), width)
    middle = bar.shape[0] / 2 - 0.12 * size
    side = 1.35 * size
    corners = np.array([[0.0, -side], [2 * side, -side], [2 * side, side], [0.0, side]]) / 2
    corners[:, 1] += middle
    polygon(bar, corners, INK)
    title = shortened(TITLES[panel.part], 1.05 * size, width - 2 * side)
    write_texts(
        bar,
        [
            Text(side / 2, middle - 0.04 * size, letter, size, PAPER),
            Text(side + 0.5 * size, middle, title, 1.05 * size, anchor="lm"),
        ],
    )
    space = paper(round(0.45 * size), width)
    entries = LEGENDS[panel.part]
    longest = max(text_width(words, 1.0 * 100) for _, words in entries) / 100
    letters = min(0.82 * size, width / (longest + 3))
    return np.concatenate(
        [bar, fitted(panel.picture, width, 2 * width), space, legend(entries, width, math.floor(letters))]
    )
