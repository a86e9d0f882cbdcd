"""Networks of the amodal family as graphs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import amodal
from amodal.errors import InputError
from amodal.export.write import export_model
from amodal.networks.files import Loaded, write_member
from amodal.networks.registry import member
from amodal.networks.segmenter import load_any
from helpers.demo_photos import demo_photos

PHOTOS = demo_photos()[:2]


@pytest.fixture(scope="module")
def detector(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped network for onnxruntime."""
    out = tmp_path_factory.mktemp("network") / "onnx"
    export_model("detector", out)
    return out


@pytest.mark.parametrize("boxes", ["given", "own"])
def test_masks_of_the_shipped_network_are_those_of_pytorch(detector: Path, boxes: str):
    ours, theirs = amodal.load(detector, boxes=boxes), load_any("default", boxes=boxes)
    for path, rows, labels in PHOTOS:  # of other sizes than the picture that was traced
        mine, other = ours.segment(path, rows, labels), theirs.segment(path, rows, labels)
        assert [one.label for one in mine.instances] == [one.label for one in other.instances]
        for a, b in zip(mine.instances, other.instances, strict=True):
            assert np.abs(np.array(a.box) - b.box).max() < 0.05
            assert a.amodal.is_empty or a.amodal.iou(b.amodal) > 0.995


def test_one_box_will_do(detector: Path):
    path, rows, _ = PHOTOS[0]
    assert len(amodal.load(detector).segment(path, rows[:1])) == 1


def test_mask_rcnn_exports_too(tmp_path: Path):
    name = "amodal-mask-rcnn"
    file = untrained(name, tmp_path)
    export_model(file, tmp_path / "out")
    path, rows, _ = PHOTOS[0]
    mine, other = (amodal.load(model, method=name).segment(path, rows) for model in (tmp_path / "out", file))
    assert [one.score for one in mine.instances] == pytest.approx([one.score for one in other.instances], abs=1e-4)


def test_a_network_that_cannot_be_exported_is_refused(tmp_path: Path):
    with pytest.raises(InputError, match="mnc cannot be exported, expected one of amodal-mask-rcnn"):
        export_model(untrained("mnc", tmp_path), tmp_path / "out")


def untrained(name: str, folder: Path) -> Path:
    """A network of that name with weights by chance."""
    torch.manual_seed(0)
    kind = member(name)
    settings = kind.settings(shortest_px=128, longest_px=160, proposals_kept=(40, 30))
    network = kind.network(3, settings, pretrained=False).eval()
    metadata = {
        "name": name,
        "classes": ["person", "car"],
        "settings": {"shortest_px": 128, "longest_px": 160, "proposals_kept": [40, 30]},
    }
    file = folder / f"{name}.safetensors"
    write_member(file, Loaded(name, network, ("person", "car"), settings, None, metadata), {})
    return file
