"""Pictures whose pixels are the numbers of objects: 16-bit PNG of visible parts, and sheets of whole objects.

Sheets are as in tracks: on one sheet no two whole objects meet, the front-most are on the first. `objects.json` says
what each number is, and who is in front of whom.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from amodal.data.entries import Entry
from amodal.data.tracks import stacked
from amodal.data.write import make_folder, write_text_atomically
from amodal.errors import InputError
from amodal.scene import Instance, Scene

MAX_NUMBER = 65_535


def write_ids(entries: Iterable[Entry], out: Path) -> None:
    """Fill the folder `out`: visible/NAME.png, whole/NAME_00.png, …, objects.json.

    Raises:
        InputError: more objects in a photo than 16 bits number.
    """
    visible, whole = make_folder(out / "visible"), make_folder(out / "whole")
    said = []
    for entry in entries:
        scene, name = entry.scene, entry.flat_name
        if len(scene) > MAX_NUMBER:
            raise InputError(entry.name, "objects", f"found {len(scene)}", f"expected at most {MAX_NUMBER}")
        number = {one.id: row for row, one in enumerate(scene.instances, start=1)}
        _save(_painted(scene, scene.instances, number, "modal"), visible / f"{name}.png")
        for sheet, objects in enumerate(stacked(scene)):
            _save(_painted(scene, objects, number, "amodal"), whole / f"{name}_{sheet:02d}.png")
        said.append(_photo(entry, number))
    write_text_atomically(out / "objects.json", json.dumps({"photos": said}, indent=1, ensure_ascii=False) + "\n")


def _photo(entry: Entry, number: dict[int, int]) -> dict[str, Any]:
    objects = [
        {"number": number[one.id], "id": one.id, "class": one.label, "occlusion": one.occlusion}
        for one in entry.scene.instances
    ]
    order = [[number[edge.front], number[edge.behind]] for edge in entry.scene.order.edges]
    return {"image": entry.name, "pictures": entry.flat_name, "objects": objects, "order": order}


def _painted(
    scene: Scene, objects: Sequence[Instance], number: dict[int, int], which: str
) -> UInt16[np.ndarray, "height width"]:
    picture: UInt16[np.ndarray, "height width"] = np.zeros((scene.height, scene.width), np.uint16)
    for one in objects:
        mask = one.modal if which == "modal" else one.amodal
        x0, y0, x1, y1 = mask.box
        picture[y0:y1, x0:x1][mask.to_crop()] = number[one.id]
    return picture


def _save(picture: np.ndarray, path: Path) -> None:
    Image.fromarray(picture).save(path, "PNG")
