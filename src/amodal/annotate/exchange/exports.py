"""The project as files of a format. What is settled (by vote or by the expert) goes out; the rest is listed.

A photo in a data set says that nothing else is on it. So only photos whose boxes and order are done are in the file,
and of those only the ones with something settled, or called done with nothing on them.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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
FINISHED = "finished.json"  # photos of which nothing was left out: no format of a data set has a place for that
UNFINISHED, UNSETTLED = "a photo whose boxes and order are not done", "a photo of which nothing is settled"
OPEN = "an object that is not settled"
FILES = {"cvat": "annotations.xml", "amodal": "scenes.json"}
KNOWN = frozenset({"modal", "amodal", "order", "boxes"})


def export(session: Session, format: str, folder: Path) -> Losses:
    """Fill a folder with the project in a format; beside it `losses.json` says what is not in it.

    `finished.json` names the photos that are whole in it.

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
    finished: list[str] = []
    entries = _entries(session, project.stage, frozenset(labels), losses, finished)
    if format == "ids":
        write_ids(entries, folder)
    elif format == "cvat":
        write_cvat(entries, labels, folder / FILES["cvat"], losses)
    else:
        head = Head("made here", dict(enumerate(labels, start=1)))
        losses = losses + write_as(format, entries, head, folder / FILES.get(format, "annotations.json"))
    _write(folder / LOSSES, losses.to_json())
    _write(folder / FINISHED, {"photos": finished})
    return losses


def _write(path: Path, content: Any) -> None:
    write_text_atomically(path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _entries(
    session: Session, stage: int, classes: frozenset[str], losses: Losses, finished: list[str]
) -> Iterator[Entry]:
    """The photos that are done, one by one; notes meanwhile what is left out, and which photos are whole."""
    for photo in photos(session):
        objects = objects_of(session, photo.id)
        scene = scene_of(session, photo.id, stage=stage)
        there = {one.id for one in scene.instances}
        left = [one for one in objects if one.id not in there]
        for one in left:
            losses.note(OPEN, f"{photo.name}: object {one.id}")
        if photo.boxed_at is None:
            losses.note(UNFINISHED, photo.name)
        elif objects and not there:
            losses.note(UNSETTLED, photo.name)
        else:
            if not left:
                finished.append(photo.name)
            yield Entry(Truth(scene, None, knows=KNOWN, classes=classes))
        session.expire_all()  # a project of many photos need not be in memory at once
