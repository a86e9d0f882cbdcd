"""Masks, and what the annotators' masks of an object became."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt

from amodal.annotate.api.schemas.values import (
    MAX_POLYGONS,
    MAX_RLE_CHARACTERS,
    Asked,
    Id,
    MaskSource,
    MaskState,
    Polygon,
    Said,
    Version,
    storable,
)
from amodal.annotate.store.checks import MAX_SECONDS


class Rle(BaseModel):
    """COCO's compressed run lengths: size is [height, width] of the photo."""

    model_config = ConfigDict(extra="forbid")
    size: tuple[Annotated[StrictInt, Field(ge=1, le=65_535)], Annotated[StrictInt, Field(ge=1, le=65_535)]]
    counts: Annotated[str, Field(max_length=MAX_RLE_CHARACTERS), AfterValidator(storable)]


class Mask(Said):
    """What one annotator drew of one object."""

    id: int
    version: int
    state: MaskState
    stage: int
    round: int
    polygons: list[list[float]]
    amodal: Rle
    inmodal: Rle
    inmodal_corrected: bool
    source: MaskSource
    seconds: float
    author: str | None = None


class MaskWrite(Asked):
    """A mask to be saved: polygons, or an amodal RLE where it was painted. version 0 where there was none.

    `inmodal`: a correction; null takes it back to what amodal masks and order say.
    """

    version: Version
    polygons: Annotated[list[Polygon], Field(max_length=MAX_POLYGONS)] | None = None
    amodal: Rle | None = None
    inmodal: Rle | None = None
    source: MaskSource = "drawn"
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False, strict=True)] = 0.0
    state: MaskState = "draft"


class Consensus(Said):
    """What the annotators' masks of an object became; numbers are null where they are not for the asker's eyes.

    `may_reopen`: the asker may take the decision back, by drawing on or as the expert.
    """

    version: int
    state: Literal["open", "agreed", "disputed", "settled"]
    stage: int = 1
    round: int
    agreement: float | None = None
    amodal: Rle | None = None
    inmodal: Rle | None = None
    choice: str | None = None
    settled_by: str | None = None
    settled_at: datetime | None = None
    inmodal_corrected: bool = False
    may_reopen: bool = False
    masks: list[Mask] = Field(default_factory=list)


class Settle(Asked):
    """The expert's word: the vote, one of the masks, or one drawn now."""

    version: Version
    choice: Literal["vote", "mask", "drawn"]
    mask_id: Id | None = None
    amodal: Rle | None = None
    inmodal: Rle | None = None


class Reopen(Asked):
    """Which decision is taken back."""

    version: Version
