"""The box branch: class and refined box of every RoI, its losses, and the detections it comes down to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import batched_nms, clip_boxes_to_image

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.sampling import Rois
from amodal.networks.parts.settings import TwoStage

_CODER = BoxCoder((10.0, 10.0, 5.0, 5.0))
_LEAST_SIDE_PX = 0.01
POOLED = 7


class BoxHead(nn.Module):
    """Two fully connected layers, then class logits and box shifts, as in Mask R-CNN with a pyramid."""

    def __init__(self, channels: int, classes: int, features: int) -> None:
        super().__init__()
        self.first = nn.Linear(channels * POOLED**2, features)
        self.second = nn.Linear(features, features)
        self.predictor = BoxPredictor(features, classes)

    def forward(self, pooled: Float[Tensor, "k c 7 7"]) -> tuple[Float[Tensor, "k classes"], Float[Tensor, "k shifts"]]:
        """Class logits, and four shifts for every class."""
        hidden = functional.relu(self.first(pooled.flatten(1)))
        return self.predictor(functional.relu(self.second(hidden)))  # type: ignore[no-any-return]


class BoxPredictor(nn.Module):
    """The last layer of a box branch."""

    def __init__(self, features: int, classes: int) -> None:
        super().__init__()
        self.classes = nn.Linear(features, classes)
        self.shifts = nn.Linear(features, 4 * classes)

    def forward(self, hidden: Float[Tensor, "k f"]) -> tuple[Float[Tensor, "k classes"], Float[Tensor, "k shifts"]]:
        """float32 class logits, and four shifts for every class."""
        return self.classes(hidden).float(), self.shifts(hidden).float()


@dataclass(frozen=True, eq=False)
class Detections:
    """What is left of one picture's RoIs, best first.

    Attributes:
        boxes: refined, XYXY.
        labels: 1 and up.
        scores: 0 to 1.
        rows: from which of the picture's RoIs.
    """

    boxes: Float[Tensor, "n 4"]
    labels: Int64[Tensor, " n"]
    scores: Float[Tensor, " n"]
    rows: Int64[Tensor, " n"]


def box_losses(
    logits: Float[Tensor, "k classes"], shifts: Float[Tensor, "k shifts"], rois: Sequence[Rois],
    targets: Sequence[Targets],
) -> dict[str, Tensor]:  # fmt: skip
    """Losses "class" and "box", the mean over pictures; boxes of RoIs on objects that are known whole alone."""
    counts = [len(own.boxes) for own in rois]
    parts = [
        _picture_losses(*row)
        for row in zip(torch.split(logits, counts), torch.split(shifts, counts), rois, targets, strict=True)
    ]
    by_class, by_box = (torch.stack(own).mean() for own in zip(*parts, strict=True))
    return {"class": by_class, "box": by_box}


def detections(
    logits: Float[Tensor, "k classes"],
    shifts: Float[Tensor, "k shifts"],
    boxes: Sequence[Float[Tensor, "k 4"]],
    sizes: Sequence[tuple[int, int]],
    settings: TwoStage,
) -> list[Detections]:
    """Every picture's RoIs, refined for every class, without weak ones and doubles (suppression within a class)."""
    counts = [len(own) for own in boxes]
    rows = zip(torch.split(logits.softmax(1), counts), torch.split(shifts, counts), boxes, sizes, strict=True)
    return [_picture_detections(*row, settings) for row in rows]


def refined(
    shifts: Float[Tensor, "k shifts"], boxes: Float[Tensor, "k 4"], size: tuple[int, int]
) -> Float[Tensor, "k classes 4"]:
    """The box that each class would have, cut at the frame (height, width)."""
    decoded = _CODER.decode(shifts, [boxes]).reshape(
        boxes.shape[0], shifts.shape[1] // 4, 4
    )  # not len(): a traced graph would keep it
    cut: Tensor = clip_boxes_to_image(decoded, size)
    return cut


def encoded(wanted: Float[Tensor, "k 4"], boxes: Float[Tensor, "k 4"]) -> Float[Tensor, "k 4"]:
    """The shifts that would turn `boxes` into `wanted`."""
    shifts: Tensor = _CODER.encode_single(wanted, boxes)
    return shifts


def moved_boxes(
    logits: Float[Tensor, "k classes"],
    shifts: Float[Tensor, "k shifts"],
    boxes: Sequence[Float[Tensor, "_ 4"]],
    sizes: Sequence[tuple[int, int]],
) -> list[Float[Tensor, "_ 4"]]:
    """Every picture's RoIs, each where its likeliest class would have it."""
    counts = [len(own) for own in boxes]
    labels = torch.split(likeliest(logits[:, 1:]), counts)
    rows = zip(torch.split(shifts, counts), boxes, sizes, labels, strict=True)
    return [of_class(refined(own, old, size), chosen) for own, old, size, chosen in rows]


def likeliest(scores: Float[Tensor, "k objects"]) -> Int64[Tensor, " k"]:
    """The label of the best class, 1 and up; `scores` are without the background's."""
    return 1 + scores.argmax(1)


def given_or_likeliest(labels: Int64[Tensor, " k"], scores: Float[Tensor, "k objects"]) -> Int64[Tensor, " k"]:
    """The labels themselves, but where one is 0 the likeliest."""
    return torch.where(labels > 0, labels, likeliest(scores))


def of_class(values: Float[Tensor, "k classes *rest"], labels: Int64[Tensor, " k"]) -> Tensor:
    """Of every row the entry of its class."""
    own: Tensor = values[torch.arange(labels.shape[0], device=labels.device), labels]
    return own


def _picture_losses(
    logits: Float[Tensor, "k classes"], shifts: Float[Tensor, "k shifts"], rois: Rois, target: Targets
) -> tuple[Tensor, Tensor]:
    if not len(rois.boxes):
        return logits.sum() * 0, shifts.sum() * 0
    by_class = functional.cross_entropy(logits, rois.labels)
    own = rois.on_objects()
    known = target.whole[own.objects] if len(own.boxes) else torch.zeros(0, dtype=torch.bool, device=logits.device)
    count = len(own.boxes)
    found = of_class(shifts[:count].reshape(count, shifts.shape[1] // 4, 4), own.labels)[known]
    wanted = encoded(target.boxes[own.objects], own.boxes)[known] if count else found
    distance = functional.smooth_l1_loss(found, wanted, beta=1 / 9, reduction="sum")
    return by_class, distance / len(rois.boxes)


def _picture_detections(
    chances: Float[Tensor, "k classes"],
    shifts: Float[Tensor, "k shifts"],
    boxes: Float[Tensor, "k 4"],
    size: tuple[int, int],
    settings: TwoStage,
) -> Detections:
    candidates = refined(shifts, boxes, size)[:, 1:]
    scores = chances[:, 1:]
    sides = candidates[..., 2:] - candidates[..., :2]
    rows, columns = torch.where((scores > settings.least_score) & (sides >= _LEAST_SIDE_PX).all(-1))
    found, confident = candidates[rows, columns], scores[rows, columns]
    kept = batched_nms(found, confident, columns, settings.overlap)[: settings.most_found]
    return Detections(found[kept], columns[kept] + 1, confident[kept], rows[kept])
