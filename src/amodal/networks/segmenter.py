"""The amodal network family as methods: photos in, scenes out, in given boxes or in those a network finds itself.

A network's masks are probabilities; reasoning (`methods/masks.py`) makes of them an order and one owner per pixel.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

import cv2
import numpy as np
import torch
from jaxtyping import Float, Float32, Float64, UInt8
from numpy.typing import ArrayLike
from torchvision.models.detection.image_list import ImageList

from amodal.errors import InputError
from amodal.features.lattice import as_xyxy, pixel_window
from amodal.methods.given import ALL_CUES, read_input
from amodal.methods.grids import on_pixels
from amodal.methods.masks import How, MaskReasoner, evidence_of_masks, mask_reasoner
from amodal.methods.scenes import Named, Signed, scene_of
from amodal.models import shipped
from amodal.networks.doubles import without_doubles
from amodal.networks.files import Loaded, read_member
from amodal.networks.occluded import BY_BRANCH, BY_MASKS, Occlusion, branch_signal, mask_signal
from amodal.networks.parts.batch import Found, as_images
from amodal.scene import BoxKind, Scene
from amodal.segmenter import OnePhoto, Photo
from amodal.training.truths import scaled_size

BoxSource = Literal["given", "own"]
SHIPPED = "detector"
"""The file of the network that comes with the package; it finds the objects where nobody gives boxes."""


@dataclass(frozen=True)
class FamilySegmenter(OnePhoto):
    """Photos and boxes in, scenes out.

    Attributes:
        boxes: whether the given boxes are looked at, or those of at least `least_score` that the network finds.
        reasoner: what is made of the masks together.
        keep_posteriors: store every object's maps in the scene.
    """

    loaded: Loaded
    model_name: str
    boxes: BoxSource
    least_score: float
    reasoner: MaskReasoner
    keep_posteriors: bool = False

    @property
    def name(self) -> str:
        """The network's."""
        return self.loaded.name

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes the network tells apart."""
        return self.loaded.classes

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; an object without a label is given the most likely class.

        Raises `InputError` for photos, boxes or labels that cannot be used.
        """
        given = read_input(photos, boxes, labels, boxes_are)
        return [
            self._scene(photo, picture, rows, names, boxes_are)
            for photo, picture, rows, names in zip(photos, given.pictures, given.boxes, given.labels, strict=True)
        ]

    def find(self, picture: UInt8[np.ndarray, "h w 3"]) -> Objects:
        """The objects that the network finds in a photo, best first, each once."""
        images, factor = _as_image(picture, self.loaded)
        with torch.inference_mode():
            found = self.loaded.network.find(images)[0]
        return self._objects(found, factor, self._kept(found, factor, *images.image_sizes[0]))

    def look(
        self, picture: UInt8[np.ndarray, "h w 3"], boxes: Float[np.ndarray, "n 4"], labels: Sequence[str | None]
    ) -> Objects:
        """What the network says of given boxes."""
        images, factor = _as_image(picture, self.loaded)
        height, width = images.image_sizes[0]
        numbers = {label: number for number, label in enumerate(self.labels, start=1)}
        wanted = torch.tensor([numbers.get(label or "", 0) for label in labels], dtype=torch.int64)
        with torch.inference_mode():
            rois = torch.from_numpy(_inside(boxes * factor, width, height))
            found = self.loaded.network.look(images, [rois], [wanted])[0]
        return self._objects(found, factor, torch.arange(len(boxes)))

    def _scene(
        self,
        photo: Photo,
        picture: UInt8[np.ndarray, "h w 3"],
        boxes: Float[np.ndarray, "n 4"],
        labels: Sequence[str | None],
        boxes_are: BoxKind,
    ) -> Scene:
        warnings: tuple[str, ...] = ()
        if self.boxes == "own":
            found, boxes_are = self.find(picture), "amodal"
            boxes, names = found.boxes, list(found.labels)
        else:
            found = self.look(picture, boxes, labels) if len(boxes) else NOTHING
            names = [given or own for given, own in zip(labels, found.labels, strict=True)]
            warnings = self._warnings(labels)
        height, width = picture.shape[:2]
        evidences, objects = [], []
        for row, (values, label) in enumerate(zip(boxes.tolist(), names, strict=True)):
            box = as_xyxy(values)
            window = pixel_window(box, width, height)
            whole, seen = on_pixels(found.masks[row], as_xyxy(found.frames[row].tolist()), window)
            evidences.append(evidence_of_masks(whole, seen, window, box))
            meta = {"occluded": round(float(found.occluded[row]), 4)}
            objects.append(Named(label, float(found.scores[row]), box, meta))
        reasoning = self.reasoner(evidences, [one.box for one in objects], names, height)
        signed = Signed(self.name, self.model_name, boxes_are, self.reasoner.exclusive, warnings)
        size = (height, width)
        return scene_of(photo, size, objects, evidences, reasoning, signed, keep_posteriors=self.keep_posteriors)

    def _kept(self, found: Found, factor: Float64[np.ndarray, " 4"], height: int, width: int) -> torch.Tensor:
        """Rows of what is sure and large enough, best first, and without doubles if they are to be reasoned about."""
        sides = (found.boxes[:, 2:] - found.boxes[:, :2]) / torch.from_numpy(factor[:2])
        kept = torch.nonzero((found.scores >= self.least_score) & (sides.amin(1) >= 1))[:, 0]
        if self.reasoner.how == "none":
            return kept
        best_first = kept[torch.argsort(found.scores[kept], descending=True, stable=True)]
        return torch.from_numpy(without_doubles(found, best_first.numpy(), height, width))

    def _objects(self, found: Found, factor: Float64[np.ndarray, " 4"], rows: torch.Tensor) -> Objects:
        whole, seen = (part[rows].float().numpy() for part in (found.amodal, found.inmodal))
        if found.occluded is None:
            signal, plain = mask_signal(whole, seen), BY_MASKS
        else:
            signal, plain = branch_signal(found.occluded[rows].float().numpy()), BY_BRANCH
        calibrated = self.loaded.occlusion or plain
        return Objects(
            boxes=found.boxes[rows].double().numpy() / factor,
            labels=tuple(self.labels[number - 1] for number in found.labels[rows].tolist()),
            scores=found.scores[rows].double().numpy(),
            frames=found.frames[rows].double().numpy() / factor,
            masks=np.stack([whole, seen], axis=1),
            signal=signal,
            plain=plain,
            occluded=calibrated.probability(signal),
        )

    def _warnings(self, labels: Sequence[str | None]) -> tuple[str, ...]:
        strange = sorted({label for label in labels if label is not None and label not in self.labels})
        known = ", ".join(self.labels)
        return tuple(
            f"label {label!r} is not one of the network's ({known}): the mask of the likeliest of them was used"
            for label in strange
        )


@dataclass(frozen=True, eq=False)
class Objects:
    """What a network says of the objects of a photo, in the photo's pixels.

    Attributes:
        frames: where the grids of `masks` lie.
        masks: P(whole) and P(seen).
        signal: log odds of being occluded as the network says it.
        plain: how `signal` is to be read where nothing was calibrated.
        occluded: calibrated probability that something hides a part.
    """

    boxes: Float64[np.ndarray, "n 4"]
    labels: tuple[str, ...]
    scores: Float64[np.ndarray, " n"]
    frames: Float64[np.ndarray, "n 4"]
    masks: Float32[np.ndarray, "n 2 rows cols"]
    signal: Float64[np.ndarray, " n"]
    plain: Occlusion
    occluded: Float64[np.ndarray, " n"]


NOTHING = Objects(
    boxes=np.zeros((0, 4)),
    labels=(),
    scores=np.zeros(0),
    frames=np.zeros((0, 4)),
    masks=np.zeros((0, 2, 1, 1), np.float32),
    signal=np.zeros(0),
    plain=BY_BRANCH,
    occluded=np.zeros(0),
)


def method(name: str | None) -> Callable[..., FamilySegmenter]:
    """The `load` of a network of the family, None for whichever a file holds."""

    def load(
        model: str | os.PathLike[str] = "default",
        *,
        boxes: BoxSource = "given",
        least_score: float = 0.5,
        reasoning: How = "owners",
        order_cues: str = ALL_CUES,
        keep_posteriors: bool = False,
    ) -> FamilySegmenter:
        """A network of the family as a method.

        Args:
            model: a model file made by `amodal train`; "default" for the shipped network.
            boxes: "given", or "own" for those that the network finds with at least `least_score`.
            least_score: 0 to 1; of own boxes.
            reasoning: "none" for the network's masks as they are, "order" for an order beside them, "owners" for an
                order and one owner per pixel.
            order_cues: what speaks of who is in front, of appearance, geometry and class, separated by commas.
            keep_posteriors: store every object's posterior maps in the scene.

        Raises:
            InputError: settings that cannot be, or a file that is not whole or of another network.
        """
        if boxes not in get_args(BoxSource):
            raise InputError("load", "boxes", f"found {boxes!r}", "expected 'given' or 'own'")
        if not 0 <= least_score <= 1:
            raise InputError("load", "least_score", f"found {least_score}", "expected 0 to 1")
        reasoner = mask_reasoner(reasoning, order_cues)
        path = shipped(SHIPPED) if os.fspath(model) == "default" else Path(model)
        loaded = read_member(path, name)
        return FamilySegmenter(loaded, path.stem, boxes, least_score, reasoner, keep_posteriors)

    return load


load_amodal_mask_rcnn = method("amodal-mask-rcnn")
load_orcnn = method("orcnn")
load_panet = method("panet")
load_asn = method("asn")
load_panet_asn = method("panet-asn")
load_mnc = method("mnc")
load_fcis = method("fcis")
load_amodal_mask = method("amodal-mask")
load_any = method(None)


def _as_image(picture: UInt8[np.ndarray, "h w 3"], loaded: Loaded) -> tuple[ImageList, Float64[np.ndarray, " 4"]]:
    """The photo scaled as in training, alone so that nothing depends on others; and by how much XYXY were scaled."""
    settings = loaded.settings
    height, width = scaled_size(*picture.shape[:2], shortest_px=settings.shortest_px, longest_px=settings.longest_px)
    way = cv2.INTER_AREA if height < picture.shape[0] else cv2.INTER_LINEAR
    small = cv2.resize(picture, (width, height), interpolation=way)
    factor = np.tile([width / picture.shape[1], height / picture.shape[0]], 2)
    return as_images([torch.from_numpy(small).permute(2, 0, 1)]), factor


def _inside(boxes: Float[np.ndarray, "n 4"], width: int, height: int) -> Float32[np.ndarray, "n 4"]:
    """Boxes cut at the frame, as those learned from are; at least a pixel each way."""
    low = np.clip(boxes[:, :2], 0, [width - 1, height - 1])
    high = np.minimum(np.maximum(boxes[:, 2:], low + 1), [width, height])
    return np.concatenate([low, high], axis=1).astype(np.float32)
