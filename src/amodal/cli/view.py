"""`amodal view`: what predict, compare or challenge wrote, in a page of the browser."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.serving import bind, serve

LOCAL = "127.0.0.1"


@dataclass(frozen=True)
class View:
    """Look at results: photos, masks, order, likelihood maps, and truth beside prediction. Nothing is written.

    Example: amodal view amodal-out
    """

    results: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="RESULTS")]
    """The folder that predict, compare or challenge wrote, or a scenes.json."""
    truth: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """What is true of the same photos, in any format that amodal evaluate reads."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """Where the photos are, if not where the results say."""
    method: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Which method of a comparison to begin with; the first by name unless given."""
    port: Annotated[int, tyro.conf.arg(metavar="INT")] = 8001
    """0 takes any that is free."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        from amodal.annotate.api.view_app import create_view_app
        from amodal.annotate.view.results import open_methods

        with bind(LOCAL, self.port) as address:
            methods = open_methods(self.results, truth=self.truth, images=self.images, method=self.method)
            serve(create_view_app(methods, self.results), address, LOCAL)
        return DONE
