"""Scenes as large and crowded as those of KINS, with masks as large and ragged; no photo is made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from amodal.data.results import write_scenes
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

HEIGHT, WIDTH = 375, 1242
CORNERS = 30  # KINS has 33.7 for each polygon
# Shares of the classes as in KINS's test set, roughly.
CLASSES = {"car": 0.68, "pedestrian": 0.11, "misc": 0.1, "van": 0.06, "cyclist": 0.03, "person-sitting": 0.02}


@dataclass(frozen=True)
class Shape:
    """An object before anything hides it: its outline in pixels, and what it is."""

    id: int
    label: str
    outline: np.ndarray  # [CORNERS, 2]
    score: float


def make_files(folder: Path, photos: int, objects: int, seed: int = 0) -> tuple[Path, Path]:
    """Write truth.json and predictions.json, unless they are there; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = folder / f"truth-{photos}-{objects}-{seed}.json", folder / f"predictions-{photos}-{objects}-{seed}.json"
    if not all(path.exists() for path in paths):
        truths, predictions = make_scenes(photos, objects, seed)
        write_scenes(truths, paths[0])
        write_scenes(predictions, paths[1])
    return paths


def make_scenes(photos: int, objects: int, seed: int = 0) -> tuple[list[Scene], list[Scene]]:
    """True scenes with `objects` objects in all, and what a fair method would say of them."""
    chance = np.random.default_rng(seed)
    counts = np.bincount(chance.integers(0, photos, objects), minlength=photos)
    truths, predictions = [], []
    for number, count in enumerate(counts.tolist()):
        true = [_shape(id, chance) for id in range(1, count + 1)]
        found = [_disturbed(shape, chance) for shape in true if chance.random() < 0.93]
        found += [_shape(count + k, chance) for k in range(1, 1 + int(chance.poisson(1.5)))]
        image = f"{number:06d}.png"
        truths.append(_scene(true, image, certain=True))
        predictions.append(_scene(found, image, certain=False))
    return truths, predictions


def _shape(id: int, chance: np.random.Generator) -> Shape:
    label = str(chance.choice(list(CLASSES), p=list(CLASSES.values())))
    height = float(np.clip(chance.lognormal(3.85, 0.6), 12, 300))
    width = height * (0.45 if label in ("pedestrian", "person-sitting") else float(chance.uniform(0.8, 2.2)))
    middle = np.array([chance.uniform(0, WIDTH), chance.uniform(0.45, 0.6) * HEIGHT + height / 4])
    angle = np.linspace(0, 2 * np.pi, CORNERS, endpoint=False)
    # A rounded box with dents: r of a superellipse, roughened.
    radius = (np.abs(np.cos(angle)) ** 4 + np.abs(np.sin(angle)) ** 4) ** -0.25 * chance.uniform(0.8, 1.0, CORNERS)
    outline = middle + radius[:, None] * np.stack((np.cos(angle), np.sin(angle)), axis=1) * (width / 2, height / 2)
    return Shape(id, label, outline, 1.0)


def _disturbed(shape: Shape, chance: np.random.Generator) -> Shape:
    """The same object as a method sees it: moved a little, scaled a little, outlined less well."""
    size = np.ptp(shape.outline, axis=0)
    middle = shape.outline.mean(axis=0)
    scale = 1 + chance.normal(0, 0.06, 2)
    noise = chance.normal(0, 0.02, shape.outline.shape) * size
    moved = middle + chance.normal(0, 0.04, 2) * size + (shape.outline - middle) * scale + noise
    score = float(np.round(chance.beta(4, 2), 3))
    label = shape.label if chance.random() < 0.95 else "car"
    return Shape(shape.id, label, moved, score)


def _scene(shapes: Sequence[Shape], image: str, certain: bool) -> Scene:
    """Whoever reaches lower is in front; painted back to front."""
    painted = sorted(shapes, key=lambda shape: float(shape.outline[:, 1].max()))
    owner = np.zeros((HEIGHT, WIDTH), np.uint8)
    whole: dict[int, np.ndarray] = {}
    windows: dict[int, tuple[int, int, int, int]] = {}
    for number, shape in enumerate(painted, start=1):
        low = np.clip(np.floor(shape.outline.min(axis=0)).astype(int), 0, (WIDTH - 1, HEIGHT - 1))
        high = np.clip(np.ceil(shape.outline.max(axis=0)).astype(int) + 1, low + 1, (WIDTH, HEIGHT))
        window = np.zeros((high[1] - low[1], high[0] - low[0]), np.uint8)
        cv2.fillPoly(window, [np.round(shape.outline - low).astype(np.int32)], 1)
        whole[number], windows[number] = window, (low[0], low[1], high[0], high[1])
        owner[low[1] : high[1], low[0] : high[0]][window > 0] = number
    instances, edges = [], []
    for number, shape in enumerate(painted, start=1):
        x0, y0, x1, y1 = windows[number]
        visible = (owner[y0:y1, x0:x1] == number).astype(np.uint8)
        amodal = CropMask.from_crop(whole[number], x0, y0, HEIGHT, WIDTH)
        modal = CropMask.from_crop(visible, x0, y0, HEIGHT, WIDTH)
        (left, top), (right, bottom) = shape.outline.min(axis=0), shape.outline.max(axis=0)
        box = (float(left), float(top), float(max(right, left + 1)), float(max(bottom, top + 1)))
        instances.append(Instance(shape.id, shape.label, box, shape.score, modal, amodal))
        for other in range(1, number):
            if _meet(windows[number], windows[other]):
                edges.append(OrderEdge(shape.id, painted[other - 1].id, 1.0 if certain else 0.9))
    return Scene(HEIGHT, WIDTH, tuple(instances), OrderGraph(tuple(edges)), image=image)


def _meet(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    return all(max(first[i], second[i]) < min(first[i + 2], second[i + 2]) for i in (0, 1))
