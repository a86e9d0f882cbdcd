"""In and out. What reads and writes formats is imported when it is wanted: the first screen need not wait for it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Annotated

from fastapi import Form, Response, UploadFile
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from amodal.annotate.api import schemas
from amodal.annotate.api.admission import UploadRoute
from amodal.annotate.api.asking import Here, Overseer
from amodal.annotate.api.parameters import ARCHIVE, topic
from amodal.annotate.store.audit import note
from amodal.data.write import make_folder

router = topic("exchange", route_class=UploadRoute)
FormatField = Annotated[schemas.ImportFormat | None, Form()]
WORK = "work"  # in the project's folder, on the same disk


@router.post("/imports", status_code=201)
def take_in(here: Here, asker: Overseer, file: UploadFile, format: FormatField = None) -> schemas.Import:
    """Take in a file (or a zip with it); its format is recognised unless said. All of it or nothing."""
    from amodal.annotate.exchange.imports import import_truths
    from amodal.annotate.exchange.project_read import read_project
    from amodal.annotate.exchange.reading import named_as_sent, read_any

    name = Path((file.filename or "file").replace("\\", "/")).name[:100] or "file"
    with tempfile.TemporaryDirectory(dir=make_folder(here.folder / WORK)) as work:
        sent, inside = Path(work) / "sent", make_folder(Path(work) / "inside")
        with sent.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        found = read_any(sent, name, inside, format)
        with here.database.write() as session:
            person = asker.person(session)
            if found.project is not None:
                with named_as_sent(name, inside):
                    counts = read_project(session, person, found.project)
                said = schemas.Import(format=found.format, **counts, left_out=[])
            else:
                taken = import_truths(session, person, found.truths, found.format, found.finished)
                numbers = {key: getattr(taken, key) for key in ("photos", "objects", "masks", "edges")}
                said = schemas.Import(format=found.format, **numbers, settled=taken.masks, left_out=taken.said())
            note(session, person, "import", name, said.model_dump(exclude={"left_out"}))
    return said


@router.post("/exports", response_class=Response, responses=ARCHIVE)
def give_out(here: Here, asker: Overseer, asked: schemas.Export) -> Response:
    """A zip with the annotations in a format, and losses.json: what is left out.

    The header X-Left-Out says of how many photos and objects nothing is in it for they are not done.
    """
    from amodal.annotate.exchange.archive import packed
    from amodal.annotate.exchange.exports import OPEN, UNFINISHED, UNSETTLED, export

    work = Path(tempfile.mkdtemp(dir=make_folder(here.folder / WORK)))
    gone = BackgroundTask(shutil.rmtree, work, ignore_errors=True)
    try:
        with here.database.read() as session:
            lost = export(session, asked.format, work / "inside").counts
        packed(work / "inside", work / "export.zip")
        with here.database.write() as session:
            note(session, asker.person(session), "export", asked.format)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    name = f"{asked.format}.zip"
    left_out = f"{lost.get(UNFINISHED, 0) + lost.get(UNSETTLED, 0)} {lost.get(OPEN, 0)}"
    said = {"X-Left-Out": left_out}
    return FileResponse(work / "export.zip", media_type="application/zip", filename=name, headers=said, background=gone)
