"""`amodal data tracks`: per-frame instance pictures for scene-flow methods."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.data.formats import open_source
from amodal.data.tracks import AMODAL, LEAST_IOU, MODAL, STACK, TRACKS_FILE, write_tracks
from amodal.errors import InputError


@dataclass(frozen=True)
class Tracks:
    """Write 16-bit pictures of track ids, one for each frame, as methods for scene flow read them.

    instance_modal/NAME.png has the visible parts, instance_amodal/NAME.png the whole objects with the front ones on
    top, instance_amodal_stack/NAME_00.png, _01, … sheets on which whole objects do not meet, front to back.
    tracks.json has each track's class, and per frame who is in front of whom.

    Example: amodal data tracks out/scenes.json tracks
    """

    scenes: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="SCENES")]
    """Frames in their sequence: scenes.json of `amodal predict`, or any other format with masks. Objects keep
    meta.track where they have it, else they are linked from frame to frame."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The new folder."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos' folder; else found beside."""
    least_iou: Annotated[float, tyro.conf.arg(metavar="SHARE")] = LEAST_IOU
    """Overlap of whole masks in two frames from which on objects of one class can be the same one."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        if not 0 < self.least_iou <= 1:
            raise InputError("tracks", "--least-iou", f"found {self.least_iou}", "expected more than 0, at most 1")
        with progress_on_stderr() as progress:
            source = open_source(self.scenes, images=self.images, progress=progress)
            counts = write_tracks(source, self.out, least_iou=self.least_iou, progress=progress)
        if self.json:
            print(json.dumps({**counts, "out": str(self.out)}))
        else:
            print(f"{counts['frames']} frames, {counts['tracks']} tracks")
            print(f"pictures: {self.out}: {MODAL}, {AMODAL}, {STACK}; {TRACKS_FILE}")
        return DONE
