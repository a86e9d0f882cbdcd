"""`amodal evaluate`: truth and predictions in, every score that the two allow out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.results import read_scenes
from amodal.data.truth import OUR_FILE, read_truth
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.evaluation.masks import BOUNDARY_PX
from amodal.evaluation.report import evaluate
from amodal.scene import Scene


@dataclass(frozen=True)
class Evaluate:
    """Score predictions: masks by level of occlusion, outlines, classes, order, AP, calibration.

    Photos are matched by file name. A photo without a prediction counts as all missed, and is said.

    Example: amodal evaluate challenge/scenes.json out/scenes.json --out report.json
    """

    truth: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="TRUTH")]
    """What is true: scenes.json of `amodal challenge`, or COCO JSON with visible masks."""
    predictions: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PREDICTIONS")]
    """scenes.json of `amodal predict`, or the folder with it."""
    before: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Predictions without self-correction: classes are compared with them."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split, where the truth has splits."""
    boundary_px: Annotated[float, tyro.conf.arg(metavar="PX")] = BOUNDARY_PX
    """Tolerance of the outlines' F in pixels; 0 leaves outlines out."""
    least_overlap: Annotated[float, tyro.conf.arg(metavar="SHARE")] = 0.0
    """Pairs count for the order only if they overlap in more than this share of the smaller object."""
    draws: Annotated[int, tyro.conf.arg(metavar="N")] = 1000
    """Draws of the bootstrap over photos."""
    seed: Annotated[int, tyro.conf.arg(metavar="N")] = 0
    """Seed of the bootstrap."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write all scores here as JSON."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the scores as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        self._check_use()
        truths = read_truth(self.truth, split=self.split)
        predictions, before = _scenes(self.predictions), None if self.before is None else _scenes(self.before)
        try:
            with progress_on_stderr() as progress:
                report = evaluate(
                    truths,
                    predictions,
                    before=before,
                    boundary_px=self.boundary_px or None,
                    least_overlap=self.least_overlap,
                    draws=self.draws,
                    seed=self.seed,
                    progress=progress,
                )
        except InputError as error:
            raise self._with_file(error) from error
        if report.missing:
            say(f"{len(report.missing)} of {report.photos} photos have no prediction; their objects count as missed")
        content = json.dumps(report.to_json(), indent=1, allow_nan=False)
        if self.out is not None:
            write_text_atomically(self.out, content + "\n")
        print(content if self.json else report.text(), end="\n" if self.json else "")
        return DONE

    def _check_use(self) -> None:
        """What can be known before anything is read."""
        for name, value, fine, expected in (
            ("--boundary-px", self.boundary_px, 0 <= self.boundary_px <= 100, "0 to 100"),
            ("--least-overlap", self.least_overlap, 0 <= self.least_overlap <= 1, "0 to 1"),
            ("--draws", self.draws, 1 <= self.draws <= 1_000_000, "1 to 1,000,000"),
            ("--seed", self.seed, self.seed >= 0, "0 or more"),
        ):
            if not fine:
                raise InputError("evaluate", name, f"found {value}", f"expected {expected}")

    def _with_file(self, error: InputError) -> InputError:
        """The metrics know sides, not files."""
        files = {"truth": self.truth, "predictions": self.predictions}
        where = str(files[error.where]) if error.where in files else error.where
        return InputError(where, error.field, error.found, error.expected)


def _scenes(path: Path) -> list[Scene]:
    return read_scenes(path / OUR_FILE if path.is_dir() else path)
