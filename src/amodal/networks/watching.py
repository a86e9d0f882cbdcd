"""What `amodal train` looks at meanwhile: AP on validation photos, masks in true boxes, and pictures of predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList

from amodal.data.truth import Truth
from amodal.draw import draw_masks
from amodal.errors import AmodalError
from amodal.evaluation.ap import average_precision
from amodal.evaluation.masks import mask_scores
from amodal.images import read_photo, unique_stems
from amodal.methods.masks import MaskReasoner
from amodal.networks.files import Loaded
from amodal.networks.parts.batch import AmodalNetwork, Found
from amodal.networks.segmenter import BoxSource, FamilySegmenter
from amodal.scene import Scene
from amodal.training.processes import moved
from amodal.training.truths import read_truths
from amodal.training.watch import Observation

_LEAST_SCORE = 0.05  # as COCO's AP is usually measured: more, only unsure ones hardly matter
_DRAWN_FROM = 0.5


@dataclass(frozen=True, eq=False)
class Validation:
    """A `Watch`: the network's own finds against the truth, and its masks in true boxes.

    Numbers: `det_ap`, `amodal_ap`, `inmodal_ap` (percent); where nothing but the mask is asked, in true boxes:
    `amodal_iou`, `modal_iou`, and `hidden_iou` of the parts that truth hides (percent, mean over objects).

    Attributes:
        name, classes, settings: of the network.
        truths: the photos.
        every: steps between looks.
        drawn: photos of which a picture is drawn.
    """

    name: str
    classes: tuple[str, ...]
    settings: Any
    truths: tuple[Truth, ...]
    every: int = 200
    drawn: int = 4

    def __call__(self, module: nn.Module, device: torch.device) -> Observation:
        """Look at all photos twice."""
        network = _Elsewhere(cast(AmodalNetwork, module), device)
        loaded = Loaded(self.name, network, self.classes, self.settings, None, {})
        own, given = (_segmenter(loaded, boxes) for boxes in ("own", "given"))
        found = [_found(own, truth) for truth in self.truths]
        numbers = {f"{kind}_ap": value.ap for kind, value in average_precision(self.truths, found).items()}
        looked = [_looked(given, truth) for truth in self.truths]
        scores = mask_scores(self.truths, looked)
        for name, values in (
            ("amodal_iou", scores.amodal_iou),
            ("modal_iou", scores.modal_iou),
            ("hidden_iou", scores.occluded_iou),
        ):
            known = values[~np.isnan(values)]
            numbers[name] = 100 * float(known.mean()) if len(known) else float("nan")
        paths = [truth.path or Path("photo") for truth in self.truths[: self.drawn]]
        rows = zip(unique_stems(paths), found, paths, strict=False)
        pictures = {stem: _picture(scene, path) for stem, scene, path in rows}
        return Observation(numbers, pictures)


def read_validation(
    data: Path,
    images: Path | None,
    split: str | None,
    classes: Sequence[str],
    *,
    most: int,
) -> tuple[Truth, ...]:
    """Photos to validate on, spread evenly over the file; of objects only those of the classes count.

    Raises:
        InputError: a file that cannot be read.
        AmodalError: no photo holds such an object.
    """
    truths = [_of_classes(truth, classes) for truth in read_truths(data, images, split) if truth.path is not None]
    truths = [truth for truth in truths if truth.scored]
    if not truths:
        raise AmodalError(f"{data}: no photo to validate on holds an object of {', '.join(classes)}")
    chosen = np.unique(np.linspace(0, len(truths) - 1, min(most, len(truths))).round().astype(int))
    return tuple(truths[index] for index in chosen)


@dataclass(frozen=True, eq=False)
class _Elsewhere:
    """A network on its device, for who asks on the CPU."""

    network: AmodalNetwork
    device: torch.device

    def losses(self, batch: Any) -> Any:
        """Not asked for here."""
        return self.network.losses(batch)

    def find(self, images: ImageList) -> list[Found]:
        """As the network does."""
        found: list[Found] = _back(self.network.find(moved(images, self.device)))
        return found

    def look(self, images: ImageList, boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> list[Found]:
        """As the network does."""
        there = [moved(list(values), self.device) for values in (boxes, labels)]
        found: list[Found] = _back(self.network.look(moved(images, self.device), *there))
        return found


def _segmenter(loaded: Loaded, boxes: BoxSource) -> FamilySegmenter:
    """Masks as they are; joint reasoning is no matter of training."""
    return FamilySegmenter(loaded, "training", boxes, _LEAST_SCORE, MaskReasoner("none"))


def _found(segmenter: FamilySegmenter, truth: Truth) -> Scene:
    scene = segmenter.segment_batch([truth.path or ""], [np.zeros((0, 4))])[0]
    return replace(scene, image=truth.scene.image)  # by this name the two are paired


def _looked(segmenter: FamilySegmenter, truth: Truth) -> Scene:
    boxes = np.array([one.box for one in truth.given]).reshape(-1, 4)
    labels = [one.label if one.label in segmenter.labels else None for one in truth.given]
    scene = segmenter.segment_batch([truth.path or ""], [boxes], [labels], boxes_are=truth.scene.boxes_are)[0]
    return replace(scene, image=truth.scene.image)


def _of_classes(truth: Truth, classes: Sequence[str]) -> Truth:
    """Other objects are nothing that the network should find."""
    others = frozenset(one.id for one in truth.scene.instances if one.label not in classes)
    known = truth.classes | frozenset(classes)
    return replace(truth, hidden=truth.hidden | others, classes=known)


def _picture(scene: Scene, photo: Path) -> np.ndarray:
    sure = scene.with_instances([one for one in scene.instances if one.score >= _DRAWN_FROM])
    picture: np.ndarray = draw_masks(sure, read_photo(photo))
    return picture


def _back(found: Sequence[Found]) -> list[Found]:
    """On the CPU."""
    return [
        Found(*(None if part is None else part.detach().cpu() for part in vars(one).values()))  # type: ignore[arg-type]
        for one in found
    ]
