"""Record: everything that is needed to render one scene again, in whole numbers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from amodal.data.fields import Field
from amodal.errors import InputError

VERSION = 1
SourceKind = Literal["object", "unknown", "texture"]
Outline = tuple[int, ...]  # x, y, x, y, ... in half pixels of the patch


@dataclass(frozen=True)
class Placed:
    """One thing of a scene.

    Attributes:
        id: its number in the scene; says nothing about the order.
        kind: where `source` is looked up: an `object` or `unknown` annotation, or a `texture`'s file name.
        source: annotation id as text, or file name.
        label: class name, "unknown" for unknown occluders.
        x, y: scene pixel of the upper left corner of the thing's box; may leave the picture.
        width, height: size of its box in scene pixels.
        flip: whether it is mirrored.
        gain: brightness in 256ths, applied to every channel.
        cut: of a texture, the upper left corner of the patch taken from it.
        outlines: of a texture, the polygons whose union is the patch's shape, in half pixels.
    """

    id: int
    kind: SourceKind
    source: str
    label: str
    x: int
    y: int
    width: int
    height: int
    flip: bool = False
    gain: int = 256
    cut: tuple[int, int] = (0, 0)
    outlines: tuple[Outline, ...] = ()

    @property
    def known(self) -> bool:
        """Whether methods are told of it; unknown occluders are in the picture only."""
        return self.kind == "object"


@dataclass(frozen=True)
class Record:
    """One scene: a window of a background, and what is pasted onto it from back to front.

    Attributes:
        seed, index: what the chance that proposed it was made from; not needed to render.
        background: file name in the folder of backgrounds.
        x, y: upper left corner of the window, in the background as it is, before any flip.
        width, height: size of the window and the scene in pixels.
        flip: whether the window is mirrored.
        placed: things from back to front.
    """

    scenario: str
    layout: str
    seed: int
    index: int
    background: str
    x: int
    y: int
    width: int
    height: int
    flip: bool
    placed: tuple[Placed, ...]

    def to_json(self) -> str:
        """One line of JSON."""
        return json.dumps({"version": VERSION, **asdict(self)}, separators=(",", ":"))


def record_from_json(line: str, where: str = "record") -> Record:
    """Read what `Record.to_json` wrote.

    Raises:
        InputError: not JSON, another version, or a field of a wrong type; begins with `where`.
    """
    try:
        value = json.loads(line)
    except ValueError as error:
        raise InputError(where, "line", f"is not JSON ({error})", "expected one record") from error
    root = Field(where, None, "", value)
    version = root["version"].integer()
    if version != VERSION:
        raise root["version"].error(f"is {version}", f"{VERSION}, the only one this release renders")
    return Record(
        scenario=root["scenario"].text(),
        layout=root["layout"].text(),
        seed=root["seed"].integer(),
        index=root["index"].integer(),
        background=root["background"].text(),
        **_window(root),
        flip=root["flip"].flag(),
        placed=tuple(_placed(item) for item in root["placed"].items()),
    )


def _placed(item: Field) -> Placed:
    kind = item["kind"].one_of("object", "unknown", "texture")
    return Placed(
        id=item["id"].integer(),
        kind=kind,  # type: ignore[arg-type]
        source=item["source"].text(),
        label=item["label"].text(),
        **_window(item),
        flip=item["flip"].flag(),
        gain=item["gain"].integer(0, 65_535),
        cut=_pair(item["cut"]),
        outlines=tuple(tuple(number.integer() for number in outline.items()) for outline in item["outlines"].items()),
    )


def _window(item: Field) -> dict[str, Any]:
    sides = {key: item[key].integer(1, 65_535) for key in ("width", "height")}
    return {key: item[key].integer(-65_535, 65_535) for key in ("x", "y")} | sides


def _pair(item: Field) -> tuple[int, int]:
    numbers: Sequence[int] = [number.integer() for number in item.items()]
    if len(numbers) != 2:
        raise item.error(f"has {len(numbers)} numbers", "two")
    return numbers[0], numbers[1]
