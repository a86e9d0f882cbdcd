"""Objects, their order, and what was written about them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import Field

from amodal.annotate.api.schemas.masks import Consensus, Mask, Rle
from amodal.annotate.api.schemas.values import Asked, Box, ClientKey, Edge, Level, Name, Said, Version
from amodal.annotate.store.orders import MAX_EDGES


class Proposal(Said):
    """What a model proposes: masks of an object, or a box that nobody drew (`object_id` null)."""

    id: int
    object_id: int | None
    method: str
    label: str
    box: tuple[float, float, float, float]
    score: float
    amodal: Rle
    inmodal: Rle
    verdict: Literal["open", "accepted", "edited", "refused"]


class TruthMask(Said):
    """What is known of an object that a method was asked about (view only)."""

    label: str
    amodal: Rle
    inmodal: Rle
    iou: float
    occlusion: float


class ObjectItem(Said):
    """One object of a photo as the asker may see it; `round` is the one that is on."""

    id: int
    label: str
    box: tuple[float, float, float, float]
    version: int
    deleted: bool = False
    author: str | None = None
    cluster: int | None = None
    number: int | None = None
    occlusion: float | None = None
    level: Level | None = None
    mask: Mask | None = None
    consensus: Consensus | None = None
    round: int = 1
    proposal: Proposal | None = None
    truth: TruthMask | None = None
    score: float | None = None
    key: str | None = None


class NewObject(Asked):
    """A box of a whole object; it may leave the picture. A `key` seen before gives the object made then."""

    label: Name
    box: Box
    key: ClientKey | None = None


class ObjectChange(Asked):
    """A new label, a new box."""

    version: Version
    label: Name | None = None
    box: Box | None = None


class Contradiction(Said):
    """Objects whose order cannot be true."""

    what: str
    ids: list[int]
    said: str


class Order(Said):
    """Who is in front of whom: [front, behind]; clusters and numbers follow from it."""

    version: int
    edges: list[tuple[int, int]]
    clusters: list[list[int]]
    numbers: dict[int, int]
    contradictions: list[Contradiction]


class OrderWrite(Asked):
    """The whole order of a photo."""

    version: Version
    edges: Annotated[list[Edge], Field(max_length=MAX_EDGES)]


class Revision(Said):
    """One write of an object, its masks or its settling."""

    kind: str
    subject_id: int
    version: int
    author: str | None
    time: datetime
    refused: bool
    payload: dict[str, Any]


class History(Said):
    """A page of all writes, the newest first; an annotator sees its own masks alone."""

    revisions: list[Revision]
    total: int
