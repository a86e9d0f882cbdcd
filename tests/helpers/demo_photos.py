"""The shipped photos with their boxes and labels."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

DEMO = Path(str(files("amodal") / "demo"))


def demo_photos() -> list[tuple[Path, list[list[float]], list[str]]]:
    """Photo, boxes and labels of each."""
    entries = json.loads((DEMO / "boxes.json").read_text())
    return [
        (DEMO / "photos" / Path(one["file"]).name, [own["box"] for own in one["boxes"]],
         [own["class"] for own in one["boxes"]])
        for one in (entries if isinstance(entries, list) else entries["photos"])
    ]  # fmt: skip
