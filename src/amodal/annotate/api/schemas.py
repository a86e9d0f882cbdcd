"""Every document that goes over the wire. The page's client is generated from these."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt

MAX_ID = 2**31 - 1  # the largest whole number of every database
MAX_POLYGONS = 500
MAX_COORDINATES = 20_000  # of one polygon
MAX_RLE_CHARACTERS = 4_000_000
MAX_EDGES = 20_000
MAX_SECONDS = 7 * 24 * 3600
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
Name = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(plain)]
Password = Annotated[str, Field(min_length=8, max_length=200), AfterValidator(storable)]
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


# Errors


class ErrorBody(Said):
    """What was found, what was expected, and in which field."""

    message: str
    field: str = ""


class Problem(Said):
    """Every answer of 4xx; a conflict (409) carries the other one's document."""

    error: ErrorBody
    current: dict[str, Any] | None = None


# Sessions and people


class LogIn(Asked):
    """Name and password."""

    name: Annotated[str, Field(max_length=100), AfterValidator(storable)]
    password: Annotated[str, Field(max_length=200), AfterValidator(storable)]


class Person(Said):
    """Somebody who works on the project."""

    id: int
    name: str
    role: Role
    roles: list[Role]
    active: bool = True


class SessionInfo(Said):
    """Who is logged in. `person` is null where a log-in is wanted; in view mode nobody is needed."""

    mode: Mode
    person: Person | None
    csrf: str


class NewPerson(Asked):
    """An account to make."""

    name: Name
    role: Role
    password: Password


class PersonChange(Asked):
    """What is to be changed of an account."""

    role: Role | None = None
    password: Password | None = None
    active: StrictBool | None = None


class People(Said):
    """All accounts."""

    people: list[Person]


class AuditLine(Said):
    """Something that was done."""

    time: datetime
    person: str | None
    action: str
    subject: str
    detail: dict[str, Any]


class AuditLog(Said):
    """What was done, the newest first."""

    lines: list[AuditLine]


# The project


class Category(BaseModel):
    """A class, and the group it belongs to (two layers, as in KINS)."""

    model_config = ConfigDict(extra="forbid")
    name: Name
    group: Name


class Project(Said):
    """What holds for all photos."""

    name: str
    version: int
    categories: list[Category]
    annotators_per_object: int
    agreement_threshold: float
    max_rounds: int
    stage: int


class ProjectChange(Asked):
    """What is to be changed of the project."""

    version: Version
    name: Name | None = None
    categories: Annotated[list[Category], Field(max_length=500)] | None = None
    annotators_per_object: Annotated[StrictInt, Field(ge=1, le=20)] | None = None
    agreement_threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] | None = None
    max_rounds: Annotated[StrictInt, Field(ge=1, le=20)] | None = None


# Masks


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
    seconds: Annotated[float, Field(ge=0, le=MAX_SECONDS, allow_inf_nan=False)] = 0.0
    state: MaskState = "draft"


class Consensus(Said):
    """What the annotators' masks of an object became; numbers are null where they are not for the asker's eyes."""

    version: int
    state: Literal["open", "agreed", "disputed", "settled"]
    round: int
    agreement: float | None = None
    amodal: Rle | None = None
    inmodal: Rle | None = None
    choice: str | None = None
    settled_by: str | None = None
    settled_at: datetime | None = None
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


# Objects and their order


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
    by: str | None = None


class TruthMask(Said):
    """What is known of an object that a method was asked about (view only)."""

    label: str
    amodal: Rle
    inmodal: Rle
    iou: float
    occlusion: float


class ObjectItem(Said):
    """One object of a photo as the asker may see it."""

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
    proposal: Proposal | None = None
    truth: TruthMask | None = None
    score: float | None = None


class NewObject(Asked):
    """A box of a whole object; it may leave the picture."""

    label: Name
    box: Box


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
    """All writes, the first one first; an annotator sees its own masks alone."""

    revisions: list[Revision]


# Photos


class PhotoItem(Said):
    """A photo of the list. `worst`: the lowest agreement (view: the lowest IoU) of its objects."""

    id: int
    name: str
    width: int
    height: int
    objects: int = 0
    state: Literal["new", "boxes", "drawing", "done"] = "new"
    done: int = 0
    of: int = 0
    worst: float | None = None


class Photos(Said):
    """A page of the list."""

    total: int
    photos: list[PhotoItem]
    labels: list[str]


class Layer(Said):
    """A picture to lay over the photo (view only): likelihood maps and the like."""

    name: str
    url: str


class PhotoDocument(Said):
    """A photo with all that the asker may see of it."""

    photo: PhotoItem
    objects: list[ObjectItem]
    order: Order
    proposals: list[Proposal] = Field(default_factory=list)
    layers: list[Layer] = Field(default_factory=list)


class Uploaded(Said):
    """Photos taken in."""

    photos: list[PhotoItem]


# Help


class AskProposals(Asked):
    """Which method; null for the default one."""

    method: Annotated[str, Field(max_length=50), AfterValidator(storable)] | None = None


class Proposals(Said):
    """What the model proposes, with the order it sees, by object ids ([front, behind])."""

    proposals: list[Proposal]
    edges: list[tuple[int, int]]


class Verdict(Asked):
    """What became of a proposal."""

    verdict: VerdictKind


class VerdictTaken(Said):
    """The proposal, and the object that it became where it was a box nobody had drawn."""

    proposal: Proposal
    object: ObjectItem | None = None


class SnapAsk(Asked):
    """A polygon [x, y, x, y, …] to be moved onto edges of the photo."""

    polygon: Polygon


class Snapped(Said):
    """The polygon on the edges."""

    polygon: list[float]


# Tasks and the manager


class Task(Said):
    """Something for the asker to do."""

    kind: Literal["pass1", "pass2", "settle"]
    photo_id: int
    photo: str
    object_id: int | None = None
    label: str | None = None
    stage: int = 1
    round: int = 1
    state: Literal["open", "draft"] = "open"


class Tasks(Said):
    """The asker's queue."""

    tasks: list[Task]
    total: int


class NextTask(Said):
    """The next one, null where nothing is left."""

    task: Task | None


class PersonProgress(Said):
    """How far somebody is."""

    person: str
    role: Role
    model_config = ConfigDict(populate_by_name=True)
    pass_: Literal["pass1", "pass2"] = Field(alias="pass")
    done: int
    of: int
    seconds: float = 0.0


class Progress(Said):
    """How far all are."""

    photos: int
    objects: int
    settled: int
    people: list[PersonProgress]


class Agreed(Said):
    """The agreement over some objects."""

    name: str
    objects: int
    mean: float | None


class ObjectAgreement(Said):
    """The agreement about one object."""

    object_id: int
    photo_id: int
    photo: str
    label: str
    state: Literal["open", "disputed", "agreed", "settled"]
    round: int
    agreement: float
    version: int


class AgreementReport(Said):
    """Mean pairwise IoU of whole masks, of each class and each object, the worst first."""

    mean: float | None
    threshold: float
    categories: list[Agreed]
    objects: list[ObjectAgreement]


class Consistency(Said):
    """Table 3 of the paper of KINS: annotators and votes (columns) against each other or a second stage (rows)."""

    rows: list[str]
    columns: list[str]
    matrix: list[list[float | None]]
    counts: list[list[int]]


class StatisticsReport(Said):
    """Numbers of the data set so far, those of Fig. 4 among them; null where nothing is settled yet."""

    statistics: dict[str, Any] | None


class Dispute(Said):
    """An object that its annotators do not agree about."""

    object_id: int
    photo_id: int
    photo: str
    label: str
    state: Literal["open", "disputed"]
    agreement: float
    round: int
    rounds_left: int
    version: int


class Disputes(Said):
    """Those objects, the worst first."""

    disagreements: list[Dispute]


class StartStage(Asked):
    """A second stage over a random share of the settled objects."""

    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
    seed: Annotated[StrictInt, Field(ge=0, le=MAX_ID)] = 0


class Stage(Said):
    """The stage that is on now, and over how many objects."""

    stage: int
    objects: int


# In and out


class Import(Said):
    """What was taken in, and what was not, in words."""

    format: str
    photos: int
    objects: int
    masks: int
    edges: int
    left_out: list[str]


class Export(Asked):
    """Which format."""

    format: ExportFormat


class Health(Said):
    """Whether the server and its database answer."""

    status: Literal["ok"]
    version: str
