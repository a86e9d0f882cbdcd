"""From RoIs to found objects in MNC and FCIS: doubles are suppressed, but their masks vote on that of the one kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torch.nn import functional
from torchvision.ops import box_iou

from amodal.networks.parts.batch import Found
from amodal.networks.parts.boxes import Detections, detections, given_or_likeliest, of_class, refined
from amodal.networks.parts.masks import class_masks
from amodal.networks.parts.settings import KINDS, MaskKind, TwoStage

_SAME = 0.5  # IoU of boxes from which two RoIs saw the same object


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network says of RoIs, all pictures' in a row.

    Attributes:
        logits, shifts: class logits, and four shifts for every class.
        masks: logits of every kind that it has, for every class.
    """

    logits: Float[Tensor, "k classes"]
    shifts: Float[Tensor, "k shifts"]
    masks: Mapping[MaskKind, Float[Tensor, "k classes side side"]]

    def split(self, counts: Sequence[int]) -> list[Seen]:
        """Every picture's own."""
        logits, shifts = torch.split(self.logits, list(counts)), torch.split(self.shifts, list(counts))
        masks = {kind: torch.split(own, list(counts)) for kind, own in self.masks.items()}
        return [
            Seen(logits[number], shifts[number], {kind: own[number] for kind, own in masks.items()})
            for number in range(len(counts))
        ]


def all_found(
    looks: Sequence[tuple[Sequence[Float[Tensor, "_ 4"]], Seen]],
    sizes: Sequence[tuple[int, int]],
    settings: TwoStage,
) -> list[Found]:
    """The objects of every picture, from RoIs that were looked at in one or several rounds: (boxes, what was seen)."""
    split = [(boxes, seen.split([len(own) for own in boxes])) for boxes, seen in looks]
    return [
        _picture_found(torch.cat([boxes[number] for boxes, _ in split]), [seen[number] for _, seen in split], size,
                       settings)
        for number, size in enumerate(sizes)
    ]  # fmt: skip


def named(seen: Seen, boxes: Sequence[Float[Tensor, "_ 4"]], labels: Sequence[Int64[Tensor, " _"]]) -> list[Found]:
    """Given boxes as found objects, nothing thinned or moved; where a label is 0, the likeliest class."""
    parts = seen.split([len(own) for own in boxes])
    return [_picture_named(*row) for row in zip(parts, boxes, labels, strict=True)]


def voted(
    kept: Detections,
    chances: Float[Tensor, "k classes"],
    candidates: Float[Tensor, "k classes 4"],
    frames: Float[Tensor, "k 4"],
    masks: Float[Tensor, "k classes side side"],
) -> Float[Tensor, "n side side"]:
    """The mask of each kept detection, on the frame of the RoI that it comes from.

    Every RoI whose box of that class overlaps the detection's by more than one half (IoU) votes with its probabilities,
    weighed by its chance of the class; beyond its frame a voter says 0.
    """
    parts = [_one(kept, number, chances, candidates, frames, masks) for number in range(len(kept.rows))]
    return torch.stack(parts) if parts else masks.new_zeros(0, *masks.shape[2:])


def moved(
    grids: Float[Tensor, "k side side"], frames: Float[Tensor, "k 4"], onto: Float[Tensor, " 4"]
) -> Float[Tensor, "k side side"]:
    """Grids that lie on `frames`, read bilinearly at the cells of a grid of the same side on one other frame."""
    side = grids.shape[-1]
    middles = (torch.arange(side, device=grids.device, dtype=frames.dtype) + 0.5) / side
    x = _share(onto[0] + middles * (onto[2] - onto[0]), frames[:, 0:1], frames[:, 2:3])
    y = _share(onto[1] + middles * (onto[3] - onto[1]), frames[:, 1:2], frames[:, 3:4])
    places = torch.stack([x[:, None, :].expand(-1, side, -1), y[:, :, None].expand(-1, -1, side)], -1)
    inside = ((places >= 0) & (places <= 1)).all(-1)
    # Padding by zeros would fade within half a cell of the edge, but the value of a cell holds for all of it.
    read = functional.grid_sample(grids[:, None], 2 * places - 1, padding_mode="border", align_corners=False)
    return read[:, 0] * inside


def _picture_found(
    boxes: Float[Tensor, "k 4"], looks: Sequence[Seen], size: tuple[int, int], settings: TwoStage
) -> Found:
    logits, shifts = (torch.cat([getattr(look, name) for look in looks]) for name in ("logits", "shifts"))
    kept = detections(logits, shifts, [boxes], [size], settings)[0]
    candidates = refined(shifts, boxes, size)
    masks = {}
    for kind in looks[0].masks:
        probable = torch.cat([look.masks[kind] for look in looks]).sigmoid()
        masks[kind] = voted(kept, logits.softmax(1), candidates, boxes, probable)
    whole, visible = _both(masks)
    return Found(kept.boxes, kept.labels, kept.scores, boxes[kept.rows], whole, visible)


def _picture_named(seen: Seen, boxes: Float[Tensor, "n 4"], labels: Int64[Tensor, " n"]) -> Found:
    chances = seen.logits.softmax(1)
    chosen = given_or_likeliest(labels, chances[:, 1:])
    whole, visible = _both({kind: class_masks(own, chosen) for kind, own in seen.masks.items()})
    return Found(boxes, chosen, of_class(chances, chosen), boxes, whole, visible)


def _both(masks: Mapping[MaskKind, Tensor]) -> tuple[Tensor, Tensor]:
    """Amodal and inmodal masks; a kind that the network does not make repeats the other."""
    only = next(iter(masks.values()))
    whole, visible = (masks.get(kind, only) for kind in KINDS)
    return whole, visible


def _share(
    places: Float[Tensor, " side"], start: Float[Tensor, "k 1"], end: Float[Tensor, "k 1"]
) -> Float[Tensor, "k side"]:
    """Where on the way from start to end."""
    return (places - start) / (end - start).clamp(min=1e-6)


def _one(
    kept: Detections,
    number: int,
    chances: Float[Tensor, "k classes"],
    candidates: Float[Tensor, "k classes 4"],
    frames: Float[Tensor, "k 4"],
    masks: Float[Tensor, "k classes side side"],
) -> Float[Tensor, "side side"]:
    label, row = kept.labels[number], kept.rows[number]
    overlap = box_iou(kept.boxes[number][None], candidates[:, label])[0]
    overlap[row] = 1.0  # its own vote counts, whatever rounding says
    voters = torch.where(overlap > _SAME)[0]
    weights = chances[voters, label]
    read = moved(masks[voters, label], frames[voters], frames[row])
    mean: Tensor = (read * weights[:, None, None]).sum(0) / weights.sum()
    return mean
