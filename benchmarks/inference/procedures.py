"""What is timed: (a) orm, (b) the published procedure, (c) the backbone alone, (e) the student. All use one model."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

import amodal
from amodal.bench.street import Street
from amodal.compnet.model import CompNet
from amodal.features import crops
from amodal.features.crops import run_backbone
from amodal.features.lattice import Lattice, as_xyxy, pixel_window
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.methods.compositional import CompositionalSegmenter
from amodal.methods.looking import Seen, evidence_of, look, look_again
from amodal.models import has_extension
from amodal.reasoning import Evidence, Reasoning, published
from amodal.student.segmenter import StudentSegmenter

ROUNDS = 2


def ours(segmenter: CompositionalSegmenter | StudentSegmenter, street: Street) -> None:
    """From a file on disk to the scene, decoding, crops, reasoning and masks included."""
    segmenter.segment(street.path, street.boxes, list(street.labels))


def published_procedure(model: CompNet, street: Street) -> Reasoning:
    """The procedure as the paper's authors ran it: every object, in every round, passes the backbone twice again,
    once for its class score and mixture, once for its maps; one crop at a time.

    Decoding, kernels, maps, pairwise reasoning and encoding of masks are the same code as ours, so that the
    difference lies in the procedure alone. The passes run in the same bfloat16 as ours.
    """
    photo = read_photo(street.path)
    height, width = photo.shape[:2]
    lattices = [Lattice.of_box(as_xyxy(row)) for row in street.boxes]
    found: list[Seen] = []
    for lattice, label in zip(lattices, street.labels, strict=True):
        everywhere = np.ones(_window_shape(lattice, width, height), bool)
        found.append(_classified(model, photo, lattice, label, everywhere))
    evidences = [_mapped(model, photo, seen) for seen in found]
    reasoning = published.reason(evidences, rounds=0)
    for _ in range(ROUNDS):
        for n, (modal, whole) in enumerate(zip(reasoning.modal, reasoning.amodal, strict=True)):
            found[n] = _classified(model, photo, lattices[n], street.labels[n], modal | ~whole)
        evidences = [_mapped(model, photo, seen) for seen in found]
        reasoning = published.reason(evidences, rounds=0)
    for masks in (reasoning.modal, reasoning.amodal):
        for mask, evidence in zip(masks, evidences, strict=True):
            CropMask.from_crop(mask, *evidence.window[:2], height, width)
    return reasoning


def backbone_alone(model: CompNet, batches: list[np.ndarray]) -> None:
    """The limit: the passes of `ours` over the very same batches, with nothing before and nothing after."""
    for batch in batches:
        run_backbone(model.backbone, batch)


def batches_of(segmenter: CompositionalSegmenter, street: Street) -> list[np.ndarray]:
    """The batches of crops that `ours` gives to the backbone, recorded from one run of it."""
    batches: list[np.ndarray] = []
    original = crops.run_backbone

    def record(backbone, batch):
        batches.append(batch)
        return original(backbone, batch)

    crops.run_backbone = record
    try:
        ours(segmenter, street)
    finally:
        crops.run_backbone = original
    return batches


@contextmanager
def counted_passes(model: CompNet) -> Iterator[list[int]]:
    """Collects the batch size of every backbone pass."""
    sizes: list[int] = []
    hook = model.backbone.network.register_forward_hook(lambda _module, inputs, _output: sizes.append(len(inputs[0])))
    try:
        yield sizes
    finally:
        hook.remove()


def _classified(model: CompNet, photo: np.ndarray, lattice: Lattice, label: str, visible: np.ndarray) -> Seen:
    """One pass: class and mixture from the visible positions."""
    return look_again(_passed(model, photo, lattice, label), visible, photo.shape[:2])


def _mapped(model: CompNet, photo: np.ndarray, seen: Seen) -> Evidence:
    """Another pass: the three maps of the chosen mixture, on the pixels of the photo."""
    again = _passed(model, photo, seen.lattice, seen.label)
    return evidence_of(model, replace(again, label=seen.label, mixture=seen.mixture), photo)


def _passed(model: CompNet, photo: np.ndarray, lattice: Lattice, label: str) -> Seen:
    """A crop of its own through the backbone and the class's model."""
    return look(model, [photo], [np.array([lattice.box])], [[label]])[0][0]


def _window_shape(lattice: Lattice, width: int, height: int) -> tuple[int, int]:
    x0, y0, x1, y1 = pixel_window(lattice.box, width, height)
    return y1 - y0, x1 - x0


def load_segmenter(model: str | Path, refine: str = "none") -> CompositionalSegmenter:
    """Method `orm` with everything else in its default setting."""
    segmenter = amodal.load(model, method="orm", refine=refine)
    assert isinstance(segmenter, CompositionalSegmenter)
    return segmenter


def load_student(model: str | Path) -> StudentSegmenter | None:
    """Method `student` in its default setting, where the model has a student."""
    if not has_extension(model, "student"):
        return None
    segmenter = amodal.load(model, method="student")
    assert isinstance(segmenter, StudentSegmenter)
    return segmenter
