"""What documents are made of: numbers, names and words that are allowed."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from amodal.annotate.store.checks import MAX_NAME
from amodal.annotate.store.people import LEAST_PASSWORD, MOST_PASSWORD
from amodal.annotate.store.tables import MAX_INTEGER

MAX_ID = MAX_INTEGER
MAX_POLYGONS = 500
MAX_COORDINATES = 20_000  # of one polygon
MAX_RLE_CHARACTERS = 4_000_000
FORBIDDEN = re.compile(r"[\x00-\x1f\x7f-\x9f<>/\\\ud800-\udfff]")


def plain(text: str) -> str:
    """A name as people write them: no tags, no slashes, nothing that cannot be seen.

    Raises:
        ValueError: it is none.
    """
    text = text.strip()
    if not text:
        raise ValueError("is empty, expected a name")
    found = FORBIDDEN.search(text)
    if found:
        raise ValueError(f"has {found.group()!r} in it, expected a name without slashes, < or > and control characters")
    return text


def storable(text: str) -> str:
    """Any text that can be kept.

    Raises:
        ValueError: it holds half a character or a NUL.
    """
    if re.search(r"[\x00\ud800-\udfff]", text):
        raise ValueError("has a character in it that is none, expected text")
    return text


Id = Annotated[StrictInt, Field(ge=1, le=MAX_ID)]
Version = Annotated[StrictInt, Field(ge=0, le=MAX_ID)]
Pixel = Annotated[float, Field(ge=-1e6, le=1e6, allow_inf_nan=False, strict=True)]  # true is no pixel
Name = Annotated[str, Field(min_length=1, max_length=MAX_NAME), AfterValidator(plain)]
Password = Annotated[str, Field(min_length=LEAST_PASSWORD, max_length=MOST_PASSWORD), AfterValidator(storable)]
ClientKey = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{8,64}$")]  # made by the page, so that asking twice makes one
Box = tuple[Pixel, Pixel, Pixel, Pixel]
Polygon = Annotated[list[Pixel], Field(min_length=6, max_length=MAX_COORDINATES)]
Edge = tuple[Id, Id]
Mode = Literal["one-person", "team", "view"]
Role = Literal["expert", "annotator", "manager"]
Level = Literal["L0", "L1", "L2", "L3"]
MaskState = Literal["draft", "done"]
MaskSource = Literal["drawn", "proposal", "edited", "imported"]
VerdictKind = Literal["accepted", "edited", "refused"]
ExportFormat = Literal["kins-2020", "kins-2019", "coco", "cocoa", "cvat", "ids", "amodal", "project"]
ImportFormat = Literal[
    "kins-2020", "kins-2019", "coco", "cocoa", "cocoa-regions", "d2sa", "cvat", "labelme", "amodal", "project"
]


class Asked(BaseModel):
    """What the page sends; a field nobody knows is an error."""

    model_config = ConfigDict(extra="forbid")


class Said(BaseModel):
    """What the page gets."""
