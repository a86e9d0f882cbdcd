"""`amodal train`: photos and their annotation in, a trained network out."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.data.write import make_folder
from amodal.errors import InputError

_OWN = "(default: the network's own)"


@dataclass(frozen=True)
class Train:
    """Train a network to compare with: mask-rcnn (from masks), bbtp (from boxes), pcnet-m (completes visible masks).

    Example: amodal train mask-rcnn --data annotations.json --images photos --backgrounds empty --out m.safetensors
    """

    network: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """mask-rcnn, bbtp or pcnet-m."""
    data: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """COCO JSON with boxes and labels; masks too, where the network learns from them or objects are pasted."""
    images: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Where its photos are."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The network to write, a .safetensors file; the curve of its loss goes beside it as .json."""
    backgrounds: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Photos without objects of the classes, to paste whole objects onto; without it real photos alone are seen."""
    work: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Keep checkpoints here: the same command, stopped at any moment, goes on to the same weights."""
    split: Annotated[str, tyro.conf.arg(metavar="NAME")] = "train"
    """Learn from photos of this split only; "all" takes all."""
    classes: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME...")] = ("person", "car", "truck", "motorcycle")
    """The classes to tell apart."""
    seed: int = 0
    """Same data, same seed, same machine: same weights."""
    steps: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=_OWN)] = None
    """Steps of descent."""
    batch: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint=_OWN)] = None
    """Pictures or objects per step."""
    rate: Annotated[float | None, tyro.conf.arg(metavar="FLOAT", help_behavior_hint=_OWN)] = None
    """Highest learning rate."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        self._check_use()
        from amodal.training.loop import train
        from amodal.training.registry import TrainingData, default_config, make_task  # brings torch

        own = default_config(self.network)
        config = replace(
            own,
            seed=self.seed,
            steps=own.steps if self.steps is None else self.steps,
            batch=own.batch if self.batch is None else self.batch,
            rate=own.rate if self.rate is None else self.rate,
        )
        split = None if self.split == "all" else self.split
        task = make_task(
            self.network, TrainingData(self.data, self.images, self.backgrounds, split, tuple(self.classes))
        )
        try:
            with progress_on_stderr() as report:
                trained = train(task, config, self.out, self.work, report)
        except KeyboardInterrupt:
            kept = f"checkpoints are kept in {self.work}" if self.work else "nothing was written"
            raise KeyboardInterrupt(kept) from None
        if self.json:
            print(json.dumps({"model": str(self.out), **asdict(trained)}, default=str))
        else:
            last = {name: value for name, value in trained.curve[-1].items() if name != "step"}
            print("loss: " + ", ".join(f"{name} {value:g}" for name, value in last.items()))
            print(f"network: {self.out}, {trained.steps} steps, {trained.seconds:.0f} s")
        return DONE

    def _check_use(self) -> None:
        """What can be known before hours of work."""
        if not self.data.is_file():
            raise InputError(str(self.data), "--data", "no such file", "expected COCO JSON")
        for name, folder in (("--images", self.images), ("--backgrounds", self.backgrounds)):
            if folder is not None and not folder.is_dir():
                raise InputError(str(folder), name, "no such folder", "expected a folder of photos")
        if self.out.suffix != ".safetensors":
            raise InputError("train", "--out", f"found {str(self.out)!r}", "expected a name in .safetensors")
        if self.out.is_dir():
            raise InputError(str(self.out), "--out", "is a folder", "expected the name of a file to write")
        make_folder(self.out.parent)
