"""Help by models: proposals, and polygons that snap to edges."""

from __future__ import annotations

from amodal.annotate.api import schemas
from amodal.annotate.api.asking import Here, Worker
from amodal.annotate.api.documents import object_item, proposals_said
from amodal.annotate.api.parameters import IdPath, topic
from amodal.annotate.api.place import file_of
from amodal.annotate.help.propose import Given
from amodal.annotate.store import revisions
from amodal.annotate.store.objects import add_object, objects_of
from amodal.annotate.store.people import add_categories
from amodal.annotate.store.proposals import (
    Proposed,
    add_proposals,
    judge,
    order_found,
    order_of_taken,
    proposal_document,
)
from amodal.survey.statistics import GENERAL, OTHER

router = topic("help")


@router.post("/photos/{id}/proposals", status_code=201)
def ask_proposals(here: Here, asker: Worker, id: IdPath, asked: schemas.AskProposals) -> schemas.Proposals:
    """Let a model propose masks and order for the boxes of a photo, or boxes too where it has none. Takes seconds."""
    path, _ = file_of(here, id)
    with here.database.read() as session:
        given = [Given(one.id, one.label, one.box) for one in objects_of(session, id)]
    method, scene = here.proposer.propose(asked.method, path, given)
    order = [(edge.front, edge.behind, edge.probability) for edge in scene.order.edges]
    edges = order if given else []
    proposed = [
        Proposed(
            label=one.label,
            box=one.box,
            amodal=one.amodal,
            inmodal=one.modal,
            score=one.score,
            object_id=one.id if given else None,
            edges=[edge for edge in edges if one.id in edge[:2]],
        )
        for one in scene.instances
    ]
    with here.database.write() as session:
        there = {one.id for one in objects_of(session, id)}  # some may have gone while the model was at work
        kept = [one for one in proposed if one.object_id is None or one.object_id in there]
        person = asker.person(session)
        rows = add_proposals(session, person, id, method, kept)
        if not given:
            place = {one.id: place for place, one in enumerate(scene.instances)}
            order_found(session, rows, [(place[front], place[behind], how_sure) for front, behind, how_sure in order])
        said = [(front, behind) for front, behind, _ in edges if front in there and behind in there]
        return schemas.Proposals(proposals=proposals_said(session, person, rows), edges=said)


@router.post("/proposals/{id}/verdict")
def give_verdict(here: Here, asker: Worker, id: IdPath, asked: schemas.Verdict) -> schemas.VerdictTaken:
    """Accepted, edited or refused. A box that nobody drew becomes an object when an expert accepts it.

    A class that the project lacks is added to it, as an import does.
    """
    with here.database.write() as session:
        person = asker.person(session)
        proposal = judge(session, person, id, asked.verdict)
        one, edges = None, []
        if proposal.object_id is None and asked.verdict != "refused" and "expert" in asker.roles:
            label = asked.label or proposal.label
            if asked.label is None:
                add_categories(session, person, [(label, GENERAL.get(label, OTHER))])
            one = add_object(session, person, proposal.photo_id, label=label, box=proposal.box)
            proposal.object_id = one.id
            session.flush()
            revisions.record(session, "proposal", proposal.id, 2, person, proposal_document(proposal))
            edges = order_of_taken(session, proposal)
        (said,) = proposals_said(session, person, [proposal])
        taken = None if one is None else object_item(session, person, one)
        return schemas.VerdictTaken(proposal=said, object=taken, edges=edges)


@router.post("/photos/{id}/snap")
def snap(here: Here, asker: Worker, id: IdPath, asked: schemas.SnapAsk) -> schemas.Snapped:
    """A polygon moved onto edges of the photo nearby."""
    from amodal.annotate.help.snap import snapped  # brings OpenCV, which the first screen need not wait for

    path, _ = file_of(here, id)
    return schemas.Snapped(polygon=snapped(here.pixels.of(path), asked.polygon))
