"""What is known of a photo as masks and numbers: to one annotator, to the expert, and at the end to all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from amodal.annotate.store.checks import mask_of
from amodal.annotate.store.consensus import OVER, standings
from amodal.annotate.store.masks import newest_masks
from amodal.annotate.store.objects import objects_of
from amodal.annotate.store.orders import edges_of, graph_of
from amodal.annotate.store.photos import photo_of
from amodal.annotate.store.tables import Consensus, Mask, Object, Photo
from amodal.annotate.workflow.inmodal import Whole, all_visible
from amodal.annotate.workflow.numbering import Numbering, numbering
from amodal.masks import CropMask
from amodal.scene import Instance, Scene


@dataclass(frozen=True)
class Settled:
    """The masks of a photo's settled objects, by their ids, and the numbers that follow from them."""

    photo: Photo
    objects: tuple[Object, ...]
    rows: Mapping[int, Consensus]
    whole: Mapping[int, CropMask]
    seen: Mapping[int, CropMask]
    numbers: Numbering

    def occlusion(self, id: int) -> float | None:
        """The hidden share of an object; None while it is not settled, or where it has no pixel."""
        if id not in self.whole or self.whole[id].is_empty:
            return None
        return 1 - self.seen[id].area / self.whole[id].area


def settled(session: Session, photo_id: int, stage: int, *, hidden: Iterable[int] = ()) -> Settled:
    """What is settled of a photo: in this stage, else in the first; `hidden` objects count as not settled."""
    photo, objects = photo_of(session, photo_id), objects_of(session, photo_id)
    found = standings(session, [one.id for one in objects])
    rows: dict[int, Consensus] = {}
    for one in objects:
        now_, first = found.get((one.id, stage)), found.get((one.id, 1))
        row = now_ if now_ is not None and now_.state in OVER else first
        if row is not None and row.state in OVER:
            rows[one.id] = row
    rows = {id: row for id, row in rows.items() if id not in set(hidden)}
    whole = {id: mask_of(row.amodal, photo) for id, row in rows.items() if row.amodal is not None}
    corrected = {id: mask_of(row.inmodal, photo) for id, row in rows.items() if row.inmodal is not None}
    numbers = numbering({one.id: one.box for one in objects}, edges_of(session, photo_id), whole)
    return Settled(photo, tuple(objects), rows, whole, all_visible(whole, numbers, corrected), numbers)


def scene_of(session: Session, photo_id: int, *, stage: int = 1) -> Scene:
    """The settled objects of a photo as a scene: for exports and statistics.

    Corrected visible masks may share pixels, so the scene is exclusive only where none do.
    """
    known = settled(session, photo_id, stage)
    instances = tuple(
        Instance(one.id, one.label, one.box, 1.0, known.seen[one.id], known.whole[one.id], meta=one.meta)
        for one in known.objects
        if one.id in known.whole
    )
    order = graph_of(session, photo_id).among(known.whole)
    photo = known.photo
    exclusive = not any(row.inmodal is not None for row in known.rows.values()) and not known.numbers.contradictions
    return Scene(photo.height, photo.width, instances, order, image=photo.name, exclusive=exclusive)


def own_numbers(session: Session, photo_id: int) -> Numbering:
    """Numbers from boxes and order alone, as an annotator's visible masks follow from them."""
    boxes = {one.id: one.box for one in objects_of(session, photo_id)}
    return numbering(boxes, edges_of(session, photo_id))


def seen_by_annotator(session: Session, masks: Iterable[Mask]) -> dict[int, CropMask]:
    """Mask id -> the visible mask: as corrected, else from the same annotator's masks of nearer objects."""
    numbers: dict[int, Numbering] = {}
    drawn: dict[tuple[int, int, int], Whole] = {}
    found = {}
    for mask in masks:
        photo = mask.object.photo
        whole = mask_of(mask.amodal, photo)
        if mask.inmodal is not None:
            found[mask.id] = mask_of(mask.inmodal, photo).intersection(whole)
            continue
        if photo.id not in numbers:
            numbers[photo.id] = own_numbers(session, photo.id)
        key = (photo.id, mask.annotator_id, mask.stage)
        if key not in drawn:
            ids = [id for id in numbers[photo.id].places]
            others = newest_masks(session, mask.annotator_id, mask.stage, ids)
            drawn[key] = Whole({id: mask_of(other.amodal, photo) for id, other in others.items()})
        if mask.object_id in numbers[photo.id].places:
            found[mask.id] = drawn[key].visible(mask.object_id, numbers[photo.id], whole)
        else:
            found[mask.id] = whole  # its object was deleted
    return found


def refresh(session: Session, photo_id: int, stage: int, *, around: int | None = None) -> None:
    """Write anew how much is hidden of each settled object; after boxes, order or masks of a photo changed.

    Where only the mask of one object did, it is enough to look `around` it, in the cluster of its box. That number is
    only for looking up objects of a level: it follows from the others, so it gets no revision.
    """
    hidden: set[int] = set()
    if around is not None:
        numbers = own_numbers(session, photo_id)
        hidden = set(numbers.places) - set(numbers.clusters[numbers.places[around].cluster])
    known = settled(session, photo_id, stage, hidden=hidden)
    for id, row in known.rows.items():
        row.occlusion = known.occlusion(id)
    session.flush()
