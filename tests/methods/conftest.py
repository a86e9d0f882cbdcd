"""A photo of two overlapping things, and the learned model that looks at them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amodal.compnet.model import CompNet, load_model
from amodal.images import read_photo
from helpers.miniature import CATEGORIES, Miniature
from helpers.photographed import Photographed


@pytest.fixture(scope="session")
def crowded(mini: Miniature) -> list[Photographed]:
    """Some photos in which a person stands before a car."""
    content = mini.content()
    found = []
    for image in content["images"]:
        things = [a for a in content["annotations"] if a["image_id"] == image["id"]]
        labels = tuple(CATEGORIES[a["category_id"] - 1] for a in things)
        if labels == ("car", "person") and not things[0]["clean"]:
            xywh = np.array([a["bbox"] for a in things], np.float64)
            boxes = np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1)
            path = mini.images / image["file_name"]
            found.append(Photographed(path, read_photo(path), boxes, labels))
    assert len(found) >= 4
    return found[:4]


@pytest.fixture(scope="session")
def scene(crowded: list[Photographed]) -> Photographed:
    return crowded[0]


@pytest.fixture(scope="session")
def compnet(mini_model: Path) -> CompNet:
    return load_model(mini_model)
