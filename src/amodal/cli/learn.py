"""`amodal learn`: photos and boxes in, a model out."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.compnet.learn import LearnConfig, learn
from amodal.data.write import make_folder
from amodal.errors import InputError
from amodal.progress import Progress
from amodal.student.config import StudentConfig


@dataclass(frozen=True)
class Learn:
    """Learn a compositional model from boxes and labels alone; masks in the file are never looked at.

    Classes with too few boxes are skipped and listed with their counts. With --student the model then teaches a dense
    head by its own masks of fully visible objects and synthetic occlusion: better masks and order, in the same file.

    Example: amodal learn --data annotations.json --images photos --out cars.safetensors --work learning
    --backgrounds places --student
    """

    data: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """COCO JSON; its boxes and labels are read."""
    images: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Where its photos are."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The model to write, a .safetensors file."""
    work: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Keep each finished stage here: the same command, stopped at any moment, goes on where it was."""
    config: Annotated[LearnConfig, tyro.conf.arg(name="")] = field(default_factory=LearnConfig)
    """How to learn."""
    student: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Teach a student too; needs --backgrounds, and takes most of the time."""
    teaching: Annotated[StudentConfig, tyro.conf.arg(name="student")] = field(default_factory=StudentConfig)
    """How the student is taught."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the table of classes as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        started = time.perf_counter()
        self._check_use()
        try:
            with progress_on_stderr() as report:
                learned = learn(self.data, self.images, self.out, config=self.config, work=self.work, progress=report)
                taught = self._teach(report)
        except KeyboardInterrupt:
            kept = f"finished stages are kept in {self.work}" if self.work else "nothing was written"
            raise KeyboardInterrupt(kept) from None
        if self.json:
            print(json.dumps({"model": str(self.out), **asdict(learned), "student": taught}, default=str))
        else:
            print(learned.table())
            if taught is not None:
                print(f"student: taught for {taught:.0f} s")
            print(f"model: {self.out}, {time.perf_counter() - started:.0f} s")
        return DONE

    def _teach(self, report: Progress) -> float | None:
        """Seconds of teaching; None where none is wanted."""
        if not self.student or self.config.backgrounds is None:
            return None
        from amodal.student.learn import teach_student  # brings the challenge

        return teach_student(
            self.out, self.data, self.images, self.config.backgrounds, config=self.teaching, **self._taught_with(report)
        )

    def _taught_with(self, report: Progress) -> dict[str, Any]:
        config = self.config
        return {
            "split": config.split,
            "background_part": config.background_part,
            "clean_flags": config.clean_flags,
            "min_height_px": config.min_height_px,
            "seed": config.seed,
            "work": self.work,
            "progress": report,
        }

    def _check_use(self) -> None:
        """What can be known before hours of work."""
        if not self.data.is_file():
            raise InputError(str(self.data), "--data", "no such file", "expected COCO JSON")
        if not self.images.is_dir():
            raise InputError(str(self.images), "--images", "no such folder", "expected the folder of the photos")
        if self.out.suffix != ".safetensors":
            raise InputError("learn", "--out", f"found {str(self.out)!r}", "expected a name in .safetensors")
        if self.out.is_dir():
            raise InputError(str(self.out), "--out", "is a folder", "expected the name of a file to write")
        if self.student and self.config.backgrounds is None:
            expected = "expected a folder of photos without objects of interest, to paste objects onto"
            raise InputError("learn", "--student", "found no --backgrounds", expected)
        make_folder(self.out.parent)
        if self.work is not None:
            make_folder(self.work)
