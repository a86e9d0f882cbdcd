"""`amodal reason`: masks of any network in, order and one owner per pixel out."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.data.results import read_scenes, write_scenes
from amodal.data.truth import OUR_FILE
from amodal.errors import InputError


@dataclass(frozen=True)
class Reason:
    """Reason about objects by their masks alone: who is in front of whom, and whose each pixel is.

    A step after any network: it needs visible and whole masks, no photo and no model.

    Example: amodal reason out/scenes.json --out reasoned.json
    """

    scenes: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SCENES")]
    """scenes.json of `amodal predict`, or the folder with it."""
    out: Annotated[Path, tyro.conf.arg(metavar="FILE")]
    """The file to write; the scenes of SCENES stay as they are."""
    reasoning: Annotated[Literal["order", "owners"], tyro.conf.arg(metavar="order|owners")] = "owners"
    """The masks as they are with an order beside them, or with one owner per pixel too."""
    order_cues: Annotated[str, tyro.conf.arg(metavar="CUE,CUE")] = "appearance,geometry,class"
    """What may speak of who is in front: some of appearance, geometry and class, or none."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        path = self.scenes / OUR_FILE if self.scenes.is_dir() else self.scenes
        if self.out.suffix != ".json":
            raise InputError("reason", "--out", f"found {str(self.out)!r}", "expected a name in .json")
        scenes = read_scenes(path)
        from amodal.methods.masks import mask_reasoner, reasoned  # brings torch

        reasoner = mask_reasoner(self.reasoning, self.order_cues)
        done = []
        with progress_on_stderr() as progress:
            for number, scene in enumerate(scenes):
                done.append(reasoned(scene, reasoner).validate())
                progress("scenes", number + 1, len(scenes))
        write_scenes(done, self.out)
        objects, edges = sum(len(scene) for scene in done), sum(len(scene.order.edges) for scene in done)
        if self.json:
            print(json.dumps({"scenes": str(self.out), "photos": len(done), "objects": objects, "edges": edges}))
        else:
            print(f"{len(done)} scenes, {objects} objects, {edges} pairs in order: {self.out}")
        return DONE
