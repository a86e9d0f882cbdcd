"""The training loop: the same weights whatever happens on the way, and files that say when they are not right."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from amodal.errors import AmodalError, InputError
from amodal.training import loop
from amodal.training.files import fill, read_network
from amodal.training.loop import TrainConfig, train

CONFIG = TrainConfig(steps=12, batch=3, keep_every=5, half=False)


@dataclass(frozen=True)
class ToyTask:
    """A small network with every kind of chance: in its weights, its samples and its loss."""

    name: str = "toy"
    broken_from: int | None = None

    def build(self) -> nn.Module:
        return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)).to(memory_format=torch.channels_last)

    def draw(self, index: int, rng: np.random.Generator) -> np.ndarray:
        sample = rng.normal(size=(3, 8, 8)).astype(np.float32)
        return sample * np.nan if self.broken_from is not None and index >= self.broken_from else sample

    def collate(self, samples: Sequence[np.ndarray]) -> Tensor:
        return torch.from_numpy(np.stack(samples))

    def loss(self, module: nn.Module, batch: Tensor) -> Mapping[str, Tensor]:
        return {"far": (module(batch) - torch.rand(len(batch), 2)).square().mean()}

    def metadata(self) -> dict[str, Any]:
        return {"classes": ["thing"]}


@pytest.fixture
def trained(tmp_path: Path) -> Path:
    return train(ToyTask(), CONFIG, tmp_path / "toy.safetensors").path


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
@pytest.mark.parametrize("stop_after", [3, 5, 11])
def test_an_interrupted_run_ends_with_the_bytes_of_an_undisturbed_one(
    tmp_path: Path, optimiser: Any, stop_after: int
) -> None:
    config = replace(CONFIG, optimiser=optimiser)
    whole = train(ToyTask(), config, tmp_path / "whole.safetensors")
    train(ToyTask(), config, tmp_path / "parts.safetensors", tmp_path / "work", stop_after=stop_after)
    assert not (tmp_path / "parts.safetensors").exists()
    parts = train(ToyTask(), config, tmp_path / "parts.safetensors", tmp_path / "work")
    assert parts.path.read_bytes() == whole.path.read_bytes()
    assert parts.curve == whole.curve


def test_checkpoints_by_the_clock_save_a_killed_run_and_change_no_byte(
    tmp_path: Path, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "KEPT_FOR_SECONDS", 0.0)
    begun: list[int] = []
    out, work = tmp_path / "killed.safetensors", tmp_path / "work"

    def kill(_stage: str, done: int, _total: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(ToyTask(), CONFIG, out, work, kill, begun=begun.append)
    train(ToyTask(), CONFIG, out, work, begun=begun.append)
    assert begun == [0, 3]  # by steps alone, the first checkpoint would be that of step 5
    assert out.read_bytes() == trained.read_bytes()


def test_a_broken_checkpoint_means_that_work_begins_anew(tmp_path: Path, trained: Path) -> None:
    train(ToyTask(), CONFIG, tmp_path / "b.safetensors", tmp_path / "work", stop_after=6)
    for checkpoint in (tmp_path / "work").glob("*.safetensors"):
        checkpoint.write_bytes(checkpoint.read_bytes()[:-100])
    assert train(ToyTask(), CONFIG, tmp_path / "b.safetensors", tmp_path / "work").path.read_bytes() == (
        trained.read_bytes()
    )


def test_a_checkpoint_of_another_recipe_is_not_used(tmp_path: Path) -> None:
    other = replace(CONFIG, seed=1)
    train(ToyTask(), CONFIG, tmp_path / "a.safetensors", tmp_path / "work", stop_after=6)
    alone = train(ToyTask(), other, tmp_path / "alone.safetensors")
    beside = train(ToyTask(), other, tmp_path / "beside.safetensors", tmp_path / "work")
    assert beside.path.read_bytes() == alone.path.read_bytes()


def test_another_seed_gives_another_network(tmp_path: Path, trained: Path) -> None:
    other = train(ToyTask(), replace(CONFIG, seed=1), tmp_path / "other.safetensors").path
    assert any((load_file(other)[name] != tensor).any() for name, tensor in load_file(trained).items())


def test_training_lowers_the_loss(tmp_path: Path) -> None:
    curve = train(ToyTask(), replace(CONFIG, steps=60, rate=0.01), tmp_path / "toy.safetensors").curve
    assert curve[-1]["far"] < 0.6 * curve[0]["far"]


def test_training_leaves_the_callers_chance_alone(tmp_path: Path) -> None:
    torch.manual_seed(3)
    wanted = torch.rand(4)
    torch.manual_seed(3)
    train(ToyTask(), CONFIG, tmp_path / "toy.safetensors")
    assert torch.equal(torch.rand(4), wanted)


def test_progress_tells_every_step(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    train(ToyTask(), CONFIG, tmp_path / "toy.safetensors", progress=lambda *step: told.append(step))
    assert told == [("train toy", step, 12) for step in range(1, 13)]


def test_the_curve_and_the_seconds_stand_beside_the_network(trained: Path) -> None:
    beside = json.loads(trained.with_suffix(".json").read_text())
    assert [point["step"] for point in beside["curve"]] == list(range(1, 13))
    assert beside["seconds"] >= 0 and beside["seed"] == 0 and beside["budget"]["steps"] == 12


def test_a_loss_that_is_no_number_ends_the_run(tmp_path: Path) -> None:
    with pytest.raises(AmodalError, match="step 2: the loss is not finite"):
        train(ToyTask(broken_from=6), CONFIG, tmp_path / "toy.safetensors")
    assert not (tmp_path / "toy.safetensors").exists()


@pytest.mark.parametrize("field", ["steps", "batch", "keep_every", "rate"])
def test_a_config_that_cannot_be_is_refused(field: str) -> None:
    with pytest.raises(InputError, match=field):
        replace(CONFIG, **{field: 0})


def test_what_is_written_can_be_read_and_filled_in(trained: Path) -> None:
    file, network = read_network(trained, "toy"), ToyTask().build()
    fill(network, file, trained)
    assert file.metadata["kind"] == "network" and file.metadata["classes"] == ["thing"]
    assert torch.equal(network.state_dict()["2.weight"], file.tensors["2.weight"])


def test_a_missing_model_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_network(tmp_path / "none.safetensors", "toy")


@pytest.mark.parametrize("keep", [0, 5, 60, -7])
def test_a_truncated_model_file_is_refused(trained: Path, keep: int) -> None:
    trained.write_bytes(trained.read_bytes()[:keep])
    with pytest.raises(InputError, match="not a whole safetensors file"):
        read_network(trained, "toy")


def test_another_networks_file_is_refused(trained: Path) -> None:
    with pytest.raises(InputError, match="is 'toy', expected 'bbtp'"):
        read_network(trained, "bbtp")


@pytest.mark.parametrize(
    ("metadata", "said"),
    [
        ({}, "format"),
        ({"format": "amodal-compnet", "version": "1"}, "format"),
        ({"format": "amodal-network", "version": "99"}, "version"),
        ({"format": "amodal-network", "version": "1"}, "not JSON"),
        ({"format": "amodal-network", "version": "1", "network": "[1]"}, "no JSON object"),
        ({"format": "amodal-network", "version": "1", "network": "[" * 100_000}, "not JSON"),
    ],
)
def test_a_file_of_another_kind_is_refused(tmp_path: Path, metadata: dict[str, str], said: str) -> None:
    save_file({"weight": torch.zeros(2)}, tmp_path / "other.safetensors", metadata)
    with pytest.raises(InputError, match=said):
        read_network(tmp_path / "other.safetensors", "toy")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda tensors: tensors.pop("2.bias"), "2.bias: is missing"),
        (lambda tensors: tensors.update(more=torch.zeros(1)), "more: is unknown"),
        (lambda tensors: tensors.update({"2.bias": torch.zeros(3)}), r"2.bias: has shape \(3,\), expected \(2,\)"),
    ],
)
def test_weights_of_another_network_are_refused(trained: Path, change: Any, said: str) -> None:
    file = read_network(trained, "toy")
    tensors = dict(file.tensors)
    change(tensors)
    with pytest.raises(InputError, match=said):
        fill(ToyTask().build(), replace(file, tensors=tensors), trained)
