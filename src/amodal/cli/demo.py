"""`amodal demo`: the shipped photos with the shipped model, and a page to look at."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.photos import find_photos
from amodal.cli.predict import Predict


@dataclass(frozen=True)
class Demo:
    """Run predict on the shipped photos with the shipped model, in under a minute.

    Example: amodal demo --out amodal-demo
    """

    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("amodal-demo")
    """Where the results go."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with as_file(files("amodal") / "demo") as folder:
            photos = find_photos([folder / "photos"])
            return Predict(tuple(photos), boxes=folder / "boxes.json", out=self.out, json=self.json).run()
