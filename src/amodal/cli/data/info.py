"""`amodal data info`: what is in a file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr
from amodal.data.formats import open_source
from amodal.survey.contents import contents_of


@dataclass(frozen=True)
class Info:
    """Say what is in an annotated file: format, photos, sizes, classes, what is known of objects, which fields it has.

    Example: amodal data info instances_val.json
    """

    file: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """The file, or folder."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos; else they are looked for beside the file."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print it as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        with progress_on_stderr() as progress:
            source = open_source(self.file, images=self.images, split=self.split, progress=progress)
            found = contents_of(source, progress)
        print(json.dumps(found.to_json(), indent=1, ensure_ascii=False) if self.json else found.text())
        return DONE
