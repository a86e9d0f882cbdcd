"""The one training loop: seeded by step, so that a run stopped at any moment goes on to the same weights."""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from amodal.data.write import make_folder, write_text_atomically
from amodal.errors import AmodalError, InputError
from amodal.training.files import read_checkpoint, write_checkpoint, write_network

Progress = Callable[[str, int, int], None]


class Task(Protocol):
    """What a network must say of itself to be trained."""

    @property
    def name(self) -> str:
        """The network's name, as in `amodal train NAME`."""

    def build(self) -> nn.Module:
        """The network in training mode, what is frozen without gradient; torch's random state is the run's seed.

        Parameters whose name begins with "backbone." are pretrained and learn at `TrainConfig.pretrained_rate`.
        """

    def draw(self, index: int, rng: np.random.Generator) -> Any:
        """Training sample number `index` of the run; all chance comes from `rng`."""

    def collate(self, samples: Sequence[Any]) -> Any:
        """A batch of samples."""

    def loss(self, module: nn.Module, batch: Any) -> Mapping[str, Tensor]:
        """The parts of the loss by name; their sum is descended. torch's random state belongs to the step."""

    def metadata(self) -> dict[str, Any]:
        """JSON values for the model file: classes, backbone, data, licence note …; part of the run's recipe."""


@dataclass(frozen=True)
class TrainConfig:
    """How to train; the same for all networks but for what a network's own defaults say."""

    steps: int = 1000
    """Steps of descent."""
    batch: int = 4
    """Samples per step."""
    seed: int = 0
    """Same data, same seed, same machine: same weights."""
    rate: float = 1e-3
    """Highest learning rate; warm-up, then a half cosine down to a hundredth."""
    pretrained_rate: float = 0.2
    """Of that, the share for the pretrained backbone."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    """SGD has momentum 0.9."""
    weight_decay: float = 1e-2
    """For weights of two dimensions and more."""
    warm_up: float = 0.05
    """Share of the steps over which the rate rises."""
    clip: float = 5.0
    """Largest norm of a step's gradient."""
    half: bool = True
    """Compute in bfloat16 where that is safe."""
    keep_every: int = 100
    """Steps between checkpoints."""

    def __post_init__(self) -> None:
        """Refuse what cannot be before anything is read."""
        for name in ("steps", "batch", "keep_every"):
            if getattr(self, name) < 1:
                raise InputError("train", name, f"is {getattr(self, name)}", "expected at least 1")
        if self.seed < 0:
            raise InputError("train", "seed", f"is {self.seed}", "expected 0 or more")
        if not 0 < self.rate < math.inf:
            raise InputError("train", "rate", f"is {self.rate}", "expected a positive number")


@dataclass(frozen=True)
class Trained:
    """A finished run: the model file, and the mean of every part of the loss over fiftieths of the run."""

    path: Path
    steps: int
    seconds: float
    curve: tuple[Mapping[str, float], ...]


def train(
    task: Task,
    config: TrainConfig,
    out: Path,
    work: Path | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
) -> Trained:
    """Train the network and write it to `out`, with the curve of the loss and the seconds in a .json beside it.

    `work` keeps a checkpoint: the same call, stopped at any moment, goes on where it was, and the weights are those of
    an undisturbed run, bit by bit on one machine. `stop_after` ends the call early, after that many steps in all.

    Raises `AmodalError` where the loss is no longer a number.
    """
    with torch.random.fork_rng(devices=[]):  # the caller's chance stays its own
        return _train(task, config, out, work, progress, stop_after)


def _train(
    task: Task, config: TrainConfig, out: Path, work: Path | None, progress: Progress | None, stop_after: int | None
) -> Trained:
    metadata = _metadata(task, config)
    run = _Run.begin(task, config, None if work is None else make_folder(work) / _checkpoint_name(metadata))
    last = config.steps if stop_after is None else min(stop_after, config.steps)
    while run.step < last:
        run.descend()
        if progress is not None:
            progress(f"train {task.name}", run.step, config.steps)
        if run.step % config.keep_every == 0 or run.step == last:
            run.keep()
    if run.step == config.steps:
        run.module.eval()
        write_network(out, run.module, {**metadata, "curve": run.curve})
        beside = {**metadata, "curve": run.curve, "seconds": round(run.seconds, 1), "torch": torch.__version__}
        write_text_atomically(out.with_suffix(".json"), json.dumps(beside, indent=1) + "\n")
    return Trained(out, run.step, run.seconds, tuple(run.curve))


class _Run:
    """A network on its way: weights, optimiser, the step it is at and the curve so far."""

    def __init__(self, task: Task, config: TrainConfig, checkpoint: Path | None) -> None:
        torch.manual_seed(config.seed)
        self.task, self.config, self.checkpoint = task, config, checkpoint
        self.module = task.build()
        self.optimiser = _optimiser(self.module, config)
        self.step, self.seconds = 0, 0.0
        self.curve: list[dict[str, float]] = []
        self.sums: dict[str, float] = {}

    @classmethod
    def begin(cls, task: Task, config: TrainConfig, checkpoint: Path | None) -> _Run:
        """A new run, or the one that the checkpoint holds."""
        run = cls(task, config, checkpoint)
        found = None if checkpoint is None else read_checkpoint(checkpoint)
        if found is not None:
            run._take_up(*found)
        return run

    def descend(self) -> None:
        """One step; its chance comes from the seed and the step's number alone."""
        started, config = time.perf_counter(), self.config
        torch.manual_seed(_seed_of(config.seed, self.step))
        first = self.step * config.batch
        samples = [
            self.task.draw(index, np.random.default_rng([config.seed, index]))
            for index in range(first, first + config.batch)
        ]
        batch = self.task.collate(samples)
        with torch.autocast("cpu", torch.bfloat16, enabled=config.half):
            losses = self.task.loss(self.module, batch)
        total = torch.stack([part.float() for part in losses.values()]).sum()
        if not bool(torch.isfinite(total)):
            parts = ", ".join(f"{name} {part.detach().item():g}" for name, part in losses.items())
            raise AmodalError(f"train {self.task.name}: step {self.step}: the loss is not finite ({parts})")
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * _rate(config, self.step)
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_([p for p in self.module.parameters() if p.grad is not None], config.clip)
        self.optimiser.step()
        self.step += 1
        self.seconds += time.perf_counter() - started
        self._note({name: float(part.detach()) for name, part in losses.items()})

    def keep(self) -> None:
        """Write the checkpoint, if there is a place for it."""
        if self.checkpoint is None:
            return
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in values.items() if value is not None}
        state = {"step": self.step, "seconds": self.seconds, "curve": self.curve, "sums": self.sums}
        write_checkpoint(self.checkpoint, tensors, state)

    def _take_up(self, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
        self.module.load_state_dict(_below("module.", tensors))
        moments: dict[int, dict[str, Tensor]] = {}
        parameters = [parameter for group in self.optimiser.param_groups for parameter in group["params"]]
        for key, tensor in _below("optimiser.", tensors).items():
            number, _, name = key.partition(".")
            # Laid out in memory as the parameter is, or sums would be taken in another sequence.
            same = tensor.clone() if tensor.ndim == 0 else torch.empty_like(parameters[int(number)]).copy_(tensor)
            moments.setdefault(int(number), {})[name] = same
        self.optimiser.load_state_dict({**self.optimiser.state_dict(), "state": moments})
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.curve, self.sums = list(state["curve"]), dict(state["sums"])

    def _note(self, losses: Mapping[str, float]) -> None:
        """Add up each part of the loss, and every fiftieth of the run put the means on the curve."""
        for name, value in {"steps": 1.0, **losses}.items():
            self.sums[name] = self.sums.get(name, 0.0) + value
        if self.step % max(1, self.config.steps // 50) == 0 or self.step == self.config.steps:
            count = self.sums.pop("steps")
            means = {name: round(value / count, 5) for name, value in self.sums.items()}
            self.curve.append({"step": self.step, **means})
            self.sums = {}


def _metadata(task: Task, config: TrainConfig) -> dict[str, Any]:
    budget = {name: value for name, value in asdict(config).items() if name not in ("seed", "keep_every")}
    return {**task.metadata(), "name": task.name, "budget": budget, "seed": config.seed}


def _checkpoint_name(metadata: Mapping[str, Any]) -> str:
    recipe = hashlib.sha256(json.dumps(metadata, sort_keys=True).encode()).hexdigest()[:16]
    return f"{metadata['name']}-{recipe}.safetensors"


def _optimiser(module: nn.Module, config: TrainConfig) -> Optimizer:
    """Four groups: pretrained or new, decayed or not."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in module.named_parameters():
        if parameter.requires_grad:
            groups.setdefault((name.startswith("backbone."), parameter.ndim >= 2), []).append(parameter)
    described = [
        {
            "params": parameters,
            "share": config.pretrained_rate if pretrained else 1.0,
            "weight_decay": config.weight_decay if decayed else 0.0,
        }
        for (pretrained, decayed), parameters in sorted(groups.items(), key=lambda item: item[0])
    ]
    if config.optimiser == "sgd":
        return SGD(described, lr=config.rate, momentum=0.9, foreach=True)
    return AdamW(described, lr=config.rate, foreach=True)


def _rate(config: TrainConfig, step: int) -> float:
    rising = max(1, round(config.warm_up * config.steps))
    if step < rising:
        return config.rate * (step + 1) / rising
    done = (step - rising) / max(1, config.steps - rising)
    return config.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * done)) / 2)


def _seed_of(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]) >> 1


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
