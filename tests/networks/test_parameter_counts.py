"""Numbers of parameters beside the two that [S2] prints: what they count is not said, but both are sums of weights.

44,056,576 = two fully connected layers of 128·14·14 × 28·28 and eight 3×3 convolutions of 256 × 256;
13,402,240 = a fully connected layer of 256·7·7 × 128, one of 128 × 1, and twenty such convolutions: all without biases.
So these are not whole networks (a ResNet-50 alone has 23.5 million), but what is put on top of Mask R-CNN.
"""

from __future__ import annotations

import torch
from torch import nn

from amodal.networks.asn import Asn, AsnSettings
from amodal.networks.panet import PaNet
from amodal.networks.parts.settings import TwoStage, published

PUBLISHED_PANET = 44_056_576
PUBLISHED_ASN = 13_402_240
CONVOLUTION = 3 * 3 * 256 * 256
CLASSES = 8


def weights(*modules: nn.Module | None) -> int:
    """Without biases."""
    return sum(
        own.numel()
        for module in modules
        if module is not None
        for name, own in module.named_parameters()
        if name.endswith("weight")
    )


def parts_of_asn(settings: AsnSettings) -> int:
    """Of the occlusion branch and both Multi-Level Codings."""
    with torch.device("meta"):
        network = Asn(CLASSES, settings, pretrained=False)
    return weights(network.occlusion_branch, network.codings)


def test_asn_adds_the_published_count_to_mask_rcnn_if_combination_halves_first() -> None:
    settings = published(AsnSettings(combination_special="first"))
    assert isinstance(settings, AsnSettings)
    assert parts_of_asn(settings) == PUBLISHED_ASN


def test_asn_as_the_text_describes_it_has_twelve_convolutions_more() -> None:
    settings = published(AsnSettings())
    assert isinstance(settings, AsnSettings)
    assert parts_of_asn(settings) == PUBLISHED_ASN + 12 * CONVOLUTION


def test_path_augmentation_and_fusion_have_the_published_count_and_one_convolution_more() -> None:
    with torch.device("meta"):
        network = PaNet(CLASSES, published(TwoStage()), pretrained=False)
    fusions = [getattr(head, "fusion", None) for head in network.mask_heads.values()]
    assert weights(network.augmentation, *fusions) == PUBLISHED_PANET + CONVOLUTION


def test_the_whole_of_asn_on_mask_rcnn_is_smaller_than_the_whole_of_panet() -> None:
    own = published(AsnSettings())
    assert isinstance(own, AsnSettings)
    with torch.device("meta"):
        panet, asn = PaNet(CLASSES, published(TwoStage()), pretrained=False), Asn(CLASSES, own, pretrained=False)
    assert weights(asn) < weights(panet)
