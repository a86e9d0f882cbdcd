"""Our Mask R-CNN is torchvision's, given the same weights.

Pictures are of one size: the margin of smaller ones is grey here and the backbone's mean colour there.
"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.models.detection.roi_heads import paste_masks_in_image

from amodal.networks.maskrcnn import MaskRcnn
from amodal.networks.parts.batch import Found, as_images
from amodal.networks.parts.settings import TwoStage, published

CLASSES = 5
HEIGHT, WIDTH = 128, 160
PROPOSALS, FOUND = 100, 12
NAMES = (
    (r"^backbone\.body\.", "backbone.network."),
    (r"^backbone\.fpn\.", "pyramid.network."),
    (r"^roi_heads\.box_head\.fc6\.", "box_head.first."),
    (r"^roi_heads\.box_head\.fc7\.", "box_head.second."),
    (r"^roi_heads\.box_predictor\.cls_score\.", "box_head.predictor.classes."),
    (r"^roi_heads\.box_predictor\.bbox_pred\.", "box_head.predictor.shifts."),
    (r"^roi_heads\.mask_head\.(\d)\.0\.", r"mask_heads.amodal.convolutions.\1."),
    (r"^roi_heads\.mask_predictor\.conv5_mask\.", "mask_heads.amodal.deconvolution."),
    (r"^roi_heads\.mask_predictor\.mask_fcn_logits\.", "mask_heads.amodal.predictor."),
)


def theirs() -> nn.Module:
    """With random weights of enough spread that no two proposals are alike.

    Random weights make the pyramid's maps some hundred times larger than trained ones; float32 would then hide what is
    compared behind its rounding.
    """
    torch.manual_seed(0)
    model: nn.Module = maskrcnn_resnet50_fpn(
        weights=None,
        weights_backbone=None,
        num_classes=CLASSES,
        min_size=HEIGHT,
        max_size=WIDTH,
        rpn_post_nms_top_n_test=PROPOSALS,
        box_detections_per_img=FOUND,
    )
    for name, parameter in model.named_parameters():
        if "rpn" in name or "predictor" in name:
            nn.init.normal_(parameter, std=0.02)
        elif "fpn" in name:
            parameter.data *= 0.1
    return model.eval()


def ours(model: nn.Module) -> MaskRcnn:
    """The same weights under our names, none left over on either side."""
    settings = replace(published(TwoStage()), masks=("amodal",), proposals_kept=(2000, PROPOSALS), most_found=FOUND)
    network = MaskRcnn(CLASSES, settings, pretrained=False)
    state = {renamed(name): tensor for name, tensor in model.state_dict().items()}
    network.load_state_dict(state)
    return network.eval()


def renamed(name: str) -> str:
    for pattern, replacement in NAMES:
        name = re.sub(pattern, replacement, name)
    return name


@pytest.fixture(scope="module")
def results() -> tuple[list[dict[str, Tensor]], list[Found]]:
    """Of two pictures."""
    chance = torch.Generator().manual_seed(1)
    pictures = list(torch.randint(0, 256, (2, 3, HEIGHT, WIDTH), dtype=torch.uint8, generator=chance))
    model = theirs()
    network = ours(model)
    with torch.inference_mode():
        return model([picture / 255 for picture in pictures]), network.find(as_images(pictures))


def test_detections_are_equal(results: tuple[list[dict[str, Tensor]], list[Found]]) -> None:
    for expected, found in zip(*results, strict=True):
        assert len(found.boxes) == FOUND
        assert torch.equal(found.labels, expected["labels"])
        torch.testing.assert_close(found.scores, expected["scores"], atol=1e-4, rtol=0)
        torch.testing.assert_close(found.boxes, expected["boxes"], atol=1e-4, rtol=1e-5)


def test_masks_are_equal(results: tuple[list[dict[str, Tensor]], list[Found]]) -> None:
    for expected, found in zip(*results, strict=True):
        size = (expected["masks"].shape[-2], expected["masks"].shape[-1])
        pasted = paste_masks_in_image(found.amodal[:, None], found.boxes, size)
        assert expected["masks"].std() > 0.01
        torch.testing.assert_close(pasted, expected["masks"], atol=1e-4, rtol=0)
