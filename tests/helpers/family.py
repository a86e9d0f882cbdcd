"""Tiny networks of the amodal family with random weights, as model files."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import torch

from amodal.networks.registry import member
from amodal.training.files import write_network

CLASSES = ("car", "person")
SMALL = {"channels": 8, "box_features": 8, "shortest_px": 64, "longest_px": 96, "proposals_kept": (20, 12)}


def save_network(path: Path, name: str = "amodal-mask-rcnn", *, sure: bool = False, **more: Any) -> Path:
    """A model file of the network `name`; `sure`: whatever it boxes it takes for a car. `more` goes into the file."""
    torch.manual_seed(0)
    kind = member(name)
    made = kind.settings()
    settings = replace(made, **{key: value for key, value in SMALL.items() if hasattr(made, key)})
    network = kind.network(1 + len(CLASSES), settings, pretrained=False)
    if sure:
        for key, parameter in network.named_parameters():
            if key.startswith("box_head") and key.endswith("bias") and parameter.shape == (1 + len(CLASSES),):
                with torch.no_grad():
                    parameter.copy_(torch.tensor([-9.0, 9.0, 0.0]))
    described = {"name": name, "classes": list(CLASSES), "settings": asdict(settings), **more}
    write_network(path, network, described)
    return path
