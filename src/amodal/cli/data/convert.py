"""`amodal data convert`: a data set from any format to any other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.convert import check_class_map, convert, is_class_file, read_class_map
from amodal.data.entries import Source
from amodal.data.formats import format_named, open_source
from amodal.data.kitti_folder import PHOTO_FOLDERS
from amodal.data.losses import NEW_CLASS
from amodal.data.write import write_text_atomically
from amodal.errors import InputError


@dataclass(frozen=True)
class Convert:
    """Write an annotated file in another format, or in its own.

    Formats: kins-2020 (or kins), kins-2019, coco (visible masks), cocoa, cocoa-regions (COCOA's own layout, and
    bsds-a's), d2sa (and cocoa-cls), amodal (our scenes.json), and as folders kitti (labels, boxes alone), cityscapes
    (16-bit instance pictures) and parts (of amodal predict --parts). Fields that mean nothing to us go along. What the
    new format cannot say is counted on stderr and in --report, with the first places; an existing folder is not written
    over. Memory grows by some bytes an annotation, not with the file.

    Example: amodal data convert instances_val.json cocoa.json --to cocoa --report report.json
    """

    source: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="IN")]
    """The file or folder; its format is recognised by its content."""
    out: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="OUT")]
    """The new file; for kitti and cityscapes a new folder."""
    to: Annotated[str, tyro.conf.arg(metavar="FORMAT")]
    """The new format."""
    from_: Annotated[str | None, tyro.conf.arg(name="from", metavar="FORMAT", help_behavior_hint="")] = None
    """The format of IN, where its content does not tell."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos' folder; else found beside. Only KITTI's labels need the photos (for their size)."""
    split: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Only photos of this split, where IN has splits."""
    classes: Annotated[str | None, tyro.conf.arg(metavar="OLD=NEW,...|FILE", help_behavior_hint="")] = None
    """Rename classes: car=vehicle,van=vehicle,misc= (nothing after = leaves a class out), or a JSON file
    {old: new or null}."""
    report: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write what was done, and what could not be said, as JSON."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print that report on stdout."""

    def _check(self, source: Source, classes: Mapping[str, str | None]) -> None:
        """A file may be meant for many data sets; who types a class means one that is there."""
        try:
            check_class_map(source, classes)
        except InputError as error:
            if self.classes is None or not is_class_file(self.classes):
                raise
            say(f"warning: {error}")

    def run(self) -> int:
        """Do it; returns the exit code."""
        format_named(self.to, "--to")
        if self.from_ is not None:
            format_named(self.from_, "--from")
        classes = None if self.classes is None else read_class_map(self.classes)
        if self.out.exists() and self.source.exists() and self.out.resolve() == self.source.resolve():
            raise InputError("convert", "OUT", f"is IN, {self.out}", "expected another file")
        with progress_on_stderr() as progress:
            source = open_source(
                self.source, format=self.from_, images=self.images, split=self.split, progress=progress
            )
            if classes is not None:
                self._check(source, classes)
            done = convert(source, self.to, self.out, classes=classes, progress=progress)
        lines = done.losses.lines()
        if lines:
            say(f"{done.format_out} cannot say:")
        for line in lines:
            say(f"  {line}")
        if NEW_CLASS in done.losses.counts:
            say("classes are renamed on the way with --classes OLD=NEW,..., person=pedestrian for KINS")
        if done.format_out == "kitti":
            say(f"KITTI's labels do not say how large photos are: to read {self.out} again, put the photos into")
            say(f"{self.out / PHOTO_FOLDERS[0]}, or give their folder with --images")
        content = json.dumps(done.to_json(), indent=1, ensure_ascii=False)
        if self.report is not None:
            write_text_atomically(self.report, content + "\n")
        if self.json:
            print(content)
        else:
            print(f"{done.photos} photos, {done.objects} objects: {done.format_in} -> {done.format_out}, {self.out}")
        return DONE
