"""Zips in which something is broken."""

from __future__ import annotations

import zipfile
from pathlib import Path


def broken_zip(path: Path, packing: int, *names: str) -> None:
    """A zip whose list is whole, and whose packed bytes are none of their packing."""
    with zipfile.ZipFile(path, "w", packing) as packed:
        for name in names:
            packed.writestr(name, '{"photos": []}' * 1000)
        places = {one.header_offset + 30 + len(one.filename): one.compress_size for one in packed.infolist()}
    content = bytearray(path.read_bytes())
    for start, size in places.items():
        begin = start + (9 if packing == zipfile.ZIP_LZMA else 0)  # LZMA's settings stay
        content[begin : start + size] = b"\xff" * (size - (begin - start))
    path.write_bytes(content)
