"""Results of a run in a format of our choice, beside our own file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from amodal.cli.progress import say
from amodal.data.entries import Entry, Head
from amodal.data.formats import FORMATS, format_named, write_as
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.scene import Scene

KNOWN = frozenset({"modal", "amodal", "order", "boxes"})


def check_format(name: str, out: Path) -> None:
    """Asked before any work is done.

    Raises:
        InputError: no such format, or its folder is there already.
    """
    name = format_named(name, "--to")
    if FORMATS[name].is_folder and (out / name).exists():
        raise InputError(str(out / name), "folder", "is there already", "expected a new one, or another --out")


def write_in_format(scenes: Sequence[Scene], name: str, out: Path) -> Path:
    """Write `out/FORMAT.json`, or the folder `out/FORMAT`, and say what the format cannot; returns it.

    Raises:
        InputError: no such format, no place to write.
    """
    name = format_named(name)
    labels = sorted({one.label for scene in scenes for one in scene.instances})
    entries = (Entry(Truth(scene, None, KNOWN)) for scene in scenes)
    place = out / (name if FORMATS[name].is_folder else f"{name}.json")
    losses = write_as(name, entries, Head("made here", dict(enumerate(labels, start=1))), place)
    for line in losses.lines():
        say(f"{name} cannot say {line}")
    return place
