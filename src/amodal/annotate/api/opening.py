"""From what the command line says to an open project."""

from __future__ import annotations

from pathlib import Path

from amodal.annotate.api.place import Place
from amodal.annotate.api.proposer import Proposer
from amodal.annotate.store.checks import MAX_NAME
from amodal.annotate.store.database import PROJECT_FILE, open_database
from amodal.annotate.store.people import create_project, person_alone
from amodal.data.write import make_folder
from amodal.errors import InputError

ANNOTATORS = 3


def open_place(
    folder: Path,
    *,
    images: Path | None = None,
    database: str | None = None,
    team: bool = False,
    proposer: Proposer | None = None,
) -> Place:
    """Open the project of a folder, or make it.

    Args:
        folder: the project's; made where missing.
        images: where the photos are.
        database: URL of PostgreSQL; else a SQLite file in the folder.
        team: several people who log in; else one who has every role, and is enough for an object.
        proposer: which models help.

    Raises:
        InputError: a folder that cannot be written, no folder of photos, a database that cannot be opened.
        Forbidden: the project has accounts and is opened for one person.
    """
    if images is not None and not images.is_dir():
        raise InputError("--images", str(images), "is no folder", "expected one with photos")
    if folder.is_file():
        raise InputError("annotate", "PROJECT", f"{folder} is a file", "expected a folder, or a name for a new one")
    make_folder(folder)
    opened = open_database(database or folder / PROJECT_FILE)
    try:
        with opened.write() as session:
            name = folder.resolve().name or "project"
            create_project(session, _printable(name), annotators_per_object=ANNOTATORS if team else 1)
            alone = None if team else person_alone(session).id
    except Exception:
        opened.close()
        raise
    return Place(folder, images, opened, alone, proposer or Proposer())


def _printable(name: str) -> str:
    return "".join(one for one in name if one.isprintable() and one not in '<>"\\/')[:MAX_NAME] or "project"
