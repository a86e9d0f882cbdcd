"""Steps in parts: the same gradient as in one go, the same files after an interruption; and what is seen meanwhile."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from amodal.errors import AmodalError, InputError
from amodal.training.loop import TrainConfig, train
from amodal.training.processes import Processes, joined, moved, share_of
from amodal.training.watch import Observation
from helpers.mean_task import MeanTask

CONFIG = TrainConfig(steps=12, batch=4, keep_every=5, half=False, optimiser="sgd", rate=0.05)


def weights(path: Path) -> Tensor:
    return torch.cat([tensor.float().flatten() for _, tensor in sorted(load_file(path).items())])


def test_a_step_in_parts_has_the_gradient_of_the_whole(tmp_path: Path) -> None:
    whole = train(MeanTask(), CONFIG, tmp_path / "whole.safetensors")
    parts = train(MeanTask(), replace(CONFIG, accumulate=2), tmp_path / "parts.safetensors")
    assert torch.allclose(weights(whole.path), weights(parts.path), atol=1e-3)  # stored as float16
    for one, other in zip(whole.curve, parts.curve, strict=True):
        assert one == pytest.approx(other, abs=2e-5)


@pytest.mark.parametrize("stop_after", [1, 7])
def test_a_run_in_parts_goes_on_to_the_same_bytes(tmp_path: Path, stop_after: int) -> None:
    config = replace(CONFIG, accumulate=2)
    whole = train(MeanTask(), config, tmp_path / "whole.safetensors")
    train(MeanTask(), config, tmp_path / "cut.safetensors", tmp_path / "work", stop_after=stop_after)
    cut = train(MeanTask(), config, tmp_path / "cut.safetensors", tmp_path / "work")
    assert cut.path.read_bytes() == whole.path.read_bytes()


def test_samples_drawn_ahead_are_the_same(tmp_path: Path) -> None:
    alone = train(MeanTask(), CONFIG, tmp_path / "alone.safetensors")
    ahead = train(MeanTask(), CONFIG, tmp_path / "ahead.safetensors", workers=2)
    assert alone.path.read_bytes() == ahead.path.read_bytes()


def test_the_rate_drops_where_it_is_told(tmp_path: Path) -> None:
    config = replace(CONFIG, steps=100, warm_up=0.1, drops=(50, 80))
    assert config.rate_at(0) == pytest.approx(config.rate / 10)
    rates = [config.rate_at(step) for step in (10, 49, 50, 79, 80, 99)]
    assert rates == pytest.approx([config.rate * share for share in (1, 1, 0.1, 0.1, 0.01, 0.01)])


def test_the_recipe_of_what_needs_no_new_setting_stays_as_it_was() -> None:
    assert set(TrainConfig().budget()) == {
        *("steps", "batch", "rate", "pretrained_rate", "optimiser", "weight_decay", "warm_up", "clip", "half")
    }
    assert replace(CONFIG, drops=(3,), accumulate=2).budget()["drops"] == (3,)


@pytest.mark.parametrize("change", [{"accumulate": 3}, {"accumulate": 0}, {"drops": (5, 5)}, {"drops": (0,)}])
def test_parts_and_drops_that_cannot_be_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(change))):
        replace(CONFIG, **change)


def test_a_batch_that_cannot_be_shared_out_is_refused() -> None:
    with pytest.raises(AmodalError, match="expected a multiple of 6"):
        share_of(Processes(0, 3, torch.device("cpu")), 4, 2)


def test_a_broken_loss_names_its_pictures_and_leaves_what_was_learned(tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    with pytest.raises(AmodalError, match=r"step 7: the loss is not finite .*28\.jpg, 29\.jpg, 30\.jpg, 31\.jpg"):
        train(MeanTask(broken_at=30), CONFIG, out, tmp_path / "work")
    good = train(MeanTask(), replace(CONFIG, steps=12), tmp_path / "g.safetensors", tmp_path / "w", stop_after=7)
    assert not out.exists() and not good.path.exists()
    kept, wanted = (next((tmp_path / folder).glob("*.safetensors")) for folder in ("work", "w"))
    assert torch.equal(weights(kept), weights(wanted))
    assert torch.isfinite(weights(tmp_path / "m.stopped.safetensors")).all()


@dataclass
class Counting:
    """A watch that uses chance and looks at modes."""

    every: int = 5
    training: bool | None = None

    def __call__(self, module: nn.Module, device: torch.device) -> Observation:
        torch.rand(3)
        self.training = module.training
        return Observation({"score": float("nan")}, {"one": np.zeros((4, 5, 3), np.uint8)})


def test_watching_changes_nothing_and_leaves_a_curve_and_pictures(tmp_path: Path) -> None:
    alone = train(MeanTask(), CONFIG, tmp_path / "alone.safetensors")
    watch = Counting()
    watched = train(MeanTask(), CONFIG, tmp_path / "watched.safetensors", watch=watch)
    assert weights(alone.path).equal(weights(watched.path)) and watch.training is False
    assert [point["step"] for point in watched.watched] == [5, 10, 12]
    curve = json.loads((tmp_path / "watched.watch" / "curve.json").read_text())
    assert curve[0] == {"step": 5, "score": None}
    assert (tmp_path / "watched.watch" / "step_000010" / "one.jpg").is_file()


def test_what_was_watched_before_a_stop_is_remembered(tmp_path: Path) -> None:
    train(MeanTask(), CONFIG, tmp_path / "m.safetensors", tmp_path / "work", stop_after=7, watch=Counting())
    done = train(MeanTask(), CONFIG, tmp_path / "m.safetensors", tmp_path / "work", watch=Counting())
    assert [point["step"] for point in done.watched] == [5, 10, 12]


def test_every_tensor_of_a_batch_is_moved() -> None:
    batch = {"a": (torch.zeros(2), [torch.zeros(1)]), "b": "text"}
    there = moved(batch, torch.device("meta"))
    assert there["a"][0].is_meta and there["a"][1][0].is_meta and there["b"] == "text"


@pytest.mark.parametrize("name", ["RANK", "WORLD_SIZE"])
def test_an_environment_that_is_none_of_torchruns_is_refused_clearly(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "first")
    with pytest.raises(InputError, match=f"{name}: is 'first', expected a number"), joined("cpu"):
        pass
