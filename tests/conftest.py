"""What several rooms' tests share: a drawn street, and a model learned from its boxes once per test run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from amodal.compnet.learn import LearnConfig, learn
from amodal.features.backbone import load_backbone
from helpers.learned import Learned
from helpers.miniature import Miniature, make_miniature

os.environ.setdefault("AMODAL_CHUNK", "4")  # results do not depend on what the machine measures of itself


@pytest.fixture(scope="session")
def mini(tmp_path_factory: pytest.TempPathFactory) -> Miniature:
    """A tiny data set of cars, persons and too few trams."""
    return make_miniature(tmp_path_factory.mktemp("miniature"))


@pytest.fixture(scope="session")
def mini_config(mini: Miniature) -> LearnConfig:
    """Small in every respect, but with the default backbone."""
    return LearnConfig(kernels=24, mixtures=2, outliers=2, max_objects=14, backgrounds=mini.backgrounds)


@pytest.fixture(scope="session")
def mini_model(mini: Miniature, mini_config: LearnConfig, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model learned from the miniature with all its masks in the file."""
    out = tmp_path_factory.mktemp("models") / "mini.safetensors"
    learn(mini.annotations, mini.images, out, config=mini_config)
    return out


@pytest.fixture(scope="session")
def tiny_config(tmp_path_factory: pytest.TempPathFactory) -> LearnConfig:
    """A backbone of 80,000 random weights: several times faster, for tests that do not look at masks."""
    torch.manual_seed(0)
    network = load_backbone("test_efficientnet", pretrained=False).network
    weights = tmp_path_factory.mktemp("backbone") / "tiny.safetensors"
    save_file({name: tensor.contiguous() for name, tensor in network.state_dict().items()}, weights)
    return LearnConfig(
        kernels=16,
        mixtures=2,
        outliers=2,
        teacher="guided",
        max_objects=14,
        backbone="test_efficientnet",
        backbone_weights=weights,
    )


@pytest.fixture(scope="session")
def reference(mini: Miniature, tiny_config: LearnConfig, tmp_path_factory: pytest.TempPathFactory) -> Learned:
    """The tiny backbone's model, learned without interruption; its stages are kept."""
    folder = tmp_path_factory.mktemp("reference")
    told: list[tuple[str, int, int]] = []
    out, work = folder / "m.safetensors", folder / "work"
    report = learn(
        mini.annotations,
        mini.images,
        out,
        config=tiny_config,
        work=work,
        progress=lambda *step: told.append(step),
    )
    return Learned(out, out.read_bytes(), report, work, tuple(told))
