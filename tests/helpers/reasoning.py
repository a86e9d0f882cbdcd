"""Random scenes, and the joint objective by brute force: every label of every object and pixel."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import numpy as np
from hypothesis import strategies as st

from amodal.reasoning import Evidence

ABSENT_OUTSIDE = 0.0  # outside its window an object is context, at no cost


def random_evidence(
    generator: np.random.Generator, window: tuple[int, int, int, int], cell_area: float = 1.0
) -> Evidence:
    shape = (window[3] - window[1], window[2] - window[0])
    f, o, c = generator.normal(scale=2.0, size=(3, *shape)).astype(np.float32)
    box = tuple(float(v) for v in window)
    return Evidence(window, f, o, c, box, cell_area)


@st.composite
def scenes(draw: st.DrawFn, most: int = 8, width: int = 9, height: int = 7) -> list[Evidence]:
    """1 to `most` objects: any windows, some identical, nested, touching, or empty (box outside)."""
    count = draw(st.integers(1, most))
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    windows: list[tuple[int, int, int, int]] = []
    for _ in range(count):
        kind = draw(st.sampled_from(["any", "any", "any", "same", "nested", "outside", "whole"]))
        if kind == "same" and windows:
            windows.append(draw(st.sampled_from(windows)))
        elif kind == "nested" and windows:
            x0, y0, x1, y1 = draw(st.sampled_from(windows))
            windows.append((x0, y0, max(x0, x1 - 1), max(y0, y1 - 1)))
        elif kind == "outside":
            windows.append((width, 2, width, 5))
        elif kind == "whole":
            windows.append((0, 0, width, height))
        else:
            x0, y0 = int(generator.integers(0, width)), int(generator.integers(0, height))
            x1, y1 = int(generator.integers(x0, width)) + 1, int(generator.integers(y0, height)) + 1
            windows.append((x0, y0, x1, y1))
    evidences = [random_evidence(generator, window) for window in windows]
    if count > 1 and draw(st.booleans()):
        evidences[-1] = evidences[0]  # truly identical objects
    return evidences


def on_picture(evidence: Evidence, values: np.ndarray, outside: float, size: tuple[int, int]) -> np.ndarray:
    canvas = np.full(size, outside, values.dtype)
    x0, y0, x1, y1 = evidence.window
    canvas[y0:y1, x0:x1] = values
    return canvas


def picture_size(evidences: Sequence[Evidence]) -> tuple[int, int]:
    return max(e.window[3] for e in evidences), max(e.window[2] for e in evidences)


def brute_force_evidence(evidences: Sequence[Evidence], order: Sequence[int]) -> np.ndarray:
    """Per pixel the best sum over all labellings (F, O or C each) that the order allows. 3^N, literally."""
    size = picture_size(evidences)
    maps = [
        (
            on_picture(e, e.foreground.astype(float), -np.inf, size),
            on_picture(e, e.occluded.astype(float), -np.inf, size),
            on_picture(e, e.context.astype(float), ABSENT_OUTSIDE, size),
        )
        for e in evidences
    ]
    best = np.full(size, -np.inf)
    for labels in itertools.product("FOC", repeat=len(evidences)):
        if labels.count("F") > 1:
            continue
        if "F" in labels:
            owner = order.index(labels.index("F"))
            if any(labels[n] != "C" for n in order[:owner]):
                continue
        total = sum(maps[n]["FOC".index(label)] for n, label in enumerate(labels))
        best = np.maximum(best, total)
    return best


def overlap(a: Evidence, b: Evidence) -> bool:
    x0, y0 = max(a.window[0], b.window[0]), max(a.window[1], b.window[1])
    return x0 < min(a.window[2], b.window[2]) and y0 < min(a.window[3], b.window[3])


def objective_of(
    evidences: Sequence[Evidence],
    order: Sequence[int],
    scale: float,
    log_odds: Callable[[int, int], float] | None = None,
    pixel_sum: Callable[[Sequence[Evidence], Sequence[int]], np.ndarray] = brute_force_evidence,
) -> float:
    """J of an order as it is defined: evidence of the best labels, and the log-probability of the order."""
    total = scale * float(pixel_sum(evidences, list(order)).sum())
    for i, j in itertools.combinations(order, 2):
        if log_odds is not None and overlap(evidences[i], evidences[j]):
            total += float(np.log(1 / (1 + np.exp(-log_odds(i, j)))))
    return total


def closed_form_evidence(evidences: Sequence[Evidence], order: Sequence[int]) -> np.ndarray:
    """The same maximum, owner by owner: N + 1 sums. Checked against 3^N; affordable for six objects."""
    size = picture_size(evidences)
    f = [on_picture(e, e.foreground.astype(float), -np.inf, size) for e in evidences]
    c = [on_picture(e, e.context.astype(float), ABSENT_OUTSIDE, size) for e in evidences]
    free = [on_picture(e, np.maximum(e.occluded, e.context).astype(float), ABSENT_OUTSIDE, size) for e in evidences]
    best = sum(free)
    for k, owner in enumerate(order):
        front, behind = order[:k], order[k + 1 :]
        best = np.maximum(best, f[owner] + sum(c[n] for n in front) + sum(free[n] for n in behind))
    return best
