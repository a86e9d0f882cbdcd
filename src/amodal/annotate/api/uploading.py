"""Uploaded photos become files and rows: each that can be used, and words about each that cannot."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from fastapi import UploadFile
from sqlalchemy.orm import Session

from amodal.annotate.api import photo_files, schemas
from amodal.annotate.api.asking import Asker
from amodal.annotate.api.documents import photo_item
from amodal.annotate.api.place import Place
from amodal.annotate.errors import Invalid, Missing
from amodal.annotate.store.audit import note
from amodal.annotate.store.photos import add_photo, photos_called, put_uploaded
from amodal.annotate.store.tables import Person, Photo

MOST_SAID = 20  # reasons; a page should not be filled by the photos of a whole folder


def take_uploads(here: Place, asker: Asker, files: Sequence[UploadFile]) -> schemas.Uploaded:
    """Take in the photos that can be used; those that cannot are named with the reason.

    Raises:
        Invalid: none of them can be used.
    """
    upload = _Upload(here)
    try:
        upload.receive(files)
        with here.uploading:
            return upload.keep(asker)
    finally:
        for one in upload.sent:
            one.part.unlink(missing_ok=True)


@dataclass
class _Upload:
    here: Place
    sent: list[photo_files.Sent] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    new_files: list[Path] = field(default_factory=list)

    def receive(self, files: Iterable[UploadFile]) -> None:
        """Write and decode each."""
        for file in files:
            try:
                name = photo_files.plain_name(file.filename)
                self.sent.append(photo_files.received(file.file, name, self.here.uploads))
            except Invalid as error:
                self.refused.append(error.message)

    def keep(self, asker: Asker) -> schemas.Uploaded:
        """Photos get their names and rows; where that fails, only files that this request brought go again."""
        try:
            with self.here.database.write() as session:
                person = asker.person(session)
                rows = [row for one in self.sent if (row := self._kept(session, person, one)) is not None]
                if not rows:
                    raise Invalid(" ".join(self._said()) or "files: found no photo, expected one and more", "files")
                note(session, person, "upload", f"{len(rows)} photos", {"names": [row.name for row in rows[:20]]})
                taken = [photo_item(session, person, row) for row in rows]
                return schemas.Uploaded(photos=taken, refused=self._said())
        except BaseException:
            for path in self.new_files:
                path.unlink(missing_ok=True)
            raise

    def _kept(self, session: Session, by: Person, sent: photo_files.Sent) -> Photo | None:
        """The photo's row; None where it is refused."""
        place: Path | None = None
        try:
            known = _waiting(self.here, session, sent.photo)
            target = self.here.uploads / (sent.photo.name if known is None else known.name)
            if photo_files.put_in_place(sent, target):
                place = target
            if known is not None:
                row = put_uploaded(session, by, known.id)
            else:
                row = add_photo(session, by, **asdict(sent.photo), uploaded=True)
        except Invalid as error:
            if place is not None:
                place.unlink()
            self.refused.append(error.message)
            return None
        if place is not None:
            self.new_files.append(place)
        return row

    def _said(self) -> list[str]:
        more = len(self.refused) - MOST_SAID
        return [*self.refused[:MOST_SAID], *([f"and {more} more"] if more > 0 else [])]


def _waiting(here: Place, session: Session, sent: photo_files.PhotoFile) -> Photo | None:
    """The photo that an imported project named before its file came: of this name, in whatever folder.

    Raises:
        Invalid: it is not clear which, or the one that is waited for has other bytes.
    """
    named = [photo for photo in photos_called(session, sent.name) if not photo.uploaded and not _is_here(here, photo)]
    same = [photo for photo in named if photo.sha256 == sent.sha256]
    if len(same) == 1:
        return same[0]
    if not named:
        return None
    names = ", ".join(photo.name for photo in (same or named)[:5])
    if same:
        why = "with the same bytes; upload cannot tell which is meant, start with --images and the folder that has them"
        raise Invalid(f"{sent.name}: the project waits for {names}, {why}", "files")
    why = "with other bytes than these; send the very file, or another photo by another name"
    raise Invalid(f"{sent.name}: the project waits for {names}, {why}", "files")


def _is_here(here: Place, photo: Photo) -> bool:
    try:
        photo_files.inside(here.images, photo.name)
    except Missing:
        return False
    return True
