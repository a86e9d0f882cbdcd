"""Every format by name: how it is opened and how it is written. Who adds one adds a file and a line here."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from amodal.data.dialect import Dialect, DialectSource
from amodal.data.dialect_write import write_dialect
from amodal.data.entries import Entry, Head, Source
from amodal.data.index import JsonIndex, index_json
from amodal.data.index_cache import default_cache
from amodal.data.kins_folder import one_part
from amodal.data.losses import Losses
from amodal.data.truth import FORMATS as FILE_FORMATS
from amodal.data.truth import OUR_FILE, folder_format
from amodal.errors import InputError
from amodal.imports import imported
from amodal.progress import Progress

Write = Callable[[Iterable[Entry], Head, Path, Losses], None]
Open = Callable[[JsonIndex, "Path | None", "str | None"], Source]
OpenFolder = Callable[[Path, "Path | None", "str | None"], Source]


@dataclass(frozen=True)
class Format:
    """One format.

    Attributes:
        what: it in a few words.
        dialect: "module:name" of a `Dialect`; else
        opens, writes: "module:function" of what makes a `Source`, and of what writes entries.
        is_folder: many files, and no index.
    """

    what: str
    dialect: str = ""
    opens: str = ""
    writes: str = ""
    is_folder: bool = False


FORMATS: dict[str, Format] = {
    "kins-2020": Format("KINS as of 2020: a_segm, i_segm, oco_id, ico_id", "amodal.data.kins_write:KINS_2020"),
    "kins-2019": Format("KINS as of 2019: segmentation, inmodal_seg", "amodal.data.kins_write:KINS_2019"),
    "coco": Format("COCO: visible masks and boxes", "amodal.data.coco_write:COCO"),
    "cocoa": Format("COCOA in COCO's clothes: inmodal_seg and order", "amodal.data.cocoa_write:COCOA"),
    "cocoa-regions": Format(
        "COCOA's and BSDS-A's own layout: regions",
        opens="amodal.data.cocoa_regions:open_regions",
        writes="amodal.data.cocoa_regions_write:write_regions",
    ),
    "d2sa": Format("D2SA and COCOA-cls: visible_mask, invisible_mask", "amodal.data.d2sa:D2SA"),
    "kitti": Format(
        "KITTI's object labels: a folder of text files, boxes alone",
        opens="amodal.data.kitti_write:open_kitti",
        writes="amodal.data.kitti_write:write_kitti",
        is_folder=True,
    ),
    "cityscapes": Format(
        "Cityscapes' instance pictures: a folder of 16-bit PNG, visible masks alone",
        opens="amodal.data.cityscapes:open_cityscapes",
        writes="amodal.data.cityscapes_write:write_cityscapes",
        is_folder=True,
    ),
    "parts": Format(
        "what amodal predict --parts writes: a folder",
        opens="amodal.data.parts_convert:open_parts",
        writes="amodal.data.parts_convert:write_parts",
        is_folder=True,
    ),
    "amodal": Format("our own scenes.json", "amodal.data.scenes_write:OURS"),
}
ALSO = {"kins": "kins-2020", "bsds-a": "cocoa-regions", "cocoa-cls": "d2sa", "scenes": "amodal"}


def open_source(
    path: Path,
    *,
    format: str | None = None,
    images: Path | None = None,
    split: str | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Source:
    """Open a file or folder of any format, to take its photos one by one.

    Memory grows by some bytes an annotation of a file (where each stands in it), not by what they hold.

    Args:
        path: the file, or the folder (of files, or with our scenes.json).
        format: its name; else it is recognised by its content.
        images: the photos' folder; else found beside.
        split: only photos of this split.
        cache: where indexes of large files are kept; the usual place unless given.
        progress: see `index_json`.

    Raises:
        InputError: no such file, a format we do not know, entries without ids or with ids twice.
    """
    if path.is_dir() and (path / OUR_FILE).is_file():
        path = path / OUR_FILE
    wanted = None if format is None else format_named(format)
    if path.is_dir():
        name = wanted or folder_format(path)
        if name in ("kins", "kins-2019", "kins-2020"):
            part = one_part(path, split)
            return open_source(part.annotations, images=images or part.photos, cache=cache, progress=progress)
        if not FORMATS[name].is_folder:
            raise InputError(str(path), "file", "is a folder", f"expected a file, as format {name} is")
        return cast(OpenFolder, imported(FORMATS[name].opens))(path, images, split)
    index = index_json(path, cache=cache or default_cache(), progress=progress)
    name = wanted or recognised(index)
    if FORMATS[name].is_folder:
        raise InputError(str(path), "file", "is a file", f"expected a folder, as format {name} is")
    if FORMATS[name].dialect:
        return DialectSource.of(_dialect(name), index, images, split)
    return cast(Open, imported(FORMATS[name].opens))(index, images, split)


def write_as(format: str, entries: Iterable[Entry], head: Head, out: Path) -> Losses:
    """Write entries in a format; returns what it could not say.

    Raises:
        InputError: no such format, something the format cannot hold at all, no place to write.
    """
    name, losses = format_named(format), Losses()
    if FORMATS[name].dialect:
        write_dialect(_dialect(name), entries, head, out, losses)
    else:
        cast(Write, imported(FORMATS[name].writes))(entries, head, out, losses)
    return losses


def format_named(name: str, option: str = "format") -> str:
    """A format's name from it or from a shorter one; `option` is where it was asked for.

    Raises:
        InputError: there is none of that name.
    """
    name = ALSO.get(name, name)
    if name not in FORMATS:
        raise InputError(option, name, "is not known", f"expected one of {', '.join([*FORMATS, *ALSO])}")
    return name


def recognised(index: JsonIndex) -> str:
    """The format of an indexed file, by its fields.

    Raises:
        InputError: none that we know.
    """
    root = index.sample()
    name = next((name for name, (recognises, _) in FILE_FORMATS.items() if recognises(root)), None)
    if name is None:
        raise root.error("is of no format we know", f"one of {', '.join(FILE_FORMATS)}")
    return name


def _dialect(name: str) -> Dialect:
    return cast(Dialect, imported(FORMATS[name].dialect))
