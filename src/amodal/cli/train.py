"""`amodal train`: photos and their annotation in, a trained network out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.write import make_folder
from amodal.errors import InputError

if TYPE_CHECKING:
    from amodal.training.loop import Task, TrainConfig
    from amodal.training.watch import Watch

_OWN = "(default: the network's own)"


@dataclass(frozen=True)
class Train:
    """Train a network: one of the amodal family, or a rival to compare with.

    The family learns boxes, whole and visible masks from any annotated data set (KINS, COCOA, D2SA, COCO, our own
    scenes): amodal-mask-rcnn, orcnn, panet, asn, panet-asn, mnc, fcis, amodal-mask. The rivals: mask-rcnn (from visible
    masks), bbtp (from boxes), pcnet-m (completes visible masks).

    Example: amodal train asn --data scenes --out asn.safetensors --val held_out --watch-every 200

    As published: amodal train asn --data KINS --preset kins --accumulate 4 --work work --out asn.safetensors

    A rival: amodal train mask-rcnn --data annotations.json --images photos --backgrounds empty
    --out m.safetensors

    On several GPUs, the same network: torchrun --nproc-per-node 8 -m amodal train asn --device cuda ...
    """

    network: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """See above."""
    data: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PATH...")]
    """Annotated file or folder; the family takes several, one after the other. Rivals: one COCO JSON with boxes and
    labels; masks too, where the network learns from them or objects are pasted."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The network to write, a .safetensors file; the curve of its loss goes beside it as .json."""
    images: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FOLDER...", help_behavior_hint="")] = ()
    """Where the photos are, one folder for each of --data; without it the family looks beside the annotation."""
    preset: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: small)")] = None
    """Family: small, tiny (a minute, to see whether all is in place), or kins (as published: resnet50, batch 8, 24,000
    steps)."""
    set: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME=VALUE...", help_behavior_hint="")] = ()
    """Family: settings of the network, such as channels=96 masks=amodal backbone=resnet50; a wrong name lists all."""
    init: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Family: begin with the weights of this model file of the same network, as far as they fit."""
    backgrounds: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Rivals: photos without objects of the classes, to paste whole objects onto; without it real photos alone are
    seen."""
    work: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Keep checkpoints here, at least every two minutes: the same command, stopped at any moment, goes on to the same
    weights."""
    split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "train"
    """Learn from photos of this split only; "all" takes all. The family takes data without splits whole."""
    classes: Annotated[tuple[str, ...] | None, tyro.conf.arg(metavar="NAME...", help_behavior_hint=_OWN)] = None
    """The classes to tell apart; rivals: person car truck motorcycle, family: the preset's, or all that there are."""
    rare_share: Annotated[float, tyro.conf.arg(metavar="FLOAT")] = 0.0
    """Family: show photos of classes that fewer than this share of the photos hold more often; 0.1 is a good start."""
    seed: int = 0
    """Same data, same seed, same machine: same weights."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=_OWN)] = None
    """Steps of descent; a preset's drops of the rate move along."""
    batch: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=_OWN)] = None
    """Pictures or objects per step, over all processes."""
    accumulate: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=_OWN)] = None
    """Take a step's pictures in so many parts: less memory, the same gradient."""
    rate: Annotated[float | None, tyro.conf.arg(metavar="FLOAT", help_behavior_hint=_OWN)] = None
    """Highest learning rate."""
    full_precision: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Compute in float32 throughout; without it in bfloat16 where that is safe."""
    device: Annotated[str, tyro.conf.arg(metavar="NAME")] = "cpu"
    """cpu, cuda, or auto for a GPU where there is one."""
    workers: Annotated[int, tyro.conf.arg(metavar="INT")] = 0
    """Threads that prepare the next pictures meanwhile; worth it where a GPU would wait for them."""
    val: Annotated[Path | None, tyro.conf.arg(metavar="PATH", help_behavior_hint="")] = None
    """Family: annotated photos to measure AP on while training; with pictures of predictions in OUT's name .watch."""
    val_images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Their photos; without it they are looked for beside the annotation."""
    val_split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "val"
    """Which split of them."""
    val_photos: Annotated[int, tyro.conf.arg(metavar="INT")] = 50
    """At most so many, spread over the file."""
    watch_every: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: a tenth)")] = None
    """Steps between looks at them."""
    log: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Write losses, rate and AP for tensorboard here (pip install 'amodal[train]')."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        self._check_use()
        from amodal.networks.registry import FAMILY  # brings torch
        from amodal.training.loop import train
        from amodal.training.processes import is_first_process

        config, task, watch = self._of_family() if self.network in FAMILY else self._of_rival()
        try:
            with progress_on_stderr() as report:
                trained = train(
                    task,
                    config,
                    self.out,
                    self.work,
                    report,
                    device=self.device,
                    workers=self.workers,
                    watch=watch,
                    log=self.log,
                    begun=None if self.work is None else self._say_begun,
                )
        except KeyboardInterrupt:
            kept = f"checkpoints are kept in {self.work}" if self.work else "nothing was written"
            raise KeyboardInterrupt(kept) from None
        if not is_first_process():
            return DONE
        if self.json:
            print(json.dumps({"model": str(self.out), **asdict(trained)}, default=str))
            return DONE
        last = {name: value for name, value in trained.curve[-1].items() if name != "step"}
        print("loss: " + ", ".join(f"{name} {value:g}" for name, value in last.items()))
        if trained.watched:
            print(_seen(trained.watched[-1]))
        print(f"network: {self.out}, {trained.steps} steps, {trained.seconds:.0f} s")
        return DONE

    def _say_begun(self, step: int) -> None:
        say(f"goes on from step {step}, as kept in {self.work}" if step else "from the start")

    def _of_family(self) -> tuple[TrainConfig, Task, Watch | None]:
        from amodal.networks.plans import DEFAULT_PRESET, Choices, family_config, family_task
        from amodal.networks.watching import Validation, read_validation
        from amodal.training.processes import is_first_process

        if self.backgrounds is not None:
            raise InputError("train", "--backgrounds", f"is no choice for {self.network}", "expected none")
        preset = self.preset or DEFAULT_PRESET
        config = self._changed(family_config(preset, self.steps))
        choices = Choices(
            self.data,
            self.images,
            self._split(self.split),
            self.classes,
            preset,
            self.set,
            self.init,
            self.seed,
            self.rare_share,
            say if is_first_process() else lambda said: None,
        )
        task = family_task(self.network, choices)
        counts = ", ".join(f"{label} {task.pictures.counts[label]}" for label in task.pictures.classes)
        choices.say(f"{len(task.pictures.truths)} photos to learn from: {counts}")
        if self.val is None:
            return config, task, None
        classes = task.pictures.classes
        truths = read_validation(
            self.val, self.val_images, self._split(self.val_split), classes, most=max(1, self.val_photos)
        )
        every = max(1, self.watch_every or config.steps // 10)
        return config, task, Validation(self.network, classes, task.settings, truths, every)

    def _of_rival(self) -> tuple[TrainConfig, Task, Watch | None]:
        from amodal.networks.registry import FAMILY
        from amodal.training.registry import NETWORKS, TrainingData, default_config, make_task
        from amodal.training.sources import CLASSES

        if self.network not in NETWORKS:
            expected = f"expected one of {', '.join((*NETWORKS, *FAMILY))}"
            raise InputError("train", "network", f"found {self.network!r}", expected)
        for name in ("preset", "set", "init", "val"):
            if getattr(self, name):
                raise InputError("train", f"--{name}", f"is no choice for {self.network}", "expected none")
        if len(self.data) != 1 or len(self.images) != 1:
            found = f"found {len(self.data)} and {len(self.images)}"
            raise InputError("train", "--data and --images", found, f"expected one of each for {self.network}")
        own = default_config(self.network)
        config = self._changed(replace(own, steps=own.steps if self.steps is None else self.steps))
        classes = CLASSES if self.classes is None else self.classes
        data = TrainingData(self.data[0], self.images[0], self.backgrounds, self._split(self.split), classes)
        return config, make_task(self.network, data), None

    def _changed(self, own: TrainConfig) -> TrainConfig:
        """The network's own budget with what was asked for."""
        asked = {"batch": self.batch, "rate": self.rate, "accumulate": self.accumulate}
        given = {name: value for name, value in asked.items() if value is not None}
        config: TrainConfig = replace(own, seed=self.seed, **given)  # type: ignore[arg-type]
        return replace(config, half=False) if self.full_precision else config

    def _split(self, name: str) -> str | None:
        return None if name == "all" else name

    def _check_use(self) -> None:
        """What can be known before hours of work."""
        for name, paths in (("--data", self.data), ("--val", () if self.val is None else (self.val,))):
            if not all(path.exists() for path in paths):
                missing = next(path for path in paths if not path.exists())
                raise InputError(str(missing), name, "no such file", "expected an annotated file or folder")
        folders = [("--images", folder) for folder in self.images]
        for name, folder in [*folders, ("--backgrounds", self.backgrounds), ("--val-images", self.val_images)]:
            if folder is not None and not folder.is_dir():
                raise InputError(str(folder), name, "no such folder", "expected a folder of photos")
        if self.out.suffix != ".safetensors":
            raise InputError("train", "--out", f"found {str(self.out)!r}", "expected a name in .safetensors")
        if self.out.is_dir():
            raise InputError(str(self.out), "--out", "is a folder", "expected the name of a file to write")
        make_folder(self.out.parent)


def _seen(numbers: Mapping[str, float | None]) -> str:
    """What validation measured last, AP and IoU alike in percent; None where nothing could be."""
    said = (
        f"{name} {'unknown' if value is None else f'{value:.1f} %'}"
        for name, value in numbers.items()
        if name != "step"
    )
    return f"seen at step {numbers['step']}: " + ", ".join(said)
