"""Photos of the folder become rows, in the background: ten thousand must not keep the first screen waiting."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from amodal.annotate.api.photo_files import PhotoFile, described, photos_below
from amodal.annotate.api.place import Place, has_file
from amodal.annotate.errors import Invalid
from amodal.annotate.store.photos import add_photo, photos
from amodal.errors import AmodalError

AT_ONCE = 25
_log = logging.getLogger(__name__)


@dataclass
class Register:
    """Goes through the folder of photos; what is a row already is passed over."""

    place: Place
    _stopped: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: dict[Path, int] = field(default_factory=dict)
    reading: tuple[int, int] | None = None
    """How many of how many new photos were gone through (of 0 while they are counted); None where nobody reads."""

    def start(self) -> None:
        """Begin in a thread of its own, unless one is at it."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self.reading = (0, 0) if self.place.images is not None else None
                self._thread = threading.Thread(target=self._quietly, name="photos", daemon=True)
                self._thread.start()

    def start_if_changed(self) -> None:
        """The same, where a file was added to or taken from a folder since it was gone through last."""
        if any(_changed(folder) != changed for folder, changed in list(self._seen.items())):
            self.start()

    def stop(self) -> None:
        """End after the photo it is at."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def run(self) -> list[str]:
        """Do it; returns what was refused, in words."""
        folder = self.place.images
        refused: list[str] = []
        if folder is None:
            return []
        folders = [folder, *(path for path in folder.rglob("*") if path.is_dir())]
        self._seen = {
            path: _changed(path) for path in folders
        }  # before looking: what comes meanwhile is looked at again
        with self.place.database.read() as session:
            known = {photo.name for photo in photos(session)}
        names = [path.relative_to(folder).as_posix() for path in photos_below(folder)]
        new = [name for name in names if name not in known]
        for first in range(0, len(new), AT_ONCE):
            self.reading = (first, len(new))
            found = []
            for name in new[first : first + AT_ONCE]:
                if self._stopped.is_set():
                    return refused
                try:
                    found.append(described(folder / name, name))
                except AmodalError as error:
                    refused.append(str(error))
            refused += self._written(found)
        return refused

    def _written(self, found: Sequence[PhotoFile]) -> list[str]:
        refused = []
        with self.place.database.write() as session:
            for photo in found:
                try:
                    add_photo(session, None, **asdict(photo))
                except Invalid as error:  # a name that no page should show, or another server was faster
                    refused.append(str(error))
        return refused

    def _quietly(self) -> None:
        try:
            for reason in self.run():
                _log.warning("photo left out: %s", reason)
            self._say_what_is_not_found()
        except Exception:
            _log.exception("photos cannot be taken in")
        finally:
            self.reading = None

    def _say_what_is_not_found(self) -> None:
        with self.place.database.read() as session:
            lost = [photo.name for photo in photos(session) if not has_file(self.place, photo)]
        if lost:
            said = "%d photos of the project are not found, %s first; start with --images and the folder they are in"
            _log.warning(said, len(lost), lost[0])


def _changed(folder: Path) -> int:
    """When a name was added to a folder or taken away; 0 where it is gone."""
    try:
        return folder.stat().st_mtime_ns
    except OSError:
        return 0
