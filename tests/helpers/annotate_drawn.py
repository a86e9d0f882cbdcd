"""Objects of two CC BY photos of the demo, drawn by hand: label, box and outline of the whole object.

`outlines.json` was drawn on enlarged photos; what is hidden is a guess. Boxes are those of the demo.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from amodal.data.results import write_scenes
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph
from amodal.scene import Instance, Scene

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "src" / "amodal" / "demo" / "photos"
STREET, RIDER = "coco_000000423617.jpg", "coco_000000571264.jpg"
# (front, behind) by place in the file
ORDER = {STREET: [(0, 1), (2, 0), (4, 1)], RIDER: [(0, 1)]}
SIZE = {STREET: (480, 640), RIDER: (426, 640)}


@dataclass(frozen=True)
class Drawn:
    """One object; `outline` in photo pixels."""

    label: str
    box: tuple[float, float, float, float]
    outline: list[tuple[float, float]]


def drawn(photo: str) -> list[Drawn]:
    """The objects of a photo, in the demo's sequence."""
    listed = json.loads((ROOT / "tests" / "browser" / "outlines.json").read_text("utf-8"))
    (found,) = [one for one in listed if one["file"] == photo]
    return [Drawn(one["label"], tuple(one["box"]), [tuple(at) for at in one["outline"]]) for one in found["objects"]]


def whole(photo: str, place: int) -> CropMask:
    """The whole mask of one."""
    outline = [value for corner in drawn(photo)[place].outline for value in corner]
    return CropMask.from_polygons([outline], *SIZE[photo])


def write_truth(path: Path) -> None:
    """All that was drawn, as a file of scenes."""
    scenes = []
    for photo, edges in ORDER.items():
        objects = drawn(photo)
        masks = [whole(photo, place) for place in range(len(objects))]
        seen = list(masks)
        for front, behind in edges:
            seen[behind] = seen[behind].subtract(masks[front])
        instances = [
            Instance(place, one.label, one.box, 1.0, seen[place], masks[place]) for place, one in enumerate(objects)
        ]
        order = OrderGraph(tuple(OrderEdge(front, behind) for front, behind in edges))
        scenes.append(Scene(*SIZE[photo], tuple(instances), order, image=photo))
    write_scenes(scenes, path)
