"""`amodal bench`: how fast this machine is, and how far from its limit."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Annotated

import tyro

from amodal.bench.report import Report, as_text, read_report, write_report
from amodal.bench.suites import QUICK, SUITES, run_suites
from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.errors import InputError


@dataclass(frozen=True)
class Bench:
    """Measure this machine in about two minutes: what a photo takes step by step, what many take, and the limit.

    The limit is the backbone alone, over the same crops. Values are medians, with quartiles in brackets. Other work on
    the machine disturbs them: what takes turns, as the share of the limit does, least.

    Example: amodal bench --out today.json --against yesterday.json
    Example: amodal bench --measured today.json --against yesterday.json
    Example: amodal bench --suites all --seconds 300
    """

    suites: Annotated[str, tyro.conf.arg(metavar="NAME,NAME|all")] = ",".join(QUICK)
    """What to measure: inference (a photo: decode, crops, backbone, maps, reasoning, masks, encode, memory), many
    (photos by worker processes), reading (annotation files), scores (metrics), serve (over HTTP), export (other
    engines), annotate (the app's server); or all. What lacks its extra is skipped, with the reason."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "default"
    """The shipped model, or a .safetensors file made by amodal learn."""
    seconds: Annotated[float, tyro.conf.arg(metavar="S")] = 60.0
    """How long it may take in all, about; the last suite's loading comes on top."""
    threads: Annotated[
        int | None, tyro.conf.arg(metavar="N", help_behavior_hint="(default: as many as torch takes)")
    ] = None
    """Threads of torch and OpenCV."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write the measurements here as JSON."""
    against: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """What an earlier run wrote, to print beside."""
    measured: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Measure nothing: print what the run that wrote this file found."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the measurements as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        names = self._check_use()
        before = None if self.against is None else read_report(self.against)
        report = self._measure(names) if self.measured is None else read_report(self.measured)
        if self.out is not None:
            write_report(report, self.out)
        print(json.dumps(asdict(report)) if self.json else as_text(report, before), end="\n" if self.json else "")
        return DONE

    def _measure(self, names: list[str]) -> Report:
        if self.threads is not None:
            _set_threads(self.threads)
        from amodal.bench.machine import machine  # brings torch

        host = machine()
        with progress_on_stderr() as progress:
            found = run_suites(names, self.model, self.seconds, progress)
        command = f"amodal bench --suites {','.join(names)} --seconds {self.seconds:g}"
        return Report(command, date.today().isoformat(), self.model, host, found.measurements, found.skipped)

    def _check_use(self) -> list[str]:
        said = ",".join(SUITES) if self.suites == "all" else self.suites
        names = [name.strip() for name in said.split(",") if name.strip()]
        strange = [name for name in names if name not in SUITES]
        if strange or not names:
            raise InputError(
                "bench", "--suites", f"found {self.suites!r}", f"expected all, or some of {', '.join(SUITES)}"
            )
        if not 1 <= self.seconds <= 3600:
            raise InputError("bench", "--seconds", f"found {self.seconds:g}", "expected 1 to 3600")
        if self.threads is not None and self.threads < 1:
            raise InputError("bench", "--threads", f"found {self.threads}", "expected 1 or more")
        return names


def _set_threads(count: int) -> None:
    import cv2
    import torch

    torch.set_num_threads(count)
    cv2.setNumThreads(count)
