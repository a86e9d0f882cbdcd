"""Photos: the list, and one with all that is on it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool

from amodal.annotate.api.schemas.objects import ObjectItem, Order, Proposal
from amodal.annotate.api.schemas.values import Asked, Said
from amodal.annotate.store.checks import MAX_SECONDS


class PhotoItem(Said):
    """A photo of the list.

    `boxed`: the expert called boxes and order done. `worst`: the lowest agreement (view: IoU) of its objects.
    `found`: its file is there (the list says so, other answers do not look).
    `to_settle`: objects that wait for the asker's decision, the worst first.
    """

    id: int
    name: str
    width: int
    height: int
    objects: int = 0
    boxed: bool = False
    state: Literal["new", "boxing", "boxes", "drawing", "done"] = "new"
    done: int = 0
    of: int = 0
    worst: float | None = None
    found: bool = True
    to_settle: list[int] = Field(default_factory=list)


class PhotoChange(Asked):
    """Whether boxes and order are done."""

    boxed: StrictBool


class BoxSeconds(Asked):
    """All the time that the asker has spent on boxes and order of a photo."""

    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False, strict=True)]


class Reading(Said):
    """How many of how many new photos were gone through; `of` is 0 while they are counted."""

    done: int
    of: int


class Photos(Said):
    """A page of the list. `method` is the one that is shown, of `methods` (view only).

    `reading`: photos are being read in, and the list is not whole yet.
    """

    total: int
    photos: list[PhotoItem]
    labels: list[str]
    method: str | None = None
    methods: list[str] = Field(default_factory=list)
    reading: Reading | None = None


class Layer(Said):
    """A picture to lay over the photo (view only): likelihood maps and the like."""

    name: str
    url: str


class PhotoDocument(Said):
    """A photo with all that the asker may see of it; `seconds` are the asker's own, spent on boxes and order."""

    photo: PhotoItem
    objects: list[ObjectItem]
    order: Order
    proposals: list[Proposal] = Field(default_factory=list)
    layers: list[Layer] = Field(default_factory=list)
    method: str | None = None
    methods: list[str] = Field(default_factory=list)
    seconds: float = 0.0


class Uploaded(Said):
    """Photos taken in, and what was refused, in words."""

    photos: list[PhotoItem]
    refused: list[str]
