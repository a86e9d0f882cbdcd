"""Zip files from strangers: unpacked only as far as size and names allow."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path, PurePosixPath

from amodal.annotate.store.backup import BROKEN_ZIP
from amodal.errors import InputError, size_in_words

MAX_FILES = 200_000
MAX_UNPACKED_BYTES = 4 * 2**30


def unpacked(archive: Path, folder: Path, where: str) -> list[Path]:
    """Unpack the files of a zip, which messages call `where`, into a folder, and say where they are.

    Raises:
        InputError: no zip, a broken one, names that lead out of it, or more than we take.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            entries = [one for one in opened.infolist() if not one.is_dir()]
            if len(entries) > MAX_FILES:
                raise InputError(where, "zip", f"holds {len(entries)} files", f"expected at most {MAX_FILES}")
            total = sum(one.file_size for one in entries)
            if total > MAX_UNPACKED_BYTES:
                raise InputError(
                    where,
                    "zip",
                    f"is {size_in_words(total)} unpacked",
                    f"expected at most {size_in_words(MAX_UNPACKED_BYTES)}; split it",
                )
            return [_one(opened, one, folder, where) for one in entries]
    except BROKEN_ZIP as error:
        raise InputError(where, "zip", f"cannot be unpacked ({error})", "expected a zip without password") from error


def packed(folder: Path, out: Path) -> None:
    """Pack a folder; the same files give the same bytes."""
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(path for path in folder.rglob("*") if path.is_file()):
            entry = zipfile.ZipInfo(path.relative_to(folder).as_posix(), (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with path.open("rb") as source, archive.open(entry, "w", force_zip64=True) as target:
                shutil.copyfileobj(source, target)


def _one(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path, where: str) -> Path:
    parts = PurePosixPath(entry.filename.replace("\\", "/")).parts
    if not parts or any(part in ("..", "/") or ":" in part for part in parts):
        raise InputError(where, "zip", f"holds {entry.filename[:100]!r}", "expected names inside it")
    place = folder.joinpath(*parts)
    place.parent.mkdir(parents=True, exist_ok=True)
    left = entry.file_size  # what the list says; a lie ends here
    with opened.open(entry) as source, place.open("xb") as target:
        while chunk := source.read(min(1 << 20, left + 1)):
            left -= len(chunk)
            if left < 0:
                raise InputError(
                    where, "zip", f"{entry.filename[:100]!r} is longer than it says", "expected a whole zip"
                )
            target.write(chunk)
    return place
