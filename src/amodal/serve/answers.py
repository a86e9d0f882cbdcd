"""A scene as it goes out: the content of our file, of one photo."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from amodal.data.results import plain, scenes_to_json
from amodal.scene import Scene

MaskForm = Literal["rle", "polygons"]


def answer_of(scene: Scene, name: str, masks: MaskForm) -> bytes:
    """JSON, as `data/results.py` writes it; `polygons`: outlines in place of run-length codes."""
    content = scenes_to_json([replace(scene, image=name)])
    if masks == "polygons":
        for annotation, instance in zip(content["annotations"], scene.instances, strict=True):
            annotation["segmentation"] = instance.amodal.to_polygons()
            annotation["visible_segmentation"] = instance.modal.to_polygons()
            if instance.claimed is not None:
                annotation["claimed_segmentation"] = instance.claimed.to_polygons()
    return plain(content).encode()
