"""Which boxes are matched with which objects, and where boxes move: against loops over boxes."""

from __future__ import annotations

import pytest
import torch
from torchvision.models.detection._utils import BoxCoder
from torchvision.ops import box_iou

from amodal.networks.parts.batch import Targets
from amodal.networks.parts.boxes import given_or_likeliest, moved_boxes
from amodal.networks.parts.sampling import matched


def target_of(boxes: torch.Tensor, *, complete: bool) -> Targets:
    count = len(boxes)
    masks = torch.zeros(count, 40, 40, dtype=torch.uint8)
    return Targets(boxes, torch.arange(1, count + 1), masks, masks, torch.ones(count, dtype=torch.bool), complete, 0)


@pytest.mark.parametrize("complete", [True, False])
@pytest.mark.parametrize("objects", [0, 3])
def test_a_box_is_on_the_object_that_it_overlaps_by_half_or_more(objects: int, complete: bool) -> None:
    chance = torch.Generator().manual_seed(objects)
    corner = torch.rand(objects, 2, generator=chance) * 20
    target = target_of(torch.cat([corner, corner + 15], 1), complete=complete)
    corner = torch.rand(30, 2, generator=chance) * 20
    boxes = torch.cat([target.boxes + 1, torch.cat([corner, corner + 15], 1)]).requires_grad_()
    on, beside = [], []
    for box in boxes.detach():
        overlaps = [float(box_iou(box[None], one[None])) for one in target.boxes]
        best = max(range(objects), key=lambda number: overlaps[number]) if overlaps else 0
        if overlaps and overlaps[best] >= 0.5:
            on.append((box.tolist(), best + 1, best))
        elif complete:
            beside.append((box.tolist(), 0, 0))
    found = matched(boxes, target)
    rows = zip(found.boxes.tolist(), found.labels.tolist(), found.objects.tolist(), strict=True)
    assert list(rows) == on + beside
    assert len(on) >= objects and (found.boxes.requires_grad or not len(found.boxes))


def test_boxes_move_as_their_likeliest_object_would_have_it_and_end_at_the_frame() -> None:
    chance = torch.Generator().manual_seed(0)
    logits, shifts = torch.randn(5, 3, generator=chance), torch.randn(5, 12, generator=chance)
    corner = torch.rand(5, 2, generator=chance) * 20
    boxes = torch.split(torch.cat([corner, corner + 15], 1), [2, 3])
    moved = moved_boxes(logits, shifts, boxes, [(40, 30), (25, 40)])
    for row in range(5):
        picture, place = (0, row) if row < 2 else (1, row - 2)
        height, width = [(40, 30), (25, 40)][picture]
        label = 1 if logits[row, 1] >= logits[row, 2] else 2
        own = shifts[row, 4 * label : 4 * label + 4][None]
        wanted = BoxCoder((10.0, 10.0, 5.0, 5.0)).decode_single(own, boxes[picture][place][None])[0]
        wanted = torch.minimum(wanted.clamp(min=0), torch.tensor([width, height, width, height]))
        torch.testing.assert_close(moved[picture][place], wanted)


def test_only_labels_that_are_not_given_are_chosen() -> None:
    scores = torch.tensor([[0.1, 0.8], [0.1, 0.8], [0.7, 0.2]])
    assert given_or_likeliest(torch.tensor([1, 0, 0]), scores).tolist() == [1, 2, 1]
