"""`amodal challenge`: cut-outs and backgrounds in, scenes with exact truth out."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.challenge.generate import ChallengeConfig, generate
from amodal.cli.engine import Engine, engine_of
from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say


@dataclass(frozen=True)
class Challenge:
    """Make scenes of the Occlusion Challenge: pasted objects whose whole masks, visible masks and order are known.

    Train and test never mix when --split and --background-part are given for each.

    Example: amodal challenge --objects annotations.json --images photos --backgrounds backgrounds --scenario two
    --scenes 300 --split val --background-part test --classes car --out two
    """

    config: Annotated[ChallengeConfig, tyro.conf.arg(name="")]
    """What to make."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")]
    """Folder to write; the same command, stopped at any moment, goes on where it was."""
    engine: Engine = "local"
    """local, or ray: shards are made by the machines of a Ray cluster, which share the folders."""
    ray_address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="")] = None
    """Of a running cluster; without it, and without RAY_ADDRESS, one is started on this machine."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        try:
            spreading = engine_of(self.engine, self.config.workers, self.ray_address)
            with spreading as spread, progress_on_stderr() as report:
                summary = generate(self.config, self.out, report, spread)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"finished scenes are kept in {self.out}") from None
        refused = Counter(entry.reason for entry in summary.refused)
        for reason, count in refused.most_common():
            first = next(entry.what for entry in summary.refused if entry.reason == reason)
            say(f"not used: {count} × {reason} ({first}{', …' * (count > 1)})")
        if self.json:
            print(json.dumps({"out": str(self.out), **asdict(summary)}))
        else:
            print(summary.text())
            print(f"{self.out}: {summary.seconds:.0f} s")
        return DONE
