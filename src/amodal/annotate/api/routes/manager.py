"""The manager's page: how far, how well."""

from __future__ import annotations

from fastapi import APIRouter

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Manager, Overseer

router = APIRouter(prefix="/manager", tags=["manager"])


@router.get("/progress")
def get_progress(here: Here, asker: Overseer) -> schemas.Progress:
    """How far everybody is, by pass."""
    raise NotImplementedError


@router.get("/agreement")
def get_agreement(here: Here, asker: Overseer) -> schemas.AgreementReport:
    """How far the annotators agree, by class and by object."""
    raise NotImplementedError


@router.get("/consistency")
def get_consistency(here: Here, asker: Overseer) -> schemas.Consistency:
    """Annotators and their vote against each other (Table 3 of the paper of KINS)."""
    raise NotImplementedError


@router.get("/statistics")
def get_statistics(here: Here, asker: Overseer) -> schemas.StatisticsReport:
    """Statistics of what is settled (Fig. 4 of that paper among them)."""
    raise NotImplementedError


@router.get("/disagreements")
def get_disagreements(here: Here, asker: Overseer) -> schemas.Disputes:
    """The objects that nobody agrees about, the worst first."""
    raise NotImplementedError


@router.post("/stage")
def start_stage(here: Here, asker: Manager, asked: schemas.StartStage) -> schemas.Stage:
    """Begin a second stage over a random share of the settled objects."""
    raise NotImplementedError
