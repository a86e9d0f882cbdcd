"""The statistics as plots. matplotlib is an extra and is imported when a plot is wanted."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from amodal.data.write import make_folder, write_bytes_atomically
from amodal.errors import InputError
from amodal.survey.kitti_boxes import BoxConsistency
from amodal.survey.statistics import LAST_BIN, LEVEL_BINS, Statistics

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Kind = Literal["svg", "png"]
COLOURS = ("#4477aa", "#ee6677")  # told apart by everybody


def write_plots(folder: Path, found: Statistics, boxes: BoxConsistency | None = None, kind: Kind = "svg") -> list[Path]:
    """Write a plot for everything that is known; the same numbers give the same SVG.

    Raises:
        InputError: matplotlib is not installed, or the folder cannot be written.
    """
    require_matplotlib()
    target = make_folder(folder)
    drawn: dict[str, Callable[[Axes], None]] = {"classes": lambda axes: _classes(axes, found)}
    drawn["objects-per-photo"] = lambda axes: _objects(axes, found)
    if found.modal_shapes is not None or found.amodal_shapes is not None:
        drawn["shapes"] = lambda axes: _shapes(axes, found)
    if found.occlusion_levels is not None:
        drawn["occlusion-levels"] = lambda axes: _levels(axes, found.occlusion_levels or ())
    if found.match_numbers is not None:
        drawn["clusters"] = lambda axes: _clusters(axes, found)
    if boxes is not None:
        drawn["kitti-boxes"] = lambda axes: _boxes(axes, boxes)
    written = []
    for name, draw in drawn.items():
        path = target / f"{name}.{kind}"
        write_bytes_atomically(path, _plot(draw, kind))
        written.append(path)
    return written


def require_matplotlib() -> None:
    """Asked before long work.

    Raises:
        InputError: matplotlib is not installed.
    """
    try:
        importlib.import_module("matplotlib")
    except ImportError as error:
        raise InputError("plots", "matplotlib", "is not installed", "expected pip install 'amodal[plots]'") from error


def _plot(draw: Callable[[Axes], None], kind: Kind) -> bytes:
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({"svg.hashsalt": "amodal", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6, 3.6), layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        draw(axes)
        content = io.BytesIO()
        figure.savefig(content, format=kind, dpi=150, metadata={"Date": None} if kind == "svg" else None)
    return content.getvalue()


def _classes(axes: Axes, found: Statistics) -> None:
    rows = list(reversed(found.classes))
    axes.barh([f"{row.label} ({row.general})" for row in rows], [row.objects for row in rows], color=COLOURS[0])
    axes.set(xlabel="objects", title="Classes")


def _objects(axes: Axes, found: Statistics) -> None:
    counts = found.photos_by_objects
    axes.bar(list(counts), list(counts.values()), color=COLOURS[0], width=0.9)
    axes.set(xlabel="objects", ylabel="photos", title=f"Objects per photo, {found.objects_per_photo:.2f} on average")


def _shapes(axes: Axes, found: Statistics) -> None:
    names = ("convexity", "simplicity")
    sides = (("inmodal", found.modal_shapes, -0.2), ("amodal", found.amodal_shapes, 0.2))
    for (label, means, shift), colour in zip(sides, COLOURS, strict=True):
        if means is not None:
            heights = (means.convexity, means.simplicity)
            bars = axes.bar([k + shift for k in range(2)], heights, width=0.38, label=label, color=colour)
            axes.bar_label(bars, fmt="%.3f")
    axes.set_xticks(range(2), names)
    axes.set(ylim=(0, 1.1), title="Shapes")
    axes.legend(frameon=False, loc="upper right")


def _levels(axes: Axes, counts: Sequence[int]) -> None:
    width = 100 / LEVEL_BINS
    axes.bar([width * (k + 0.5) for k in range(LEVEL_BINS)], counts, width=0.94 * width, color=COLOURS[0])
    axes.set(xlabel="hidden share, %", ylabel="occluded objects", title="Occlusion level")


def _clusters(axes: Axes, found: Statistics) -> None:
    sides = (
        ("max match number (objects)", found.match_numbers, -0.2),
        ("max occlusion order (clusters)", found.occlusion_orders, 0.2),
    )
    for (label, counts, shift), colour in zip(sides, COLOURS, strict=True):
        if counts is not None:
            axes.bar([k + shift for k in range(LAST_BIN + 1)], counts, width=0.38, label=label, color=colour)
    axes.set_xticks(range(LAST_BIN + 1), [*map(str, range(LAST_BIN)), f"{LAST_BIN}+"])
    axes.set(title="Clusters")
    axes.legend(frameon=False)


def _boxes(axes: Axes, boxes: BoxConsistency) -> None:
    step = 1 / len(boxes.histogram)
    places = [step * (k + 0.5) for k in range(len(boxes.histogram))]
    axes.bar(places, boxes.histogram, width=0.94 * step, color=COLOURS[0])
    axes.set(xlabel="mean IoU with KITTI's boxes", ylabel="photos", title="Box consistency", xlim=(0, 1))
