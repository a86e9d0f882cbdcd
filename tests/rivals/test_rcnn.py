"""What the two-stage network learns from, and what it must not learn from incomplete photos."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from amodal.masks import CropMask
from amodal.networks.parts.batch import as_images
from amodal.rivals.pictures import as_picture_batch, varied
from amodal.rivals.rcnn import Rcnn, RcnnSize, Targets
from amodal.training.sources import Sample

SIZE = RcnnSize(longest_px=96, channels=8, box_features=8)


@pytest.fixture(scope="module")
def network() -> Rcnn:
    torch.manual_seed(0)
    return Rcnn(3, SIZE, pretrained=False)


def sample(*, complete: bool = True, with_masks: bool = True) -> Sample:
    """A bright square on grey."""
    photo = np.full((120, 160, 3), 100, np.uint8)
    photo[30:90, 20:60] = 250
    mask = CropMask.from_box((20, 30, 60, 90), 120, 160)
    masks = (mask,) if with_masks else None
    return Sample(photo, np.array([[20.0, 30, 60, 90]]), ("car",), masks, None, complete)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_and_masks_go_with_the_picture_when_it_is_scaled_and_mirrored(seed: int) -> None:
    picture = varied(sample(), ("person", "car"), 96, np.random.default_rng(seed))
    bright = picture.pixels.sum(0).float()
    bright = bright > (bright.min() + bright.max()) / 2
    x0, y0, x1, y1 = picture.targets.boxes[0].tolist()
    rows, columns = bright.any(1).nonzero().flatten(), bright.any(0).nonzero().flatten()
    assert (columns[0].item(), rows[0].item()) == pytest.approx((x0, y0), abs=1)
    assert (columns[-1].item() + 1, rows[-1].item() + 1) == pytest.approx((x1, y1), abs=1)
    assert picture.targets.masks is not None
    assert ((picture.targets.masks[0] > 0.5) != bright).float().mean() < 0.02
    assert picture.targets.labels.tolist() == [2]


def test_pictures_without_masks_have_targets_without_masks() -> None:
    assert varied(sample(with_masks=False), ("car",), 96, np.random.default_rng(0)).targets.masks is None


def test_objects_too_small_to_learn_from_are_left_out_and_not_called_background() -> None:
    small = replace(sample(), boxes=np.array([[20.0, 30, 22, 32]]))
    targets = varied(small, ("car",), 96, np.random.default_rng(0)).targets
    assert len(targets.boxes) == 0 and not targets.complete


def test_a_batch_pads_to_multiples_of_32_and_keeps_pictures_as_they_are() -> None:
    pictures = [varied(sample(), ("car",), 96, np.random.default_rng(seed)) for seed in range(3)]
    batch = as_picture_batch(pictures)
    assert all(side % 32 == 0 for side in batch.images.tensors.shape[2:])
    for row, picture in zip(batch.images.tensors, pictures, strict=True):
        _, height, width = picture.pixels.shape
        assert torch.equal(row[:, :height, :width], picture.pixels.float())


def test_an_incomplete_picture_teaches_no_background(network: Rcnn) -> None:
    """Whatever it shows beside its boxes, proposals there are in no loss: pushing them down would be wrong."""
    images = as_images([torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8)])
    boxes, labels = torch.tensor([[10.0, 10, 40, 50]]), torch.tensor([1])
    gradients = {}
    for complete in (True, False):
        network.zero_grad()
        torch.manual_seed(0)
        losses, rois, _ = network.detection_losses(
            network.features(images.tensors), images, [Targets(boxes, labels, complete)]
        )
        losses["class"].backward()  # type: ignore[no-untyped-call]
        bias = network.boxes.box_predictor.cls_score.bias.grad
        assert bias is not None
        gradients[complete] = bias[0].item()
        assert len(rois[0]) > 0
    # Descent goes against the gradient: background is pushed down where all RoIs are objects.
    assert gradients[False] > 0
    assert gradients[True] < gradients[False]


def test_proposals_of_an_incomplete_picture_are_only_pushed_up(network: Rcnn) -> None:
    images = as_images([torch.randint(0, 255, (3, 64, 96), dtype=torch.uint8)])
    target = Targets(torch.tensor([[10.0, 10, 40, 50]]), torch.tensor([1]), complete=False)
    network.zero_grad()
    losses, _, _ = network.detection_losses(network.features(images.tensors), images, [target])
    losses["rpn_object"].backward()  # type: ignore[no-untyped-call]
    gradient = network.rpn.head.cls_logits.bias.grad
    assert gradient is not None and (gradient <= 0).all() and (gradient < 0).any()


def test_stem_early_stages_normalisation_and_depthwise_weights_stay_as_published(network: Rcnn) -> None:
    learned = {name for name, parameter in network.backbone.named_parameters() if parameter.requires_grad}
    assert learned and all(int(name.split(".")[1]) >= SIZE.frozen_blocks for name in learned)
    assert not any("bn" in name or "conv_dw" in name for name in learned)


def test_statistics_of_the_backbone_do_not_drift(network: Rcnn) -> None:
    before = {name: buffer.clone() for name, buffer in network.backbone.named_buffers()}
    network.features(torch.rand(2, 3, 64, 64) * 255)
    assert all(torch.equal(before[name], buffer) for name, buffer in network.backbone.named_buffers())
