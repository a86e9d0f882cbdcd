"""What the host knows of a batch before the device has seen a pixel: objects, windows, clusters, samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64, Int64

from amodal.device.regions import Placed, Regions, rectangles_of, regions_by_depth
from amodal.features.lattice import Lattice, as_xyxy, pixel_window
from amodal.reasoning.evidence import Window
from amodal.reasoning.joint import JointSettings
from amodal.reasoning.layers import step_of, thin_window
from amodal.reasoning.windows import clusters, overlapping_pairs

MAX_SAMPLES = JointSettings().max_samples


@dataclass(frozen=True)
class Thing:
    """One object of a batch: its photo's number, its own among those given with it, and where it is."""

    photo: int
    given: int
    lattice: Lattice
    window: Window
    label: str | None


@dataclass(frozen=True, eq=False)
class Cluster:
    """Objects that overlapping windows link: the cluster's number and theirs, ascending."""

    number: int
    members: Int64[np.ndarray, " members"]


@dataclass(frozen=True, eq=False)
class Layout:
    """Objects are numbered photo by photo, in each in an order that does not depend on how they were given.

    Attributes:
        things: the objects.
        clusters: those of two or more.
        pairs: (i, j), i < j, objects whose windows overlap, ascending; [pairs, 2].
        cluster_of_pair: [pairs].
        scale: what one sample counts, of each cluster (samples of one feature cell are one observation).
        labelled: every pixel under a window, by depth.
        sampled: the samples by which orders are compared, by depth.
    """

    things: tuple[Thing, ...]
    clusters: tuple[Cluster, ...]
    pairs: Int64[np.ndarray, "pairs 2"]
    cluster_of_pair: Int64[np.ndarray, " pairs"]
    scale: Float64[np.ndarray, " clusters"]
    labelled: dict[int, Regions]
    sampled: dict[int, Regions]

    @property
    def windows(self) -> Int64[np.ndarray, "things 4"]:
        """Of all objects, XYXY."""
        return np.array([thing.window for thing in self.things], np.int64).reshape(-1, 4)


def lay_out(
    sizes: Sequence[tuple[int, int]],
    boxes: Sequence[Float[np.ndarray, "n 4"]],
    labels: Sequence[Sequence[str | None]],
) -> Layout:
    """The layout of photos of these sizes (height, width)."""
    things: list[Thing] = []
    pairs: list[tuple[int, int]] = []
    groups: list[list[int]] = []
    for photo, (size, rows, names) in enumerate(zip(sizes, boxes, labels, strict=True)):
        own, first = sorted(_things(photo, size, rows, names), key=_canonical), len(things)
        overlapping = overlapping_pairs([thing.window for thing in own])
        pairs += [(first + i, first + j) for i, j in overlapping]
        groups += [[first + n for n in group] for group in clusters(len(own), overlapping)]
        things += own
    return _with_samples(things, np.array(pairs, np.int64).reshape(-1, 2), groups)


def _things(
    photo: int, size: tuple[int, int], rows: Float[np.ndarray, "n 4"], labels: Sequence[str | None]
) -> list[Thing]:
    height, width = size
    lattices = [Lattice.of_box(as_xyxy(row)) for row in rows]
    return [
        Thing(photo, n, lattice, pixel_window(lattice.box, width, height), labels[n])
        for n, lattice in enumerate(lattices)
    ]


def _canonical(thing: Thing) -> tuple[object, ...]:
    return thing.lattice.box, thing.window, thing.label or ""  # who has all three alike has the same maps


def _with_samples(
    things: Sequence[Thing], pairs: Int64[np.ndarray, "pairs 2"], groups: Sequence[Sequence[int]]
) -> Layout:
    everywhere = np.array([thing.window for thing in things], np.int64).reshape(-1, 4)
    cluster_of = np.full(len(things), -1)
    numbered: list[Cluster] = []
    scales, labelled, sampled = [], [], []
    for group in groups:
        members = np.array(group, np.int64)
        windows = everywhere[members]
        rectangles = rectangles_of(windows)
        number = len(numbered) if len(members) > 1 else -1
        labelled.append(Placed(rectangles, members, number, (1, 0, 0)))
        if len(members) == 1:
            continue
        areas = [things[n].lattice.cell_area for n in group]
        step = step_of(rectangles.shared(), min(areas), MAX_SAMPLES)
        left, top = (int(side) for side in windows[:, :2].min(0))
        frame = np.array([left, top, left, top])
        thinned = np.array([thin_window(tuple(window), step) for window in (windows - frame).tolist()], np.int64)
        grid = (step, left + step // 2, top + step // 2)
        sampled.append(Placed(rectangles_of(thinned), members, number, grid))
        scales.append(step**2 / (math.fsum(areas) / len(areas)))
        cluster_of[members] = number
        numbered.append(Cluster(number, members))
    return Layout(
        things=tuple(things),
        clusters=tuple(numbered),
        pairs=pairs,
        cluster_of_pair=cluster_of[pairs[:, 0]],
        scale=np.array(scales, np.float64),
        labelled=regions_by_depth(labelled, pairs, len(things)),
        sampled=regions_by_depth(sampled, pairs, len(things)),
    )
