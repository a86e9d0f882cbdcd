"""Two processes on the CPU equal one with twice the batch; only the first one writes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from amodal.training.loop import TrainConfig, train
from helpers.family_task import task_on
from helpers.kins_miniature import make_kins_miniature
from helpers.mean_task import MeanTask

FAMILY = TrainConfig(steps=3, batch=4, half=False, optimiser="sgd", rate=0.01, warm_up=0.0)
MEAN = TrainConfig(steps=12, batch=8, half=False, optimiser="sgd", rate=0.05)


def train_both(kins: Path, folder: Path, mean: TrainConfig) -> None:
    """A network of the family, and a task some of whose parameters a process may have no use for."""
    train(task_on(kins), FAMILY, folder / "family.safetensors", folder / "family")
    if "MASTER_PORT" in os.environ:  # the first group's may not be free again at once
        os.environ["MASTER_PORT"] = os.environ["SECOND_PORT"]
    train(MeanTask(), mean, folder / "mean.safetensors", folder / "mean")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """The folders of one process and of two."""
    kins = make_kins_miniature(tmp_path_factory.mktemp("kins"))
    one, two = (tmp_path_factory.mktemp(name) for name in ("one", "two"))
    train_both(kins, one, MEAN)
    ports = free_ports()
    running = []
    for rank in range(2):
        said = {"RANK": rank, "WORLD_SIZE": 2, "LOCAL_RANK": rank, "MASTER_ADDR": "127.0.0.1"}
        said |= {"MASTER_PORT": ports[0], "SECOND_PORT": ports[1], "OMP_NUM_THREADS": 1}
        said |= {"PYTHONPATH": Path(__file__).parents[1]}
        environment = {**os.environ, **{name: str(value) for name, value in said.items()}}
        command = [sys.executable, __file__, str(kins), str(two)]
        running.append(subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True))
    for process in running:
        said_at_the_end = process.communicate(timeout=300)[1]
        assert process.returncode == 0, said_at_the_end
    return {"one": one, "two": two}


@pytest.mark.parametrize("task", ["family", "mean"])
def test_weights_are_the_same(runs: Mapping[str, Path], task: str) -> None:
    one, two = (weights(runs[name] / task) for name in ("one", "two"))
    assert torch.allclose(one, two, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("task", ["family", "mean"])
def test_the_curve_is_that_of_all_processes(runs: Mapping[str, Path], task: str) -> None:
    curves = [json.loads((runs[name] / f"{task}.json").read_text())["curve"] for name in ("one", "two")]
    for one, other in zip(*curves, strict=True):
        assert one == pytest.approx(other, abs=2e-5)


def weights(folder: Path) -> Tensor:
    """Those of the checkpoint, which are float32."""
    tensors = load_file(next(folder.glob("*.safetensors")))
    return torch.cat([tensors[name].flatten() for name in sorted(tensors) if name.startswith("module.")])


def free_ports() -> list[int]:
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        return [first.getsockname()[1], second.getsockname()[1]]


if __name__ == "__main__":  # one of the two processes
    train_both(Path(sys.argv[1]), Path(sys.argv[2]), replace(MEAN, accumulate=2))
