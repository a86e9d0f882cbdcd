"""Pass 1: who is in front of whom in a photo."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from amodal.annotate.errors import Document, Invalid
from amodal.annotate.store import revisions
from amodal.annotate.store.checks import permit
from amodal.annotate.store.objects import objects_of
from amodal.annotate.store.revisions import locked
from amodal.annotate.store.tables import Order, Person, Photo, now
from amodal.errors import InputError
from amodal.order import OrderEdge, OrderGraph

MAX_EDGES = 20_000  # of a photo


def put_order(
    session: Session,
    by: Person,
    photo_id: int,
    *,
    version: int,
    edges: Sequence[Sequence[int]],
    roles: Sequence[str] = ("expert",),
) -> Order:
    """Set all edges [front, behind] of a photo; version 0 where there are none yet; as `add_object`.

    Raises:
        Missing, Forbidden, Conflict: somebody wrote after `version`.
        Invalid: an edge to nowhere, twice or both ways, or a cycle, which is named.
    """
    permit(by, *roles)
    photo = locked(session, Photo, photo_id, "photo")
    listed = _checked(edges, [one.id for one in objects_of(session, photo_id)])
    order = session.get(Order, photo.id, populate_existing=True)
    found = 0 if order is None else order.version
    revisions.check_version(
        "order",
        photo.id,
        by,
        seen=version,
        found=found,
        current=order_document(session, photo.id),
        wanted={"photo": photo.id, "edges": listed},
    )
    if order is None:
        order = Order(photo_id=photo.id, edges=listed, version=1, author_id=by.id, time=now())
        session.add(order)
    else:
        order.edges, order.version, order.author_id, order.time = listed, found + 1, by.id, now()
    session.flush()
    payload = {"photo": photo.id, "edges": listed, "version": order.version}
    revisions.record(session, "order", photo.id, order.version, by, payload)
    return order


def edges_of(session: Session, photo_id: int) -> list[tuple[int, int]]:
    """(front, behind) between objects that were not deleted."""
    order = session.get(Order, photo_id)
    there = {one.id for one in objects_of(session, photo_id)}
    return [] if order is None else [(a, b) for a, b in order.edges if a in there and b in there]


def graph_of(session: Session, photo_id: int) -> OrderGraph:
    """The same as a graph."""
    return OrderGraph(tuple(OrderEdge(front, behind) for front, behind in edges_of(session, photo_id)))


def order_document(session: Session, photo_id: int) -> Document:
    """Edges and version; version 0 where nothing was said yet."""
    order = session.get(Order, photo_id)
    edges = [list(edge) for edge in edges_of(session, photo_id)]
    return {"photo": photo_id, "edges": edges, "version": 0 if order is None else order.version}


def _checked(edges: Sequence[Sequence[int]], ids: list[int]) -> list[list[int]]:
    if len(edges) > MAX_EDGES:
        raise Invalid(f"edges: found {len(edges)}, expected at most {MAX_EDGES}", "edges")
    if any(len(edge) != 2 for edge in edges):
        raise Invalid("edges: expected pairs [front, behind]", "edges")
    graph = OrderGraph(tuple(OrderEdge(front, behind) for front, behind in edges))
    try:
        graph.validate(ids, "edges")
    except InputError as error:
        raise Invalid(str(error), "edges") from error
    for cycle in graph.cycles():
        path = " in front of ".join(map(str, (*cycle, cycle[0])))
        raise Invalid(f"edges: found a circle, {path}; expected none", "edges")
    return [[edge.front, edge.behind] for edge in graph.edges]
