"""What our pages are made of: one document without outside resources, escaped text, embedded pictures."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable
from html import escape
from importlib.resources import files
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from amodal.data.write import write_bytes_atomically

POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"


def write_document(path: Path, title: str, body: Iterable[str], script: str = "") -> Path:
    """Write a page; the file appears whole or not at all. Returns its path."""
    parts = [
        "<!DOCTYPE html>\n<html lang='en'><head><meta charset='utf-8'>",
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">',
        f"<meta name='viewport' content='width=device-width, initial-scale=1'><title>{safe(title)}</title>",
        f"<style>\n{own_file('page.css')}</style></head><body>",
        *body,
        f"<script>\n{script}</script>" if script else "",
        "</body></html>\n",
    ]
    write_bytes_atomically(path, b"".join(part.encode("utf-8") for part in parts))
    return path


def data_uri(picture: Path | UInt8[np.ndarray, "h w 3"], side: int) -> str:
    """Embed a picture, no larger than a screen shows it."""
    with Image.fromarray(picture) if isinstance(picture, np.ndarray) else Image.open(picture) as image:
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=85, subsampling=0, optimize=True)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def safe(text: str) -> str:
    """Text that may stand in a page, in quotes too."""
    # File names may hold bytes that are no text at all.
    return escape(text.encode("utf-8", "replace").decode("utf-8"), quote=True)


def counted(count: int, noun: str) -> str:
    """A number and what it counts."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def own_file(name: str) -> str:
    """The text of a file of this room."""
    return (files("amodal.draw") / name).read_text(encoding="utf-8")
