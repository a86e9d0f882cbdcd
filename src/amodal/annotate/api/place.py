"""What stands behind the application while it runs: the project's folder, its database, its photos, its helper."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from amodal.annotate.api.photo_files import LastPhoto, inside
from amodal.annotate.api.proposer import Proposer
from amodal.annotate.api.security import Attempts, new_token
from amodal.annotate.errors import Missing
from amodal.annotate.store.database import IMAGES, Database
from amodal.annotate.store.photos import photo_of
from amodal.annotate.store.tables import Photo

BODY_SECONDS = 900.0  # for a request to come whole: 1 GiB at 10 Mbit/s
THUMBNAILS = "thumbnails"  # in the project's folder


@dataclass(frozen=True)
class Place:
    """A project being worked on.

    Attributes:
        folder: the project's.
        images: where the photos are that it was opened with; None where all are uploaded.
        database: open.
        alone: the id of the one person who works without log-in; None where a team logs in.
        proposer: runs models, one at a time.
        pixels: of the photo that was snapped to last.
        csrf: the token of writes where nobody logs in.
        attempts: failed log-ins.
        uploading: held while uploaded photos get names and rows: who fails must not take a file that another relies on.
    """

    folder: Path
    images: Path | None
    database: Database
    alone: int | None = None
    proposer: Proposer = field(default_factory=Proposer)
    pixels: LastPhoto = field(default_factory=LastPhoto)
    csrf: str = field(default_factory=new_token)
    attempts: Attempts = field(default_factory=Attempts)
    uploading: threading.Lock = field(default_factory=threading.Lock)

    @property
    def mode(self) -> Literal["one-person", "team"]:
        """As the page calls it."""
        return "team" if self.alone is None else "one-person"

    @property
    def uploads(self) -> Path:
        """Where uploaded photos go."""
        return self.folder / IMAGES

    @property
    def thumbnails(self) -> Path:
        """Where small pictures are kept; they can be thrown away."""
        return self.folder / THUMBNAILS


def has_file(here: Place, photo: Photo) -> bool:
    """Whether the file of a photo is there."""
    try:
        _path_of(here, photo)
    except Missing:
        return False
    return True


def file_of(here: Place, photo_id: int) -> tuple[Path, str]:
    """The file of a photo, and the hash of its bytes.

    Raises:
        Missing: no such photo, or its file is gone.
    """
    with here.database.read() as session:
        photo = photo_of(session, photo_id)
        return _path_of(here, photo), photo.sha256


def _path_of(here: Place, photo: Photo) -> Path:
    return inside(here.uploads if photo.uploaded else here.images, photo.name)
