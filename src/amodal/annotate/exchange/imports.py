"""Truths into the project: boxes with classes, order, and masks as far as the file knows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from amodal.annotate.errors import Invalid
from amodal.annotate.store.checks import counts, permit
from amodal.annotate.store.consensus import SETTLED, put_standing
from amodal.annotate.store.objects import add_object, objects_of
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import IMPORTERS, add_categories
from amodal.annotate.store.photos import photos, put_boxed
from amodal.annotate.store.proposals import Proposed, add_proposals
from amodal.annotate.store.tables import Object, Person, Photo
from amodal.annotate.workflow.inmodal import all_visible
from amodal.annotate.workflow.numbering import numbering
from amodal.annotate.workflow.scenes import refresh
from amodal.data.truth import Truth
from amodal.scene import XYXY, Instance
from amodal.survey.statistics import GENERAL, OTHER

STAGE = 1  # what is known before anybody draws belongs to the first
MOST_SAID = 50


@dataclass
class Taken:
    """What came in, and what did not, in words."""

    photos: int = 0
    objects: int = 0
    masks: int = 0
    edges: int = 0
    left_out: list[str] = field(default_factory=list)

    def leave(self, what: str) -> None:
        """Note what stays out; after the first ones only how many there were."""
        self.left_out.append(what)

    def said(self) -> list[str]:
        """The first ones."""
        more = len(self.left_out) - MOST_SAID
        return [*self.left_out[:MOST_SAID], *([f"and {more} more"] if more > 0 else [])]


def import_truths(
    session: Session, by: Person, truths: Sequence[Truth], format: str, finished: frozenset[str] | None = None
) -> Taken:
    """Add the objects of photos that are here and have none yet.

    Whole masks come in as settled by who imports them. Where a file knows visible masks alone, they come in as
    proposals: the hidden part is still to be drawn.

    `finished`: the photos that an export of ours names as whole; None of any other file. Boxes and order are done
    where the file knows the order of objects that it has, unless an export says that some were left out. Of a photo
    without objects nobody else's file tells whether it was looked at.

    Raises:
        Forbidden: neither expert nor manager.
        Invalid: a class whose name cannot be.
    """
    permit(by, *IMPORTERS)
    by_name, by_file = _here(photos(session))
    used = {one.label for truth in truths for one in truth.given}
    add_categories(session, by, sorted((label, GENERAL.get(label, OTHER)) for label in used))
    taken = Taken()
    for truth in truths:
        name = truth.scene.image or ""
        photo = by_name.get(name) or by_file.get(_file_name(name))
        if photo is None:
            taken.leave(f"{name or 'a photo without a name'}: no such photo in this project")
        elif (photo.width, photo.height) != (truth.scene.width, truth.scene.height):
            taken.leave(
                f"{name}: is {truth.scene.width} × {truth.scene.height} px there, here {photo.width} × {photo.height}"
            )
        elif objects_of(session, photo.id):
            taken.leave(f"{name}: has objects already")
        elif not truth.given and name not in (finished or ()):
            taken.leave(f"{name}: no object in the file, so it stays as it is; call its boxes done if there is none")
        else:
            _photo(session, by, photo, truth, format, finished, taken)
    return taken


def _photo(
    session: Session,
    by: Person,
    photo: Photo,
    truth: Truth,
    format: str,
    finished: frozenset[str] | None,
    taken: Taken,
) -> None:
    rows: dict[int, tuple[Object, Instance]] = {}
    for one in truth.given:
        try:
            row = add_object(
                session,
                by,
                photo.id,
                label=one.label,
                box=_whole_box(truth, one),
                meta=_plain(one.meta),
                roles=IMPORTERS,
            )
        except Invalid as error:
            taken.leave(f"{photo.name}: object {one.id}: {error}")
        else:
            rows[one.id] = (row, one)
    taken.photos += 1
    taken.objects += len(rows)
    edges = [
        (rows[edge.front][0].id, rows[edge.behind][0].id)
        for edge in truth.scene.order.edges
        if "order" in truth.knows and edge.front in rows and edge.behind in rows
    ]
    if edges:
        try:
            put_order(session, by, photo.id, version=0, edges=edges, roles=IMPORTERS)
        except Invalid as error:
            taken.leave(f"{photo.name}: order: {error}")
            edges = []
    taken.edges += len(edges)
    knows_order = "order" in truth.knows or len(rows) < 2
    if knows_order and (finished is None or truth.scene.image in finished):
        put_boxed(session, by, photo.id, boxed=True, roles=IMPORTERS)
    if "amodal" in truth.knows:
        _settle(session, by, rows.values(), edges, truth, taken)
    elif "modal" in truth.knows:
        _propose(session, by, photo, rows.values(), format, taken)
    refresh(session, photo.id, STAGE)


def _settle(
    session: Session,
    by: Person,
    rows: Iterable[tuple[Object, Instance]],
    edges: Sequence[tuple[int, int]],
    truth: Truth,
    taken: Taken,
) -> None:
    """A visible mask is kept only where it is not what follows from the order anyway."""
    pairs = [(row, one) for row, one in rows if not one.amodal.is_empty]
    whole = {row.id: one.amodal for row, one in pairs}
    boxes: dict[int, XYXY] = {row.id: row.box for row, _ in pairs}
    numbers = numbering(boxes, [edge for edge in edges if edge[0] in whole and edge[1] in whole], whole)
    follows = all_visible(whole, numbers)
    for row, one in pairs:
        seen = one.modal.intersection(one.amodal)
        corrected = "modal" in truth.knows and seen != follows[row.id]
        put_standing(
            session,
            by,
            row,
            STAGE,
            state=SETTLED,
            choice="drawn",
            amodal=counts(one.amodal),
            inmodal=counts(seen) if corrected else None,
        )
        taken.masks += 1


def _propose(
    session: Session, by: Person, photo: Photo, rows: Iterable[tuple[Object, Instance]], format: str, taken: Taken
) -> None:
    proposed = [
        Proposed(one.label, row.box, one.modal, one.modal, one.score, row.id)
        for row, one in rows
        if not one.modal.is_empty
    ]
    add_proposals(session, by, photo.id, f"imported {format}", proposed)
    if proposed:
        taken.leave(f"{photo.name}: {len(proposed)} whole masks are not known; the visible ones came in as proposals")


def _whole_box(truth: Truth, one: Instance) -> XYXY:
    if truth.scene.boxes_are == "amodal" or "amodal" not in truth.knows or one.amodal.is_empty:
        return one.box
    x0, y0, x1, y1 = one.amodal.box
    return float(x0), float(y0), float(x1), float(y1)


def _plain(meta: Mapping[str, object]) -> dict[str, object]:
    return {key: value for key, value in meta.items() if isinstance(value, str | int | float | bool | list | dict)}


def _here(listed: Sequence[Photo]) -> tuple[dict[str, Photo], dict[str, Photo]]:
    """Photos by name, and by the file's name alone where that is one photo's."""
    by_file: dict[str, list[Photo]] = {}
    for photo in listed:
        by_file.setdefault(_file_name(photo.name), []).append(photo)
    return {photo.name: photo for photo in listed}, {name: one[0] for name, one in by_file.items() if len(one) == 1}


def _file_name(name: str) -> str:
    return name.replace("\\", "/").rpartition("/")[2]
