"""Two overlapping rectangles on noise, as a batch for a network of the amodal family."""

from __future__ import annotations

from dataclasses import replace

import torch

from amodal.networks.parts.batch import Batch, Targets, as_images

HEIGHT, WIDTH = 96, 128
BOXES = ((10, 10, 60, 60), (40, 20, 110, 90))
LABELS = (1, 2)


def two_rectangles(seed: int = 3) -> Targets:
    """The second rectangle is in front of the first, which loses 20 × 40 of its 50 × 50 pixels."""
    amodal = torch.zeros(2, HEIGHT, WIDTH, dtype=torch.uint8)
    for mask, (x0, y0, x1, y1) in zip(amodal, BOXES, strict=True):
        mask[y0:y1, x0:x1] = 1
    inmodal = amodal.clone()
    inmodal[0] *= 1 - amodal[1]
    boxes = torch.tensor(BOXES, dtype=torch.float32)
    return Targets(boxes, torch.tensor(LABELS), amodal, inmodal, torch.tensor([True, True]), True, seed)


def nothing(seed: int = 4) -> Targets:
    """A picture without objects, where that is known."""
    none = torch.zeros(0, HEIGHT, WIDTH, dtype=torch.uint8)
    empty = torch.zeros(0, dtype=torch.int64)
    return Targets(torch.zeros(0, 4), empty, none, none, empty.bool(), True, seed)


def seen_alone(seed: int = 5) -> Targets:
    """Only visible parts are known, and there may be more than these."""
    whole = two_rectangles(seed)
    return replace(whole, amodal=whole.inmodal, whole=torch.tensor([False, False]), complete=False)


def batch_of(*targets: Targets, noise: int = 0) -> Batch:
    """One picture for each, bright where objects are seen, with noise that depends on the place in the batch alone."""
    pictures = []
    for number, target in enumerate(targets):
        chance = torch.Generator().manual_seed(noise + number)
        picture = torch.randint(0, 100, (3, HEIGHT, WIDTH), dtype=torch.uint8, generator=chance)
        for mask, label in zip(target.inmodal, target.labels, strict=True):
            picture += mask * (50 * label).to(torch.uint8)
        pictures.append(picture)
    return Batch(as_images(pictures), targets)
