"""`amodal data order`: clusters, the number of each object in them, contradictions; visible masks from whole ones."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.formats import open_source
from amodal.data.results import write_scenes
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.survey.ordering import order_of, with_modal_masks


@dataclass(frozen=True)
class Order:
    """Print the clusters of overlapping objects of every photo, and each object's number: 0 for what nothing hides.

    Two objects of one number never hide each other. Cycles, and orders that the masks contradict, are listed. A pair
    that the file says nothing of is ordered by the masks: who shows more of the common pixels is in front.

    Example: amodal data order update_test_2020.json --inmodal scenes.json
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """A file with whole masks."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos; else they are looked for beside the file."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split."""
    from_masks: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Leave the file's own order aside and take it from the masks."""
    inmodal: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write scenes here whose visible masks follow from whole masks and order."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write everything here as JSON."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print it as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        orders, scenes, refused = [], [], []
        with progress_on_stderr() as progress:
            source = open_source(self.file, images=self.images, split=self.split, progress=progress)
            for number in range(len(source)):
                truth = source[number].truth
                if "amodal" not in truth.knows:
                    if not any(len(source[other].scene) for other in range(len(source))):
                        raise InputError(str(self.file), "annotations", "are none", "expected whole masks")
                    raise InputError(str(self.file), "masks", "are of visible parts alone", "expected whole masks")
                orders.append(order_of(truth.scene, from_masks=self.from_masks))
                if self.inmodal is not None:
                    try:
                        scenes.append(with_modal_masks(truth.scene))
                    except InputError as error:
                        refused.append(str(error))
                progress("ordering photos", number + 1, len(source))
        content = json.dumps([one.to_json() for one in orders], indent=1)
        if self.out is not None:
            write_text_atomically(self.out, content + "\n")
        if self.inmodal is not None:
            write_scenes(scenes, self.inmodal)
            for said in refused:
                say(f"left out: {said}")
            say(f"{self.inmodal}: {len(scenes)} photos")
        print(content if self.json else "\n".join(one.text() for one in orders))
        return DONE
