"""How many parameters each network has, at the published size and at the small one: a few seconds, nothing is trained.

    python experiments/network_family/parameters.py

The KINS paper prints two counts, 44,056,576 for PANet and 13,402,240 for Mask R-CNN + ASN. Neither can be a whole
network (a ResNet-50 alone has 23.5 million): both are sums of weights, without biases, of what stands on top of Mask
R-CNN. `over` is that sum of ours.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import torch
from torch import nn

from amodal.data.write import write_text_atomically
from amodal.networks.asn import Asn, AsnSettings
from amodal.networks.panet import PaNet
from amodal.networks.parts.settings import published
from amodal.networks.plans import settings_of
from amodal.networks.registry import FAMILY, member

CLASSES = 8  # KINS's seven, and background


def main() -> None:
    sizes = {"published": "kins", "small": "small"}
    result = {
        "command": "python experiments/network_family/parameters.py",
        "date": date.today().isoformat(),
        "seed": None,
        "classes": CLASSES,
        "networks": {name: {size: counted(built(name, preset)) for size, preset in sizes.items()} for name in FAMILY},
        "over": {
            "PANet: path augmentation, fusion": panet_over(),
            "ASN: occlusion branch, coding": asn_over(AsnSettings()),
            "ASN: the same, combination halves its channels first": asn_over(AsnSettings(combination_special="first")),
        },
    }
    write_text_atomically(Path(__file__).with_suffix(".json"), json.dumps(result, indent=1) + "\n")
    print(json.dumps(result, indent=1))


def built(name: str, preset: str) -> nn.Module:
    with torch.device("meta"):  # without memory for the weights
        return member(name).network(CLASSES, settings_of(name, preset), pretrained=False)


def counted(*modules: nn.Module, only: str = "") -> int:
    return sum(own.numel() for module in modules for name, own in module.named_parameters() if name.endswith(only))


def panet_over() -> int:
    network = built("panet", "kins")
    assert isinstance(network, PaNet)
    fusions = [fusion for head in network.mask_heads.values() if (fusion := getattr(head, "fusion", None)) is not None]
    return counted(network.augmentation, *fusions, only="weight")


def asn_over(settings: AsnSettings) -> int:
    with torch.device("meta"):
        network = Asn(CLASSES, published(settings), pretrained=False)
    return counted(network.occlusion_branch, network.codings, only="weight")


if __name__ == "__main__":
    main()
