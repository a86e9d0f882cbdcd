"""`amodal data stats`: classes, shapes, occlusion and clusters, counted and measured."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import tyro

from amodal.cli.engine import Engine, engine_of
from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.formats import open_source
from amodal.data.write import write_text_atomically
from amodal.survey.kitti_boxes import box_consistency, read_label_boxes
from amodal.survey.plots import require_matplotlib, write_plots
from amodal.survey.report import statistics_json, statistics_text
from amodal.survey.statistics import statistics_of, survey, survey_spread


@dataclass(frozen=True)
class Stats:
    """The statistics of the paper of KINS for any annotated file.

    Classes in two layers, convexity and simplicity of visible and whole masks, levels of occlusion, how many objects
    overlap each other, pixels covered; and with --kitti how well the boxes fit KITTI's. What a file does not say is
    "not known".

    Example: amodal data stats instances_val.json --kitti training/label_2 --plots plots
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The file, or folder."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos, where the format needs them (KITTI's labels do)."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split."""
    kitti: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """KITTI's detection labels of the same photos."""
    plots: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Write plots here; needs matplotlib: pip install 'amodal[plots]'."""
    plots_as: Literal["svg", "png"] = "svg"
    """Which pictures."""
    engine: Engine = "local"
    """local, in this process; or ray, by the machines of a Ray cluster, which share the file."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: one a core)")] = None
    """With --engine ray: processes that measure."""
    ray_address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="")] = None
    """Of a running cluster; without it, and without RAY_ADDRESS, one is started on this machine."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write the numbers here as JSON."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the numbers as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        if self.plots is not None:
            require_matplotlib()
        labels = None if self.kitti is None else read_label_boxes(self.kitti)
        with engine_of(self.engine, self.workers, self.ray_address) as spread, progress_on_stderr() as progress:
            opened = partial(open_source, self.file, images=self.images, split=self.split)
            if spread is None:
                photos = survey(opened(progress=progress), progress)
            else:
                photos = survey_spread(opened, spread, progress)
        found = statistics_of(photos)
        boxes = None if labels is None else box_consistency(photos, labels)
        content = json.dumps(statistics_json(found, boxes), indent=1, allow_nan=False)
        if self.out is not None:
            write_text_atomically(self.out, content + "\n")
        if self.plots is not None:
            written = write_plots(self.plots, found, boxes, self.plots_as)
            say(f"{len(written)} plots in {self.plots}")
        print(content if self.json else statistics_text(found, boxes))
        return DONE
