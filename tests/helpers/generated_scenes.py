"""Small random truths and predictions, rich in what breaks metrics: ties, misses, crowds, empty masks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from amodal.data.truth import Truth
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene

SIZE = 24
CLASSES = ("bus", "car", "person")
ALL = frozenset({"modal", "amodal", "order", "boxes"})


def generated(
    photos: int, objects: int, chance: np.random.Generator, *, doubtful: bool = False
) -> tuple[list[Truth], list[Scene]]:
    """About `objects` true objects and detections in each photo; `doubtful` adds crowds and what is not annotated."""
    pairs = [_photo(number, objects, chance, doubtful) for number in range(photos)]
    return [truth for truth, _ in pairs], [scene for _, scene in pairs]


def _photo(number: int, objects: int, chance: np.random.Generator, doubtful: bool) -> tuple[Truth, Scene]:
    image = f"{number}.png"
    true = [_blob(chance) for _ in range(int(chance.integers(0, objects + 1)))]
    labels = [str(chance.choice(CLASSES)) for _ in true]
    found, found_labels = [], []
    for blob, label in zip(true, labels, strict=True):
        for _ in range(int(chance.integers(0, 3))):
            shift = chance.integers(-2, 3, 2)
            found.append(np.roll(blob, tuple(shift), axis=(0, 1)) if chance.random() < 0.8 else blob)
            found_labels.append(label if chance.random() < 0.8 else str(chance.choice(CLASSES)))
    for _ in range(int(chance.integers(0, objects + 1))):
        found.append(_blob(chance) if chance.random() < 0.8 else np.zeros((SIZE, SIZE), bool))
        found_labels.append(str(chance.choice(CLASSES)))
    scores = np.round(chance.random(len(found)), 1)  # many ties
    truth = Truth(_scene(true, labels, np.ones(len(true)), image, chance), None, ALL, classes=frozenset(CLASSES))
    if doubtful:
        ids = [one.id for one in truth.scene.instances]
        regions = tuple(CropMask.from_dense(_blob(chance)) for _ in range(int(chance.integers(0, 2))))
        unknown = frozenset(label for label in CLASSES if chance.random() < 0.2)
        unscored = frozenset(id for id in ids if chance.random() < 0.2)
        truth = replace(truth, ignore=regions, unannotated=unknown, unscored=unscored)
    return truth, _scene(found, found_labels, scores, image, chance)


def _blob(chance: np.random.Generator) -> np.ndarray:
    mask = np.zeros((SIZE, SIZE), bool)
    y, x = chance.integers(0, SIZE - 3, 2)
    height, width = chance.integers(2, 12, 2)
    mask[y : y + height, x : x + width] = True
    return mask & (chance.random(mask.shape) < 0.9)


def _scene(
    masks: list[np.ndarray], labels: list[str], scores: np.ndarray, image: str, chance: np.random.Generator
) -> Scene:
    """Painted in a random order; boxes are those of the whole masks, a pixel where there is none."""
    taken = np.zeros((SIZE, SIZE), bool)
    instances, edges = [], []
    front_to_back = chance.permutation(len(masks)).tolist()
    for place, index in enumerate(front_to_back):
        modal, amodal = CropMask.from_dense(masks[index] & ~taken), CropMask.from_dense(masks[index])
        x0, y0, x1, y1 = amodal.box if not amodal.is_empty else (0, 0, 1, 1)
        box = (float(x0), float(y0), float(x1), float(y1))
        instances.append(Instance(index + 1, labels[index], box, float(scores[index]), modal, amodal))
        for other in front_to_back[:place]:
            if (masks[other] & masks[index]).any() and chance.random() < 0.9:
                front, behind = (other, index) if chance.random() < 0.9 or place == 0 else (index, other)
                edges.append(OrderEdge(front + 1, behind + 1, float(chance.random())))
        taken |= masks[index]
    return Scene(SIZE, SIZE, tuple(instances), OrderGraph(tuple(edges)), image=image)
