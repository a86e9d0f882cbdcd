"""Objects as per-frame pictures of track ids, in KITTI's layout, as methods for scene flow of rigid objects read them.

A frame is a photo of the data set, in its sequence. A pixel of a picture is the id of the track that has it, 0 where
none has. Whole objects overlap, so beside the picture of visible parts and the one in which whole objects are laid one
over the other there is a stack: sheets on which no two objects meet, the front-most objects on the first.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt16
from PIL import Image

from amodal.data.entries import Source, entries_of
from amodal.data.kins_write import depth_of
from amodal.data.write import new_folder, writing_to
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.progress import Progress
from amodal.scene import Instance, OrderGraph, Scene

MODAL, AMODAL, STACK, TRACKS_FILE = "instance_modal", "instance_amodal", "instance_amodal_stack", "tracks.json"
LEAST_IOU = 0.3
MAX_TRACK = 65_535


def write_tracks(
    source: Source, out: Path, *, least_iou: float = LEAST_IOU, progress: Progress | None = None
) -> dict[str, int]:
    """Write all frames and `tracks.json`; returns how many frames, tracks and sheets there are.

    Objects whose `meta` has a `track` keep it. Where no object has one, they are linked from frame to frame: pairs of
    one class, the one of the largest overlap (IoU) of whole masks first, each object once; below `least_iou` a new
    track begins.

    Raises:
        InputError: `out` is there already, frames of one name, an object without a track among others with one, a
            track twice in a frame, more tracks than 16 bits can number.
    """
    linker = TrackLinker(least_iou)
    frames: dict[str, dict[str, Any]] = {}
    labels: dict[int, str] = {}
    sheets = 0
    with new_folder(out) as building:
        with writing_to(out, "folder"):
            for folder in (MODAL, AMODAL, STACK):
                (building / folder).mkdir()
        for entry in entries_of(source):
            scene, tracks = entry.scene, linker.tracks(entry.scene)
            name = Path(scene.image or f"{len(frames):06d}").stem
            if name in frames:
                raise InputError(os.fspath(out), name, "two frames of this name", "expected one")
            pictures = _pictures(name, scene, tracks)
            with writing_to(out, "folder"):
                for inside, picture in pictures.items():
                    Image.fromarray(picture).save(building / inside, format="PNG")
            sheets += len(pictures) - 2
            labels |= {tracks[one.id]: one.label for one in scene.instances if tracks[one.id] not in labels}
            frames[name] = _frame(name, scene, tracks)
            if progress is not None:
                progress("frames", len(frames), len(source))
        classes = {str(track): label for track, label in sorted(labels.items())}
        said = json.dumps({"classes": classes, "frames": list(frames.values())}, indent=1, ensure_ascii=False)
        with writing_to(out, "folder"):
            (building / TRACKS_FILE).write_text(said + "\n", "utf-8")
    return {"frames": len(frames), "tracks": len(labels), "sheets": sheets}


def _pictures(name: str, scene: Scene, tracks: Mapping[int, int]) -> dict[str, UInt16[np.ndarray, "h w"]]:
    """Place in the folder -> picture: visible parts, whole objects, and the sheets."""
    found = {
        f"{MODAL}/{name}.png": _painted(scene, tracks, "modal"),
        f"{AMODAL}/{name}.png": _painted(scene, tracks, "amodal"),
    }
    for number, sheet in enumerate(stacked(scene)):
        part = replace(scene, instances=tuple(sheet), order=OrderGraph())
        found[f"{STACK}/{name}_{number:02d}.png"] = _painted(part, tracks, "amodal")
    return found


def _frame(name: str, scene: Scene, tracks: Mapping[int, int]) -> dict[str, Any]:
    """What `tracks.json` says of a frame."""
    order = [[tracks[edge.front], tracks[edge.behind]] for edge in scene.order.edges]
    objects = [{"track": tracks[one.id], "id": one.id, "occlusion": one.occlusion} for one in scene.instances]
    return {"frame": name, "image": scene.image, "objects": objects, "order": order}


@dataclass
class TrackLinker:
    """Gives each object of each frame a track; remembers the last frame."""

    least_iou: float = LEAST_IOU
    _last: tuple[tuple[Instance, int], ...] = ()
    _next: int = 1
    _given: bool | None = field(default=None)

    def tracks(self, scene: Scene) -> Mapping[int, int]:
        """Track of every object, by the object's id."""
        said = {one.id: one.meta["track"] for one in scene.instances if one.meta.get("track") is not None}
        if scene.instances and self._given is None:
            self._given = bool(said)
        found = self._checked(scene, said) if self._given else self._linked(scene, said)
        self._last = tuple((one, found[one.id]) for one in scene.instances)
        return found

    def _checked(self, scene: Scene, said: Mapping[int, Any]) -> dict[int, int]:
        owner: dict[int, int] = {}
        for one in scene.instances:
            where, track = f"object {one.id}: meta.track", said.get(one.id)
            if isinstance(track, bool) or not isinstance(track, int) or not 1 <= track <= MAX_TRACK:
                expected = f"expected 1 to {MAX_TRACK}, as others have"
                raise InputError(scene.image or "frame", where, f"is {track!r}", expected)
            if track in owner:
                found = f"is {track}, as object {owner[track]} has"
                raise InputError(scene.image or "frame", where, found, "expected a track once in a frame")
            owner[track] = one.id
        return {id: track for track, id in owner.items()}

    def _linked(self, scene: Scene, said: Mapping[int, Any]) -> dict[int, int]:
        if said:
            id = next(iter(said))
            found = f"is {said[id]!r}, and objects before it have none"
            raise InputError(scene.image or "frame", f"object {id}: meta.track", found, "expected all or none")
        pairs = sorted(
            (-overlap, one.id, track)
            for one in scene.instances
            for other, track in self._last
            if one.label == other.label and (overlap := _iou(one.amodal, other.amodal)) >= self.least_iou
        )
        tracks: dict[int, int] = {}
        taken: set[int] = set()
        for _, id, track in pairs:
            if id not in tracks and track not in taken:
                tracks[id] = track
                taken.add(track)
        for one in scene.instances:
            if one.id not in tracks:
                if self._next > MAX_TRACK:
                    raise InputError(scene.image or "frame", "tracks", "too many", f"expected at most {MAX_TRACK}")
                tracks[one.id] = self._next
                self._next += 1
        return tracks


def stacked(scene: Scene) -> list[list[Instance]]:
    """Objects on sheets, front to back; on one sheet no two whole masks share a pixel. None for an empty scene."""
    sheets: list[list[Instance]] = []
    for one in _front_to_back(scene):
        free = (sheet for sheet in sheets if not any(one.amodal.intersection_area(other.amodal) for other in sheet))
        sheet = next(free, None)
        if sheet is None:
            sheets.append([one])
        else:
            sheet.append(one)
    return sheets


def _front_to_back(scene: Scene) -> list[Instance]:
    depth = depth_of(scene)
    return sorted(scene.instances, key=lambda one: (depth[one.id], one.id))


def _painted(scene: Scene, tracks: Mapping[int, int], which: str) -> UInt16[np.ndarray, "h w"]:
    """What is in front is painted last."""
    picture: UInt16[np.ndarray, "h w"] = np.zeros((scene.height, scene.width), np.uint16)
    for one in reversed(_front_to_back(scene)):
        mask: CropMask = one.modal if which == "modal" else one.amodal
        x0, y0, x1, y1 = mask.box
        picture[y0:y1, x0:x1][mask.to_crop()] = tracks[one.id]
    return picture


def _iou(one: CropMask, other: CropMask) -> float:
    same_frame = (one.height, one.width) == (other.height, other.width)
    return one.iou(other) if same_frame else 0.0
