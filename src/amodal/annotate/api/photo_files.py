"""Photos on the disk: where they are, taking new ones in, and how they go to the page."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
from jaxtyping import UInt8
from PIL import Image
from starlette.responses import FileResponse, Response

from amodal.annotate.errors import Invalid, Missing
from amodal.data.write import make_folder, write_bytes_atomically
from amodal.digest import sha256_of
from amodal.errors import InputError, size_in_words
from amodal.images import PHOTO_SUFFIXES, photo_size, read_photo

MAX_PIXELS = 64_000_000
MAX_FILE_BYTES = 200 * 2**20
THUMBNAIL_PX = 320
SUFFIXES = (*PHOTO_SUFFIXES, ".tif", ".tiff")
# What browsers show, by the first bytes; a file's name proves nothing. All else is turned into PNG.
SHOWN = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True)
class PhotoFile:
    """A photo that can be taken in: its name below its folder, its size in pixels, the hash of its bytes."""

    name: str
    width: int
    height: int
    sha256: str


@dataclass
class LastPhoto:
    """The pixels of the photo asked for last: who snaps one outline snaps more on the same photo."""

    _path: Path | None = None
    _pixels: UInt8[np.ndarray, "h w 3"] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, path: Path) -> UInt8[np.ndarray, "h w 3"]:
        """The photo's pixels.

        Raises:
            InputError: it cannot be read.
        """
        with self._lock:
            if self._pixels is None or self._path != path:
                self._path, self._pixels = path, read_photo(path, MAX_PIXELS)
            return self._pixels


def photos_below(folder: Path) -> Iterator[Path]:
    """All photos of a folder and those in it, by name; links that lead out of it are passed over."""
    root = folder.resolve()
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        is_photo = path.suffix.lower() in SUFFIXES and not is_hidden and path.is_file()
        if is_photo and path.resolve().is_relative_to(root):
            yield path


def described(path: Path, name: str) -> PhotoFile:
    """A photo as it would be taken in; only its header is decoded.

    Raises:
        InputError: it is none, or too large.
    """
    width, height = photo_size(path, MAX_PIXELS)
    return PhotoFile(name, width, height, sha256_of(path))


def plain_name(name: str | None) -> str:
    """The name of an uploaded file, which must be no more than a name.

    Raises:
        Invalid: it is a path, hidden, or of no photo.
    """
    given = name or ""
    stem, dot, suffix = given.rpartition(".")
    if not dot or not stem or f".{suffix.lower()}" not in SUFFIXES:
        expected = f"expected one ending in {', '.join(SUFFIXES)}; save it as JPEG or PNG"
        raise Invalid(f"{given[:100]!r} is no name of a photo, {expected}", "files")
    if given.startswith(".") or any(one in '/\\<>:"|?*' or not one.isprintable() for one in given) or len(given) > 200:
        raise Invalid(f"{given[:100]!r} cannot be used as a name, expected a plain file name without folders", "files")
    return given


@dataclass(frozen=True)
class Sent:
    """An uploaded photo that was decoded whole: what it is, and the file it waits in."""

    photo: PhotoFile
    part: Path


def received(stream: BinaryIO, name: str, folder: Path) -> Sent:
    """Write an uploaded photo into a file of its own in `folder`, and decode it whole.

    Raises:
        Invalid: no photo, broken or too large; nothing of it stays.
    """
    content = stream.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise Invalid(
            f"{name}: is larger than {size_in_words(MAX_FILE_BYTES)}; send it smaller, as JPEG for one", "files"
        )
    part = make_folder(folder) / f".{secrets.token_hex(8)}.part"  # others may send the same bytes at this moment
    try:
        write_bytes_atomically(part, content)
        height, width = _size_of(part, name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return Sent(PhotoFile(name, width, height, hashlib.sha256(content).hexdigest()), part)


def _size_of(part: Path, name: str) -> tuple[int, int]:
    try:
        height, width = read_photo(part, MAX_PIXELS).shape[:2]
    except InputError as error:
        raise Invalid(f"{name}: {error.found}, {error.expected}", "files") from error
    return height, width


def put_in_place(sent: Sent, place: Path) -> bool:
    """Give a photo its place; False where the same photo has it already. A file that is there is never written over.

    Raises:
        Invalid: another photo has that name.
    """
    make_folder(place.parent)
    try:
        os.link(sent.part, place)
    except FileExistsError:
        if sha256_of(place) != sent.photo.sha256:
            raise Invalid(f"{sent.photo.name}: there is another photo of this name", "files") from None
        return False
    return True


def inside(folder: Path | None, name: str) -> Path:
    """The file of that name below a folder.

    Raises:
        Missing: there is none, or it lies elsewhere.
    """
    if folder is not None:
        path = (folder / name).resolve()
        if path.is_relative_to(folder.resolve()) and os.path.isfile(path):  # False too where no name can be so long
            return path
    raise Missing(f"the file of photo {name!r} is not there; was the server started with the right --images?")


def picture(path: Path, fingerprint: str) -> Response:
    """The photo for the page."""
    kept = {"Cache-Control": "private, max-age=3600", "ETag": f'"{fingerprint[:32]}"'}
    try:
        with path.open("rb") as stream:
            head = stream.read(16)
    except OSError as error:
        raise Missing(f"the file of photo {path.name!r} cannot be read ({error.strerror})") from error
    kind = next((kind for start, kind in SHOWN.items() if head.startswith(start)), None)
    if kind is not None:
        return FileResponse(path, media_type=kind, headers=kept)
    return Response(
        _encoded(Image.fromarray(read_photo(path, MAX_PIXELS)), "PNG"), media_type="image/png", headers=kept
    )


def thumbnail(path: Path, fingerprint: str, kept_in: Path) -> Response:
    """The photo within 320 × 320 px; made once."""
    folder = make_folder(kept_in)
    kept = folder / f"{fingerprint[:32]}.jpg"
    if kept.resolve().parent != folder.resolve():  # rows of older projects may say anything
        raise Missing("this photo's fingerprint is none, so it has no small picture")
    if not kept.is_file():
        write_bytes_atomically(kept, _small(path))
    return FileResponse(kept, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=86400"})


def small_picture(path: Path) -> Response:
    """The same, made each time."""
    return Response(_small(path), media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"})


def _small(path: Path) -> bytes:
    small = Image.fromarray(read_photo(path, MAX_PIXELS))
    small.thumbnail((THUMBNAIL_PX, THUMBNAIL_PX))
    return _encoded(small, "JPEG")


def _encoded(image: Image.Image, format: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format)
    return stream.getvalue()
