"""A run over photos: what it has finished and refused so far, and its results as files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from amodal.cli.objects import ObjectsIn
from amodal.cli.progress import Report, say
from amodal.cli.results import PAGE, PICTURES, SCENES, Refusal
from amodal.cli.segmenting import Done, segment_photos
from amodal.data.results import write_scenes
from amodal.images import unique_stems
from amodal.scene import Scene
from amodal.segmenter import Segmenter


class PhotoRun:
    """Segments and draws photos one after the other; what it holds at any moment can be written.

    Attributes:
        scenes: of the finished photos, without their maps and claims.
        refusals: of the others.
    """

    def __init__(self, photos: Sequence[Path], folder: Path, *, pictures: bool) -> None:
        self.photos, self.folder, self.pictures = photos, folder, pictures
        self.scenes: list[Scene] = []
        self.refusals: list[Refusal] = []
        self._files: list[dict[str, Path]] = []  # of each scene
        self._stems = {path.as_posix(): stem for path, stem in zip(photos, unique_stems(photos), strict=True)}

    def work(self, objects_in: ObjectsIn, segmenter: Segmenter, report: Report) -> None:
        """Go through all photos."""
        report("photos", 0, len(self.photos))
        for outcome in segment_photos(self.photos, objects_in, segmenter):
            if isinstance(outcome, Refusal):
                self.refusals.append(outcome)
            else:
                self._add(outcome)
            report("photos", len(self.scenes) + len(self.refusals), len(self.photos))

    def write_results(self) -> None:
        """Write the scenes, and the page that shows the pictures, of what is finished."""
        write_scenes(self.scenes, self.folder / SCENES)
        if self.pictures:
            from amodal.draw.page import PageEntry, write_page

            entries = [PageEntry(scene, files) for scene, files in zip(self.scenes, self._files, strict=True)]
            write_page(entries, self.folder / PAGE)

    def _add(self, done: Done) -> None:
        for warning in done.scene.warnings:
            say(f"warning: {done.scene.image}: {warning}")
        files: dict[str, Path] = {}
        if self.pictures:
            from amodal.draw.pictures import write_pictures  # brings OpenCV

            stem = self._stems[done.scene.image or ""]
            files = write_pictures(done.scene, done.photo, self.folder / PICTURES, stem)
        self._files.append(files)
        self.scenes.append(_without_maps_and_claims(done.scene))


def _without_maps_and_claims(scene: Scene) -> Scene:
    """Both are drawn and never stored; maps kept for thousands of photos would fill the memory."""
    return scene.with_instances([replace(item, posterior=None, claimed=None) for item in scene.instances])
