"""The rivals that can be trained, by name; a new one is one file and one line here.

The amodal family is in `networks/registry.py`: it learns from other data and by other settings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import cast

from amodal.errors import InputError
from amodal.training.loop import Task, TrainConfig
from amodal.training.sources import CLASSES

# Name -> module with `task(data: TrainingData) -> Task` and `DEFAULTS`, its TrainConfig.
NETWORKS: Mapping[str, str] = {
    "mask-rcnn": "amodal.rivals.maskrcnn",
    "bbtp": "amodal.rivals.bbtp",
    "pcnet-m": "amodal.rivals.pcnet",
}


@dataclass(frozen=True)
class TrainingData:
    """What a network may learn from; what it looks at is up to its task.

    Attributes:
        annotations: COCO JSON.
        images: the folder of its photos.
        backgrounds: photos without objects of the classes, to paste whole objects onto; None for real photos alone.
        split: photos of this split only; None for all.
        classes: to tell apart.
    """

    annotations: Path
    images: Path
    backgrounds: Path | None = None
    split: str | None = "train"
    classes: Sequence[str] = CLASSES


def default_config(name: str) -> TrainConfig:
    """How the network is trained unless told otherwise. Raises `InputError` for an unknown name."""
    return cast(TrainConfig, import_module(_module(name)).DEFAULTS)


def make_task(name: str, data: TrainingData) -> Task:
    """The network's task on this data. Raises `InputError` for an unknown name, and for data that cannot be used."""
    function = cast(Callable[[TrainingData], Task], import_module(_module(name)).task)
    return function(data)


def _module(name: str) -> str:
    if name not in NETWORKS:
        raise InputError("train", "network", f"found {name!r}", f"expected one of {', '.join(NETWORKS)}")
    return NETWORKS[name]
