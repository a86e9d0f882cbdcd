"""Backgrounds: photos without objects of interest, and textures to cut unknown occluders from."""

from __future__ import annotations

import hashlib
import os
from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from amodal.challenge.sources import Refused
from amodal.errors import InputError
from amodal.images import PHOTO_SUFFIXES, photo_size, read_photo

BackgroundPart = Literal["train", "test", "all"]
LEAST_WIDTH_PX, LEAST_HEIGHT_PX = 320, 240
_LEAST_TEXTURE_PX = 128
_MOST_KEPT = 48


@dataclass
class Backgrounds:
    """Photos by file name relative to `folder`, with (width, height); `textures` may be the same photos."""

    folder: Path
    scenes: dict[str, tuple[int, int]]
    textures: dict[str, tuple[int, int]]
    refused: tuple[Refused, ...] = ()
    _kept: OrderedDict[str, UInt8[np.ndarray, "h w 3"]] = field(default_factory=OrderedDict, repr=False)

    def photo(self, name: str) -> UInt8[np.ndarray, "h w 3"]:
        """The photo; the last ones used are kept decoded.

        Raises:
            InputError: it cannot be read.
        """
        if name in self._kept:
            self._kept.move_to_end(name)
        else:
            self._kept[name] = read_photo(self.folder / name)
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return self._kept[name]


def read_backgrounds(folder: str | os.PathLike[str], part: BackgroundPart = "all", pattern: str = "*") -> Backgrounds:
    """List the photos of a folder: `scenes/` and `textures/` in it, or else all photos for both.

    Args:
        folder: searched with all that is below it.
        part: a third of the photos, by a hash of their names, is `test`, the others `train`: these never mix.
        pattern: of names of scenes to use, as in a shell.

    Raises:
        InputError: no folder, or no usable photo of this part (with what was refused).
    """
    root = Path(folder)
    if not root.is_dir():
        raise InputError(os.fspath(folder), "backgrounds", "no such folder", "expected a folder of photos")
    parted = (root / "scenes").is_dir()
    refused: list[Refused] = []
    scenes = _photos(root, root / "scenes" if parted else root, part, refused, LEAST_WIDTH_PX, LEAST_HEIGHT_PX)
    scenes = {name: size for name, size in scenes.items() if Path(name).match(pattern)}
    textures = scenes
    if (root / "textures").is_dir():
        textures = _photos(root, root / "textures", part, refused, _LEAST_TEXTURE_PX, _LEAST_TEXTURE_PX)
    if not scenes:
        named = "" if pattern == "*" else f" named {pattern!r}"
        found = f"no photo of part {part!r}{named} to use" + (
            f"; {refused[0].what}: {refused[0].reason}" if refused else ""
        )
        expected = f"expected photos of at least {LEAST_WIDTH_PX} x {LEAST_HEIGHT_PX} px"
        raise InputError(os.fspath(folder), "backgrounds", found, expected)
    return Backgrounds(root, scenes, textures, tuple(refused))


def part_of(name: str) -> BackgroundPart:
    """`train` or `test`, by the name of the file alone, whatever folder it is in."""
    return "test" if hashlib.sha256(Path(name).name.encode()).digest()[0] % 3 == 0 else "train"


def _photos(
    root: Path, folder: Path, part: BackgroundPart, refused: list[Refused], least_width: int, least_height: int
) -> dict[str, tuple[int, int]]:
    found: dict[str, tuple[int, int]] = {}
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() not in PHOTO_SUFFIXES or not path.is_file():
            continue
        name = path.relative_to(root).as_posix()
        if part not in ("all", part_of(name)):
            continue
        try:
            width, height = photo_size(path)
        except InputError as error:
            refused.append(Refused(name, error.found))
            continue
        if width < least_width or height < least_height:
            refused.append(Refused(name, f"{width} x {height} px, smaller than {least_width} x {least_height}"))
        else:
            found[name] = (width, height)
    return found
