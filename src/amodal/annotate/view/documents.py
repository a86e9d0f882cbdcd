"""Results as the documents of the API."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from pathlib import Path

from amodal.annotate.api import schemas
from amodal.annotate.view.results import Shown
from amodal.data.clusters import contradictions_of_order, numbered
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance


def project(shown: Sequence[Shown], name: str) -> schemas.Project:
    """A project that nobody works on."""
    categories = [schemas.Category(name=label, group="shown") for label in labels(shown)]
    return schemas.Project(
        name=name,
        version=0,
        categories=categories,
        annotators_per_object=1,
        agreement_threshold=0.0,
        max_rounds=1,
        stage=1,
    )


def labels(shown: Sequence[Shown]) -> list[str]:
    """The classes of all objects."""
    return sorted({one.label for photo in shown for one in photo.scene.instances})


def photos(
    shown: Sequence[Shown], ids: Sequence[int], offset: int, limit: int, sort: str, label: str | None, level: str | None
) -> schemas.Photos:
    """A page of the list. By `worst` those without truth come last."""
    wanted = [(id, one) for id, one in zip(ids, shown, strict=True) if _has(one, label, level)]
    keys = {
        "name": lambda entry: entry[1].scene.image or "",
        "added": lambda entry: entry[0],
        "objects": lambda entry: -len(entry[1].scene),
        "worst": lambda entry: inf if entry[1].worst is None else entry[1].worst,
    }
    listed = sorted(wanted, key=keys[sort])
    items = [_item(one, id) for id, one in listed[offset : offset + limit]]
    return schemas.Photos(total=len(listed), photos=items, labels=labels(shown))


def photo(one: Shown, id: int) -> schemas.PhotoDocument:
    """A photo with its objects; truth beside prediction."""
    layers = [schemas.Layer(name=name, url=f"/api/photos/{id}/layers/{name}") for name in one.layers]
    return schemas.PhotoDocument(
        photo=_item(one, id), objects=[_object(one, it) for it in one.scene.instances], order=_order(one), layers=layers
    )


def _has(one: Shown, label: str | None, level: str | None) -> bool:
    of_label = [it for it in one.scene.instances if label is None or it.label == label]
    return bool(of_label if level is None else [it for it in of_label if one.level_of(it) == level]) or (
        label is None and level is None
    )


def _item(one: Shown, id: int) -> schemas.PhotoItem:
    scene, count = one.scene, len(one.scene)
    return schemas.PhotoItem(
        id=id,
        name=Path(scene.image).name if scene.image else f"photo {id}",
        width=scene.width,
        height=scene.height,
        objects=count,
        state="done",
        done=count,
        of=count,
        worst=one.worst,
    )


def _object(shown: Shown, one: Instance) -> schemas.ObjectItem:
    places = _places(shown)
    true, iou = shown.true_objects.get(one.id), shown.iou_of(one)
    truth = None
    if true is not None and iou is not None:
        truth = schemas.TruthMask(
            label=true.label, amodal=_rle(true.amodal), inmodal=_rle(true.modal), iou=iou, occlusion=true.occlusion
        )
    cluster, number = places.get(one.id, (None, None))
    mask = schemas.Mask(
        id=one.id,
        version=0,
        state="done",
        stage=1,
        round=1,
        polygons=[],
        amodal=_rle(one.amodal),
        inmodal=_rle(one.modal),
        inmodal_corrected=False,
        source="proposal",
        seconds=0,
        author=shown.scene.method or None,
    )
    return schemas.ObjectItem(
        id=one.id,
        label=one.label,
        box=one.box,
        version=0,
        cluster=cluster,
        number=number,
        occlusion=shown.occlusion_of(one),
        level=shown.level_of(one),
        mask=mask,
        truth=truth,
        score=one.score,
    )


def _order(shown: Shown) -> schemas.Order:
    scene = shown.scene
    places = _places(shown)
    by_cluster: dict[int, list[int]] = {}
    for id, (cluster, _) in places.items():
        by_cluster.setdefault(cluster, []).append(id)
    found = contradictions_of_order(scene)
    return schemas.Order(
        version=0,
        edges=[(edge.front, edge.behind) for edge in scene.order.edges],
        clusters=list(by_cluster.values()),
        numbers={id: number for id, (_, number) in places.items()},
        contradictions=[schemas.Contradiction(what=one.what, ids=list(one.ids), said=one.said) for one in found],
    )


def _places(shown: Shown) -> dict[int, tuple[int, int]]:
    try:
        return {id: (place.cluster, place.number) for id, place in numbered(shown.scene).items()}
    except InputError:
        return {}  # an order with a cycle has no numbers; it is listed among the contradictions


def _rle(mask: CropMask) -> schemas.Rle:
    return schemas.Rle(**mask.to_coco_rle())
