"""What managers see: progress, agreement, Table 3 and Fig. 4 of the paper of KINS, disagreements, the second stage."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.audit import note
from amodal.annotate.store.checks import permit
from amodal.annotate.store.consensus import DISPUTED, OPEN, OVER
from amodal.annotate.store.masks import newest_masks, several_drew
from amodal.annotate.store.people import people, project_document, project_of
from amodal.annotate.store.photos import photos
from amodal.annotate.store.places import in_stage
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import (
    Assignment,
    BoxTime,
    Consensus,
    Mask,
    Object,
    Person,
    Photo,
    Project,
    Sample,
    now,
)
from amodal.annotate.workflow.scenes import scene_of, seen_by_annotator
from amodal.annotate.workflow.tasks import objects_to_draw
from amodal.data.truth import Truth
from amodal.masks import CropMask
from amodal.scene import Instance
from amodal.survey.numbers import numbers_of
from amodal.survey.statistics import Statistics, statistics_of
from amodal.survey.voting import Agreement, Annotations
from amodal.survey.voting import agreement as agreement_of

LAST_STAGE = 2


@dataclass(frozen=True)
class PersonProgress:
    """How far somebody is in one pass; `seconds` are those spent at work."""

    person: str
    role: str
    pass_: str
    stage: int
    done: int
    of: int
    seconds: float


@dataclass(frozen=True)
class StageProgress:
    """How many objects a stage draws, and how many of them are decided."""

    stage: int
    objects: int
    settled: int


@dataclass(frozen=True)
class Progress:
    """How far all are, in every stage so far."""

    photos: int
    stages: tuple[StageProgress, ...]
    people: tuple[PersonProgress, ...]


@dataclass(frozen=True)
class Share:
    """How many objects of a sample somebody is to draw again."""

    person: str
    active: bool
    objects: int


@dataclass(frozen=True)
class StagePlan:
    """What beginning the second stage would do; objects that are not `settled` would not be drawn any more."""

    objects: int
    settled: int
    unsettled: int
    people: tuple[Share, ...]


@dataclass(frozen=True)
class ObjectAgreement:
    """Where one object stands, and how far its annotators agree."""

    object_id: int
    photo_id: int
    photo: str
    label: str
    state: str
    round: int
    agreement: float
    version: int


def progress(session: Session, by: Person) -> Progress:
    """Counts of everybody and everything.

    Raises:
        Forbidden: not a manager; so for all functions here.
    """
    permit(by, "manager")
    project = project_of(session)
    stages = range(1, project.stage + 1)
    photo_count = session.scalar(select(func.count()).select_from(Photo)) or 0
    rows: list[PersonProgress] = []
    for person in people(session):
        if "expert" in person.roles:
            rows.append(_boxes(session, person, photo_count))
        if "annotator" in person.roles:
            rows += [_drawing(session, person, project, stage) for stage in stages]
    return Progress(photo_count, tuple(_stage_progress(session, stage) for stage in stages), tuple(rows))


def agreements(
    session: Session, by: Person, *, stage: int | None = None, offset: int = 0, limit: int = 100
) -> tuple[list[ObjectAgreement], int]:
    """Objects that several annotators called done, the worst first: a page, and how many there are.

    Of the stage that is on, unless another is asked for; so for all functions here.
    """
    permit(by, "manager", "expert")
    return _page(session, _compared(_asked(session, stage)).order_by(Consensus.agreement, Object.id), offset, limit)


def by_class(session: Session, by: Person, *, stage: int | None = None) -> dict[str, tuple[int, float]]:
    """Class -> how many objects were compared, and the mean of their agreement."""
    permit(by, "manager", "expert")
    rows = _compared(_asked(session, stage)).subquery()
    wanted = select(rows.c.label, func.count(), func.avg(rows.c.agreement)).group_by(rows.c.label)
    return {label: (count, float(mean)) for label, count, mean in session.execute(wanted.order_by(rows.c.label))}


def disagreements(
    session: Session, by: Person, *, offset: int = 0, limit: int = 100
) -> tuple[list[ObjectAgreement], int]:
    """Objects below the threshold that are not settled, disputed ones before those drawn again, the worst first."""
    permit(by, "manager", "expert")
    project = project_of(session)
    below = Consensus.agreement < project.agreement_threshold
    wanted = _compared(project.stage).where(Consensus.state.in_((OPEN, DISPUTED)), below)
    return _page(session, wanted.order_by(Consensus.state != DISPUTED, Consensus.agreement, Object.id), offset, limit)


def consistency(session: Session, by: Person, *, stage: int | None = None) -> Agreement:
    """Table 3: mean IoU of annotators and votes, the second stage's (rows) against the first's once there is one.

    Of each annotator the last finished mask counts; in the first stage of objects that all their annotators have
    called done, for before that there is no vote.
    """
    permit(by, "manager")
    stage = _asked(session, stage)
    first = _annotations(session, 1)
    if stage == 1:
        return agreement_of(first)
    again = set(session.scalars(select(Sample.object_id).where(Sample.stage == stage)))
    sampled = {name: {key: one for key, one in drawn.items() if key[1] in again} for name, drawn in first.items()}
    return agreement_of(sampled, _annotations(session, stage))


def statistics(session: Session, by: Person) -> Statistics | None:
    """Numbers of Table 1 and 2 and Fig. 4 over what is settled; None while nothing is."""
    permit(by, "manager")
    numbers = [numbers_of(truth, outlines) for truth, outlines in _truths(session)]
    return statistics_of(numbers) if any(one.objects for one in numbers) else None


def statistics_document(found: Statistics | None) -> Document | None:
    """The same in plain values."""
    return None if found is None else asdict(found)


def plan_stage(session: Session, by: Person, *, share: float, seed: int) -> StagePlan:
    """What `start_stage` would do with the same numbers.

    Raises:
        Forbidden, Invalid: as `start_stage`.
    """
    permit(by, "manager")
    project = project_of(session)
    settled = _settled_objects(session, project)
    chosen = _sample(project, settled, share, seed)
    objects = session.scalar(select(func.count()).select_from(Object).where(in_stage(project.stage))) or 0
    kept = select(Person.name, Person.active, func.count()).join(Assignment, Assignment.annotator_id == Person.id)
    kept = kept.where(Assignment.object_id.in_(chosen), Assignment.stage == project.stage)
    shares = session.execute(kept.group_by(Person.id, Person.name, Person.active).order_by(Person.name))
    people_ = tuple(Share(name, active, count) for name, active, count in shares)
    return StagePlan(len(chosen), len(settled), objects - len(settled), people_)


def start_stage(session: Session, by: Person, *, share: float, seed: int) -> int:
    """Begin the second stage: a random share of the settled objects is drawn anew by the same annotators.

    Gives how many objects. The same seed gives the same sample of the same objects.

    Raises:
        Forbidden, Invalid: not a manager, the second stage is on already, or nothing is settled yet.
    """
    permit(by, "manager")
    project = locked(session, Project, 1, "project")
    chosen = _sample(project, _settled_objects(session, project), share, seed)
    for id in chosen:
        session.add(Sample(stage=project.stage + 1, object_id=id))
        for place in _places(session, id, project.stage):
            session.add(
                Assignment(
                    object_id=id,
                    stage=project.stage + 1,
                    place=place.place,
                    annotator_id=place.annotator_id,
                    time=now(),
                )
            )
    project.stage += 1
    project.version += 1
    session.flush()
    revisions.record(session, "project", 1, project.version, by, project_document(project))
    note(session, by, "start stage", f"stage {project.stage}", {"share": share, "seed": seed, "objects": len(chosen)})
    return len(chosen)


def _settled_objects(session: Session, project: Project) -> list[int]:
    over = and_(Consensus.object_id == Object.id, Consensus.stage == project.stage, Consensus.state.in_(OVER))
    wanted = select(Object.id).join(Consensus, over).where(in_stage(project.stage))
    return list(session.scalars(wanted.order_by(Object.id)))


def _sample(project: Project, settled: list[int], share: float, seed: int) -> list[int]:
    if project.stage >= LAST_STAGE:
        raise Invalid(f"stage: stage {project.stage} is on already, and it is the last", "stage")
    if not 0 < share <= 1:
        raise Invalid(f"share: found {share}, expected above 0 and at most 1", "share")
    if not settled:
        raise Invalid("stage: no object is settled yet, so there is nothing to draw anew", "stage")
    return sorted(random.Random(seed).sample(settled, max(1, round(share * len(settled)))))  # noqa: S311 - a sample


def _asked(session: Session, stage: int | None) -> int:
    """The stage that is meant."""
    newest = project_of(session).stage
    if stage is not None and not 1 <= stage <= newest:
        raise Invalid(f"stage: found {stage}, expected one that has begun, of {newest}", "stage")
    return stage or newest


def _stage_progress(session: Session, stage: int) -> StageProgress:
    objects = select(func.count()).select_from(Object).where(in_stage(stage))
    over = objects.join(Consensus, Consensus.object_id == Object.id)
    over = over.where(Consensus.stage == stage, Consensus.state.in_(OVER))
    return StageProgress(stage, session.scalar(objects) or 0, session.scalar(over) or 0)


def _boxes(session: Session, person: Person, photo_count: int) -> PersonProgress:
    done = select(func.count()).select_from(Photo).where(Photo.boxed_by_id == person.id)
    spent = select(func.sum(BoxTime.seconds)).where(BoxTime.person_id == person.id)
    seconds = float(session.scalar(spent) or 0.0)
    return PersonProgress(person.name, person.role, "pass1", 1, session.scalar(done) or 0, photo_count, seconds)


def _drawing(session: Session, person: Person, project: Project, stage: int) -> PersonProgress:
    drawn = (
        select(func.count())
        .select_from(Mask)
        .join(Object, Object.id == Mask.object_id)
        .outerjoin(Consensus, and_(Consensus.object_id == Object.id, Consensus.stage == stage))
        .where(
            Mask.annotator_id == person.id,
            Mask.stage == stage,
            Mask.state == "done",
            Mask.round == func.coalesce(Consensus.round, 1),
            in_stage(stage),
        )
    )
    done = session.scalar(drawn) or 0
    left = 0
    if person.active and stage == project.stage:  # nobody goes on drawing in one that is over
        queue = objects_to_draw(person, project).order_by(None).subquery()
        left = session.scalar(select(func.count()).select_from(queue)) or 0
    spent = select(func.sum(Mask.seconds)).where(Mask.annotator_id == person.id, Mask.stage == stage)
    seconds = float(session.scalar(spent) or 0.0)
    return PersonProgress(person.name, person.role, "pass2", stage, done, done + left, seconds)


def _compared(stage: int) -> Select[int, int, str, str, str, int, float | None, int]:
    """The fields of `ObjectAgreement`, of objects of a stage that several annotators called done."""
    return (
        select(
            Object.id.label("object_id"),
            Photo.id.label("photo_id"),
            Photo.name.label("photo"),
            Object.label,
            Consensus.state,
            Consensus.round,
            Consensus.agreement,
            Consensus.version,
        )
        .join(Object, Object.id == Consensus.object_id)
        .join(Photo, Photo.id == Object.photo_id)
        .where(Consensus.stage == stage, in_stage(stage), Consensus.agreement.is_not(None))
        .where(several_drew(stage))
    )


def _page(
    session: Session, wanted: Select[int, int, str, str, str, int, float | None, int], offset: int, limit: int
) -> tuple[list[ObjectAgreement], int]:
    total = session.scalar(select(func.count()).select_from(wanted.order_by(None).subquery())) or 0
    rows = session.execute(wanted.offset(offset).limit(limit)).mappings()
    return [ObjectAgreement(**row) for row in rows], total


def _annotations(session: Session, stage: int) -> dict[str, Annotations]:
    """Everybody's last finished masks of a stage by (photo, object), in the first where nobody's is missing."""
    there = set(session.scalars(select(Object.id).where(in_stage(stage))))
    found: dict[str, Annotations] = {}
    drawn = {person: newest_masks(session, person.id, stage, done=True) for person in people(session)}
    times = Counter(id for masks in drawn.values() for id in masks)
    wanted = project_of(session).annotators_per_object
    for person, newest in drawn.items():
        masks = [one for id, one in newest.items() if id in there and (stage > 1 or times[id] >= wanted)]
        seen = seen_by_annotator(session, masks)
        if masks:
            found[person.name] = {
                (mask.object.photo.name, mask.object_id): _instance(mask, seen[mask.id]) for mask in masks
            }
    return found


def _instance(mask: Mask, seen: CropMask) -> Instance:
    one = mask.object
    whole = CropMask.from_coco_rle({"size": [seen.height, seen.width], "counts": mask.amodal})
    return Instance(one.id, one.label, one.box, 1.0, seen, whole)


def _truths(session: Session) -> Iterator[tuple[Truth, list[Any]]]:
    """Every photo's settled objects, with the outlines that annotators drew of them.

    Photos without any are left out, but for those that an expert called done.
    """
    stage = project_of(session).stage
    knows = frozenset({"modal", "amodal", "order", "boxes"})
    for photo in photos(session):
        scene = scene_of(session, photo.id, stage=stage)
        if not scene.instances and photo.boxed_at is None:
            continue
        ids = [one.id for one in scene.instances]
        drawn = select(Mask).where(Mask.object_id.in_(ids), Mask.state == "done", Mask.stage == 1)
        outlines = [mask.polygons for mask in session.scalars(drawn) if mask.polygons]
        yield Truth(scene, None, knows), outlines


def _places(session: Session, object_id: int, stage: int) -> list[Assignment]:
    wanted = select(Assignment).where(Assignment.object_id == object_id, Assignment.stage == stage)
    return list(session.scalars(wanted.order_by(Assignment.place)))
