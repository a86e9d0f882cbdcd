"""What several experiments ask for: fully visible objects by the source of their outlines, methods without geometry."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from sources import group_of

from amodal.comparison import MethodSpec
from amodal.data.coco import read_objects
from amodal.data.truth import Truth, read_truth
from amodal.segmenter import has_setting

HELD_OUT = Path(__file__).with_name("held_out.json")


def fully_visible(street: Path, split: str = "val", *, held: bool = False) -> list[Truth]:
    """Photos with their fully visible objects, whose boxes hold the whole; no method is told of the others.

    Objects are grouped by label, cars by the source of their outlines too. `held` adds the hand-drawn cars, and these
    alone, of the photos of held_out.json, a group of its own.
    """
    file = street / "annotations.json"
    sources = {photo.file_name: photo.source for photo in read_objects(file, images=street / "images").images}
    truths = read_truth(file, images=street / "images", split=split)
    found = [_grouped(truth, sources, "") for truth in truths]
    if held:
        names = set(json.loads(HELD_OUT.read_text("utf-8"))["photos"])
        photos = [truth for truth in read_truth(file, images=street / "images") if truth.scene.image in names]
        found += [_grouped(truth, sources, " (held)") for truth in photos]
    return [truth for truth in found if truth.groups]


def _grouped(truth: Truth, sources: dict[str, str], held: str) -> Truth:
    groups = {one.id: group_of(one.label, sources[truth.scene.image or ""]) for one in truth.scored}
    if held:
        groups = {id: group + held for id, group in groups.items() if group == "car, hand-drawn"}
    others = frozenset(one.id for one in truth.scene.instances if one.id not in groups)
    return replace(truth, hidden=others, unscored=frozenset(), groups=groups)


def without_geometry(spec: MethodSpec) -> MethodSpec:
    """For layout `free`, where geometry says nothing by construction; a method that was told of it stays as it is."""
    if "geometry" in spec.settings or not has_setting(spec.method, "geometry"):
        return spec
    return replace(spec, settings=dict(spec.settings) | {"geometry": False})
