"""The one training loop: seeded by step, so that a run stopped at any moment goes on to the same weights."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD, AdamW, Optimizer

from amodal.data.write import make_folder, write_text_atomically
from amodal.errors import AmodalError
from amodal.progress import Progress
from amodal.training.ahead import Draw, drawing
from amodal.training.config import TrainConfig
from amodal.training.files import read_checkpoint, write_checkpoint, write_network
from amodal.training.processes import Processes, joined, moved, share_of, without_exchange
from amodal.training.watch import Log, Watch, logging_to, observe, plain, write_observation

__all__ = ["Task", "TrainConfig", "Trained", "train"]

KEPT_FOR_SECONDS = 120.0  # a checkpoint older than that is replaced, however few steps there were


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
class Trained:
    """A finished run: the model file, and the mean of every part of the loss over fiftieths of the run."""

    path: Path
    steps: int
    seconds: float
    curve: tuple[Mapping[str, float], ...]
    watched: tuple[Mapping[str, float | None], ...] = ()
    """What a Watch saw, by step."""


def train(
    task: Task,
    config: TrainConfig,
    out: Path,
    work: Path | None = None,
    progress: Progress | None = None,
    stop_after: int | None = None,
    *,
    device: str = "cpu",
    workers: int = 0,
    watch: Watch | None = None,
    log: Path | None = None,
    begun: Callable[[int], None] | None = None,
) -> Trained:
    """Train the network and write it to `out`, with the curve of the loss and the seconds in a .json beside it.

    Stopped at any moment, the same call with `work` goes on where it was, and the weights are those of an undisturbed
    run, bit by bit on one machine. Started by torchrun, the processes share every step's samples; the first one
    writes, all must see `work`.

    Args:
        task: the network and what it learns from.
        config: how.
        out: the model file; what `watch` sees goes into a folder of the same name in `.watch`.
        work: folder for a checkpoint, written every `config.keep_every` steps and every two minutes.
        progress: told of every step.
        stop_after: end the call early, after that many steps in all.
        device: "cpu", "cuda" or "auto".
        workers: threads that draw the next samples meanwhile.
        watch: looks at the network from time to time.
        log: folder for tensorboard.
        begun: told once of the step from which the run goes on, 0 at the start.

    Raises `AmodalError` where the loss or its gradient is no longer a number: it names the pictures, and what was
    learned until then is kept, as checkpoint and as a network to begin anew from.
    """
    with torch.random.fork_rng(devices=[]), joined(device) as processes:  # the caller's chance stays its own
        metadata = _metadata(task, config)
        checkpoint = None if work is None else make_folder(work) / _checkpoint_name(metadata)
        run = _Run.begin(task, config, checkpoint, processes)
        last = config.steps if stop_after is None else min(stop_after, config.steps)
        told, first_log = (progress, log) if processes.is_first else (None, None)
        if begun is not None and processes.is_first:
            begun(run.step)
        with drawing(task.draw, config.seed, workers) as draw, logging_to(first_log, run.step) as write:
            while run.step < last:
                try:
                    run.descend(draw)
                except NotFinite as error:
                    raise _stopped(error, run, out, metadata) from None
                write(run.step, {**{f"loss/{name}": value for name, value in run.losses.items()}, "rate": run.rate})
                if told is not None:
                    told(f"train {task.name}", run.step, config.steps)
                if watch is not None and run.is_to_be_seen(watch):
                    _look(watch, run, out.with_suffix(".watch"), write)
                if run.step % config.keep_every == 0 or run.step == last or run.is_long_unkept():
                    run.keep()
        if run.step == config.steps:
            _finish(run, out, metadata)
        processes.wait()
        return Trained(out, run.step, run.seconds, tuple(run.curve), tuple(run.watched))


def _look(watch: Watch, run: _Run, folder: Path, write: Log) -> None:
    """Note what `watch` sees now."""
    seen = observe(watch, run.module, run.processes.device)
    run.watched.append({"step": run.step, **plain(seen.numbers)})
    write_observation(folder, run.step, seen, run.watched)
    write(run.step, {f"watch/{name}": value for name, value in seen.numbers.items()})


def _finish(run: _Run, out: Path, metadata: Mapping[str, Any]) -> None:
    """Write the trained network, and beside it what its run was like."""
    if not run.processes.is_first:
        return
    run.module.eval()
    write_network(out, run.module, {**metadata, "curve": run.curve})
    beside = {**metadata, "curve": run.curve, "seconds": round(run.seconds, 1), "torch": torch.__version__}
    beside |= {"watched": run.watched} if run.watched else {}
    write_text_atomically(out.with_suffix(".json"), json.dumps(beside, indent=1) + "\n")


class NotFinite(Exception):
    """The loss or its gradient is no number; `names` are the pictures of the step."""

    def __init__(self, what: str, names: Sequence[str]) -> None:
        super().__init__(what)
        self.what, self.names = what, tuple(names)


def _stopped(error: NotFinite, run: _Run, out: Path, metadata: Mapping[str, Any]) -> AmodalError:
    """Keep what was learned before the step that failed: its weights are sound."""
    kept = out.with_suffix(".stopped.safetensors")
    if run.processes.is_first:
        run.keep()
        if run.step:
            write_network(kept, run.module, {**metadata, "curve": run.curve, "stopped_at": run.step})
    where = f"train {run.task.name}: step {run.step}: {error.what}"
    batch = f"; its pictures: {', '.join(error.names)}" if error.names else ""
    state = f"; the network of step {run.step} is kept in {kept}" if run.step else ""
    return AmodalError(f"{where}{batch}{state}")


class _Run:
    """A network on its way: weights, optimiser, the step it is at and the curve so far."""

    def __init__(self, task: Task, config: TrainConfig, checkpoint: Path | None, processes: Processes) -> None:
        torch.manual_seed(config.seed)
        self.task, self.config, self.checkpoint, self.processes = task, config, checkpoint, processes
        self.module = task.build().to(processes.device)
        self.optimiser = _optimiser(self.module, config)
        self.judge = processes.judge(self.module, task.loss)
        self.share = share_of(processes, config.batch, config.accumulate)
        self.step, self.seconds, self.rate = 0, 0.0, 0.0
        self.curve: list[dict[str, float]] = []
        self.watched: list[dict[str, float | None]] = []
        self.sums: dict[str, float] = {}
        self.losses: dict[str, float] = {}
        self.kept_at = time.monotonic()

    @classmethod
    def begin(cls, task: Task, config: TrainConfig, checkpoint: Path | None, processes: Processes) -> _Run:
        """A new run, or the one that the checkpoint holds."""
        run = cls(task, config, checkpoint, processes)
        found = None if checkpoint is None else read_checkpoint(checkpoint)
        if found is not None:
            run._take_up(*found)
        if not processes.all_agree(processes.mean({"step": run.step})["step"] == run.step):
            raise AmodalError(f"train {task.name}: the processes do not see the same checkpoint in --work")
        return run

    def descend(self, draw: Draw) -> None:
        """One step; its chance comes from the seed and the step's number alone. Raises `NotFinite`."""
        started, config = time.perf_counter(), self.config
        torch.manual_seed(_seed_of(config.seed, self.step))
        self.optimiser.zero_grad(set_to_none=True)
        sums: dict[str, float] = {}
        names: list[str] = []
        for part in range(config.accumulate):
            samples = draw(self._indices(self.step, part), self._indices(*self._following(part)))
            names += [sample.name for sample in samples if isinstance(getattr(sample, "name", None), str)]
            for name, value in self._backward(samples, names, last=part == config.accumulate - 1).items():
                sums[name] = sums.get(name, 0.0) + value / config.accumulate
        self.rate = config.rate_at(self.step)
        for group in self.optimiser.param_groups:
            group["lr"] = group["share"] * self.rate
        norm = nn.utils.clip_grad_norm_([p for p in self.module.parameters() if p.grad is not None], config.clip)
        if not self.processes.all_agree(bool(torch.isfinite(norm))):
            raise NotFinite("the gradient is not finite", names)
        self.optimiser.step()
        self.step += 1
        self.seconds += time.perf_counter() - started
        self.losses = self.processes.mean(sums)
        self._note(self.losses)

    def is_to_be_seen(self, watch: Watch) -> bool:
        """Whether `watch` looks at the network as it is now; in the first process only."""
        due = self.step % watch.every == 0 or self.step == self.config.steps
        return due and self.processes.is_first

    def _backward(self, samples: Sequence[Any], names: Sequence[str], *, last: bool) -> dict[str, float]:
        """Add the gradient of one part of the step's samples; the parts of its loss."""
        device = self.processes.device
        with without_exchange(self.judge, last=last):
            batch = moved(self.task.collate(samples), device)
            with torch.autocast(device.type, torch.bfloat16, enabled=self.config.half):
                losses = self.judge(batch)
            total = torch.stack([part.float() for part in losses.values()]).sum() / self.config.accumulate
            fine = bool(torch.isfinite(total))
            if not self.processes.all_agree(fine):
                parts = ", ".join(f"{name} {part.detach().item():g}" for name, part in losses.items())
                where = f" ({parts})" if not fine else " in another process"
                raise NotFinite(f"the loss is not finite{where}", names if not fine else ())
            total.backward()  # type: ignore[no-untyped-call]
        return {name: float(part.detach()) for name, part in losses.items()}

    def _indices(self, step: int, part: int) -> range:
        """Numbers of the samples of one part of this process's share of a step."""
        place = self.processes.rank * self.config.accumulate + part
        first = step * self.config.batch + place * self.share
        return range(first, first + self.share)

    def _following(self, part: int) -> tuple[int, int]:
        """Step and part that come next."""
        return (self.step, part + 1) if part + 1 < self.config.accumulate else (self.step + 1, 0)

    def is_long_unkept(self) -> bool:
        """Whether a kill would cost minutes of work."""
        return time.monotonic() - self.kept_at >= KEPT_FOR_SECONDS

    def keep(self) -> None:
        """Write the checkpoint, if there is a place for it."""
        self.kept_at = time.monotonic()
        if self.checkpoint is None or not self.processes.is_first:
            return
        tensors = {f"module.{name}": tensor for name, tensor in self.module.state_dict().items()}
        for number, values in self.optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": value for name, value in values.items() if value is not None}
        state = {"step": self.step, "seconds": self.seconds, "curve": self.curve, "sums": self.sums}
        state |= {"watched": self.watched}
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
        self.watched = list(state.get("watched", []))

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
    return {**task.metadata(), "name": task.name, "budget": config.budget(), "seed": config.seed}


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


def _seed_of(seed: int, step: int) -> int:
    return int(np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]) >> 1


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix(prefix): tensor for key, tensor in tensors.items() if key.startswith(prefix)}
