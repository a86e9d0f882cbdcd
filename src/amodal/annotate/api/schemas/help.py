"""What models and edges of the photo help with."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from amodal.annotate.api.schemas.objects import ObjectItem, Proposal
from amodal.annotate.api.schemas.values import Asked, Name, Polygon, Said, VerdictKind, storable


class AskProposals(Asked):
    """Which method; null for the default one."""

    method: Annotated[str, Field(max_length=50), AfterValidator(storable)] | None = None


class Proposals(Said):
    """What the model proposes, with the order it sees, by object ids ([front, behind])."""

    proposals: list[Proposal]
    edges: list[tuple[int, int]]


class Verdict(Asked):
    """What became of a proposal; `label` where its object is to be called otherwise than the model did."""

    verdict: VerdictKind
    label: Name | None = None


class VerdictTaken(Said):
    """The proposal, and the object that it became where it was a box nobody had drawn.

    `edges`: [front, behind] as the model sees them, between that object and those taken before of the same call.
    """

    proposal: Proposal
    object: ObjectItem | None = None
    edges: list[tuple[int, int]] = Field(default_factory=list)


class SnapAsk(Asked):
    """A polygon [x, y, x, y, …] to be moved onto edges of the photo."""

    polygon: Polygon


class Snapped(Said):
    """The polygon on the edges."""

    polygon: list[float]
