"""`amodal calibrate`: a network of the amodal family and scenes in, the same network with calibrated occlusion out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.data.truth import read_truth
from amodal.errors import InputError


@dataclass(frozen=True)
class Calibrate:
    """Make an amodal network's probability that an object is occluded mean what it says.

    Needs scenes that the network has not learned from, with exact truth: those of `amodal challenge` with another seed.
    A scale and an offset are fitted and kept in the model file; masks and boxes do not change.

    Example: amodal calibrate asn.safetensors --data held-out/scenes.json --out asn-calibrated.safetensors
    """

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """A network of the amodal family, made by `amodal train`."""
    data: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Scenes whose whole and visible masks are known."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """Where to write the calibrated network; may be the same file, which is replaced in one step."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Where the photos are; else found beside the file."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split, where the file has splits."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the report as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        if self.out.suffix != ".safetensors":
            raise InputError("calibrate", "--out", f"found {str(self.out)!r}", "expected a name in .safetensors")
        truths = read_truth(self.data, images=self.images, split=self.split)
        from amodal.networks.calibrate import calibrate  # brings torch

        with progress_on_stderr() as progress:
            report = calibrate(self.model, truths, self.out, progress)
        if self.json:
            print(json.dumps({"model": str(self.out), **report.to_json()}))
            return DONE
        print(f"{report.objects} objects, {report.occluded} of them occluded by more than 5 %")
        before, after = f"{report.ece_before:.1f} % before", f"{report.ece_after:.1f} % after"
        print(f"calibration error: {before}, {after}, each half judged by a fit on the other")
        print(f"judged right: {report.accuracy:.1f} %; {report.accuracy_of_none:.1f} % by always saying the commoner")
        print(f"network: {self.out}")
        return DONE
