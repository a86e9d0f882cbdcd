"""Truth that several experiments ask for: fully visible objects, by where their outlines come from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from sources import group_of

from amodal.data.coco import read_objects
from amodal.data.truth import Truth, read_truth


def fully_visible(street: Path, splits: Sequence[str] = ("val",), annotations: Path | None = None) -> list[Truth]:
    """Photos with their fully visible objects, whose boxes hold the whole; no method is told of the others.

    Objects are grouped by label, cars by the source of their outlines too. Of split "held" hand-drawn cars alone count.
    """
    file = annotations or street / "annotations.json"
    boxes = read_objects(file, images=street / "images")
    sources = {photo.file_name: photo.source for photo in boxes.images}
    truths = []
    for split in splits:
        for truth in read_truth(file, images=street / "images", split=split):
            groups = {one.id: group_of(one.label, sources[truth.scene.image or ""]) for one in truth.scored}
            if split == "held":
                groups = {id: "car, hand-drawn (held)" for id, group in groups.items() if group == "car, hand-drawn"}
            others = frozenset(one.id for one in truth.scene.instances if one.id not in groups)
            if groups:
                truths.append(replace(truth, hidden=others, unscored=frozenset(), groups=groups))
    return truths
