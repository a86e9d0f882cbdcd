"""The manager's page: how far, how well."""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import Query

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Manager, Overseer
from amodal.annotate.api.parameters import Limit, Offset, topic
from amodal.annotate.store.people import project_of
from amodal.annotate.workflow import manager

router = topic("manager", prefix="/manager")
StageQuery = Annotated[int | None, Query(ge=1, le=manager.LAST_STAGE)]
ShareQuery = Annotated[float, Query(gt=0, le=1, allow_inf_nan=False)]
SeedQuery = Annotated[int, Query(ge=0, le=schemas.MAX_ID)]


@router.get("/progress")
def get_progress(here: Here, asker: Manager) -> schemas.Progress:
    """How far everybody is, by pass."""
    with here.database.read() as session:
        found = manager.progress(session, asker.person(session))
    return schemas.Progress(**asdict(found))


@router.get("/agreement")
def get_agreement(
    here: Here, asker: Overseer, stage: StageQuery = None, offset: Offset = 0, limit: Limit = 100
) -> schemas.AgreementReport:
    """How far the annotators agree, by class and by object; offset and limit are those of the objects."""
    with here.database.read() as session:
        person = asker.person(session)
        found, total = manager.agreements(session, person, stage=stage, offset=offset, limit=limit)
        classes = manager.by_class(session, person, stage=stage)
        threshold = project_of(session).agreement_threshold
    return schemas.AgreementReport(
        mean=sum(count * mean for count, mean in classes.values()) / total if total else None,
        threshold=threshold,
        categories=[schemas.Agreed(name=label, objects=count, mean=mean) for label, (count, mean) in classes.items()],
        objects=[schemas.ObjectAgreement(**asdict(one)) for one in found],
        total=total,
    )


@router.get("/consistency")
def get_consistency(here: Here, asker: Manager, stage: StageQuery = None) -> schemas.Consistency:
    """Annotators and their vote against each other (Table 3 of the paper of KINS)."""
    with here.database.read() as session:
        found = manager.consistency(session, asker.person(session), stage=stage)
    return schemas.Consistency(**{key: getattr(found, key) for key in schemas.Consistency.model_fields})


@router.get("/statistics")
def get_statistics(here: Here, asker: Manager) -> schemas.StatisticsReport:
    """Statistics of what is settled (Fig. 4 of that paper among them)."""
    with here.database.read() as session:
        found = manager.statistics_document(manager.statistics(session, asker.person(session)))
    return schemas.StatisticsReport(statistics=_finite(found))


@router.get("/disagreements")
def get_disagreements(here: Here, asker: Overseer, offset: Offset = 0, limit: Limit = 100) -> schemas.Disputes:
    """The objects that nobody agrees about, the worst first."""
    with here.database.read() as session:
        found, total = manager.disagreements(session, asker.person(session), offset=offset, limit=limit)
        most = project_of(session).max_rounds
    said = [schemas.Dispute(**asdict(one), rounds_left=_left(one, most)) for one in found]
    return schemas.Disputes(disagreements=said, total=total)


@router.get("/stage")
def get_plan(here: Here, asker: Manager, share: ShareQuery, seed: SeedQuery = 0) -> schemas.StagePlan:
    """What beginning the second stage with these numbers would do."""
    with here.database.read() as session:
        found = manager.plan_stage(session, asker.person(session), share=share, seed=seed)
    return schemas.StagePlan(**asdict(found))


@router.post("/stage")
def start_stage(here: Here, asker: Manager, asked: schemas.StartStage) -> schemas.Stage:
    """Begin a second stage over a random share of the settled objects."""
    with here.database.write() as session:
        objects = manager.start_stage(session, asker.person(session), share=asked.share, seed=asked.seed)
        return schemas.Stage(stage=project_of(session).stage, objects=objects)


def _left(one: manager.ObjectAgreement, most: int) -> int:
    return 0 if one.state == "disputed" else max(0, most - one.round + 1)


def _finite(value: Any) -> Any:
    """JSON has no NaN: what cannot be said is null."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list | tuple) else value
