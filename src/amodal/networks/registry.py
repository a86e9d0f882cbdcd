"""The networks of the family by name; a new one is a file and a line here, in `training.registry` and in `METHODS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from amodal.errors import InputError
from amodal.imports import imported

# Name -> "module:network", "module:settings". A network is made from (classes with background, settings, pretrained=).
FAMILY: Mapping[str, tuple[str, str]] = {
    "amodal-mask-rcnn": ("amodal.networks.maskrcnn:MaskRcnn", "amodal.networks.parts.settings:TwoStage"),
    "orcnn": ("amodal.networks.orcnn:OrCnn", "amodal.networks.parts.settings:TwoStage"),
    "panet": ("amodal.networks.panet:PaNet", "amodal.networks.parts.settings:TwoStage"),
    "asn": ("amodal.networks.asn:Asn", "amodal.networks.asn:AsnSettings"),
    "panet-asn": ("amodal.networks.asn:PanetAsn", "amodal.networks.asn:AsnSettings"),
    "mnc": ("amodal.networks.mnc:Mnc", "amodal.networks.mnc:MncSettings"),
    "fcis": ("amodal.networks.fcis:Fcis", "amodal.networks.fcis:FcisSettings"),
    "amodal-mask": ("amodal.networks.amodalmask:AmodalMask", "amodal.networks.amodalmask:AmodalMaskSettings"),
}


@dataclass(frozen=True)
class Member:
    """A network of the family: its class, and the frozen dataclass of its settings."""

    name: str
    network: Callable[..., nn.Module]
    settings: Callable[..., Any]


def member(name: str) -> Member:
    """The network of this name. Raises `InputError` for an unknown one."""
    if name not in FAMILY:
        raise InputError("network", "name", f"found {name!r}", f"expected one of {', '.join(FAMILY)}")
    network, settings = (imported(target) for target in FAMILY[name])
    return Member(name, network, settings)
