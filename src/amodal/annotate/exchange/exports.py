"""The project as files of a format. What is settled (by vote or by the expert) goes out; the rest is listed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.orm import Session

from amodal.annotate.exchange.cvat import write_cvat
from amodal.annotate.exchange.ids import write_ids
from amodal.annotate.exchange.project_file import PROJECT_JSON, write_project
from amodal.annotate.store.objects import objects_of
from amodal.annotate.store.people import project_of
from amodal.annotate.store.photos import photos
from amodal.annotate.workflow.scenes import scene_of
from amodal.data.entries import Entry, Head
from amodal.data.formats import write_as
from amodal.data.losses import Losses
from amodal.data.truth import Truth
from amodal.data.write import make_folder, write_text_atomically

LOSSES = "losses.json"
FILES = {"cvat": "annotations.xml", "amodal": "scenes.json"}
KNOWN = frozenset({"modal", "amodal", "order", "boxes"})


def export(session: Session, format: str, folder: Path) -> Losses:
    """Fill a folder with the project in a format; beside it `losses.json` says what that cannot say.

    Raises:
        InputError: something the format cannot hold at all.
    """
    make_folder(folder)
    if format == "project":
        write_project(session, folder / PROJECT_JSON)
        return Losses()
    project = project_of(session)
    labels = [one["name"] for one in project.categories]
    losses = Losses()
    entries = _entries(session, project.stage, frozenset(labels), losses)
    if format == "ids":
        write_ids(entries, folder)
    elif format == "cvat":
        write_cvat(entries, labels, folder / FILES["cvat"], losses)
    else:
        head = Head("made here", dict(enumerate(labels, start=1)))
        losses = losses + write_as(format, entries, head, folder / FILES.get(format, "annotations.json"))
    write_text_atomically(folder / LOSSES, json.dumps(losses.to_json(), indent=1, ensure_ascii=False) + "\n")
    return losses


def _entries(session: Session, stage: int, classes: frozenset[str], losses: Losses) -> Iterator[Entry]:
    for photo in photos(session):
        scene = scene_of(session, photo.id, stage=stage)
        there = {one.id for one in scene.instances}
        for one in objects_of(session, photo.id):
            if one.id not in there:
                losses.note("an object that is not settled", f"{photo.name}: object {one.id}")
        yield Entry(Truth(scene, None, knows=KNOWN, classes=classes))
        session.expire_all()  # a project of many photos need not be in memory at once
