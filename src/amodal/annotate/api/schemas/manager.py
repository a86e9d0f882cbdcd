"""How far, how well, and what is open."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StrictInt

from amodal.annotate.api.schemas.values import MAX_ID, Asked, Role, Said


class PersonProgress(Said):
    """How far somebody is."""

    person: str
    role: Role
    model_config = ConfigDict(populate_by_name=True)
    pass_: Literal["pass1", "pass2"] = Field(alias="pass")
    stage: int
    done: int
    of: int
    seconds: float = 0.0


class StageProgress(Said):
    """How many objects a stage draws, and how many of them are decided."""

    stage: int
    objects: int
    settled: int


class Progress(Said):
    """How far all are, in every stage so far."""

    photos: int
    stages: list[StageProgress]
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
    """Mean pairwise IoU of whole masks, of each class and each object, the worst first; `total` objects in all."""

    mean: float | None
    threshold: float
    categories: list[Agreed]
    objects: list[ObjectAgreement]
    total: int


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
    """A page of those objects, the worst first, of `total`."""

    disagreements: list[Dispute]
    total: int


class StartStage(Asked):
    """A second stage over a random share of the settled objects."""

    share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False, strict=True)]
    seed: Annotated[StrictInt, Field(ge=0, le=MAX_ID)] = 0


class Share(Said):
    """How many objects somebody would draw again."""

    person: str
    active: bool
    objects: int


class StagePlan(Said):
    """What beginning the second stage would do; what is not settled would not be drawn any more."""

    objects: int
    settled: int
    unsettled: int
    people: list[Share]


class Stage(Said):
    """The stage that is on now, and over how many objects."""

    stage: int
    objects: int
