"""`amodal data`: one file per command. Takes annotated files of any format, gives files, tables and plots."""

from __future__ import annotations

from amodal.cli.menu import Menu

# Name -> ("module:class", what it does); a new command is one file and one line here.
COMMANDS: dict[str, tuple[str, str]] = {
    "info": ("amodal.cli.data.info:Info", "what is in a file"),
    "stats": ("amodal.cli.data.stats:Stats", "classes, shapes, occlusion and clusters, counted and measured"),
    "check": ("amodal.cli.data.check:Check", "every broken annotation, and what to do; a repaired copy on request"),
    "convert": ("amodal.cli.data.convert:Convert", "a file in another format"),
    "consistency": ("amodal.cli.data.consistency:Consistency", "annotators of the same photos compared, majority vote"),
    "order": ("amodal.cli.data.order:Order", "clusters, the number of each object in them, contradictions"),
    "tracks": ("amodal.cli.data.tracks:Tracks", "per-frame instance pictures for scene-flow methods"),
}

MENU = Menu(
    program="amodal data",
    about="Annotated files of any format, which is recognised by their content.",
    commands=COMMANDS,
    ending=(
        "",
        "Example: amodal data check instances_val.json --repair mended.json",
        "exit codes: 0 done, 1 check found something broken, 2 wrong use or nothing was done",
    ),
)
