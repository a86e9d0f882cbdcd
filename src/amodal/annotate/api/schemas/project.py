"""The project, whether the server is there, and what every refusal says."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from amodal.annotate.api.schemas.values import Asked, Name, Said, Version


class ErrorBody(Said):
    """What was found, what was expected, and in which field."""

    message: str
    field: str = ""


class Problem(Said):
    """Every answer of 4xx; a conflict (409) carries the other one's document."""

    error: ErrorBody
    current: dict[str, Any] | None = None


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
    agreement_threshold: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, strict=True)] | None = None
    max_rounds: Annotated[StrictInt, Field(ge=1, le=20)] | None = None


class Health(Said):
    """Whether the server and its database answer."""

    status: Literal["ok"]
    version: str
