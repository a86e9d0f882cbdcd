"""All pictures of one photo as files."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from amodal.data.write import make_folder, write_bytes_atomically
from amodal.draw.likelihood import draw_likelihoods
from amodal.draw.masks import draw_boxes, draw_masks
from amodal.draw.order import draw_order
from amodal.draw.sheets import draw_before_after, has_claims, has_likelihoods, sheet
from amodal.errors import InputError
from amodal.scene import Scene

QUALITY = 92


def write_pictures(
    scene: Scene, photo: UInt8[np.ndarray, "height width 3"], folder: Path, stem: str
) -> dict[str, Path]:
    """Write `<stem>-<part>.jpg` for each part there is something to show of; returns part -> file.

    Parts: sheet, boxes, masks, order; before_after where claims are known, likelihood where maps are kept.
    Each file appears whole or not at all.
    """
    if stem != Path(stem).name or stem in {"", ".", ".."}:
        raise InputError("write_pictures", "stem", f"found {stem!r}", "expected a file name without folders")
    drawers = {"sheet": sheet, "boxes": draw_boxes, "masks": draw_masks, "order": draw_order}
    if has_claims(scene):
        drawers["before_after"] = draw_before_after
    if has_likelihoods(scene):
        drawers["likelihood"] = draw_likelihoods
    make_folder(folder)
    files = {}
    for part, draw in drawers.items():
        files[part] = folder / f"{stem}-{part}.jpg"
        write_bytes_atomically(files[part], jpeg(draw(scene, photo), QUALITY))
    return files


def jpeg(picture: UInt8[np.ndarray, "rows columns 3"], quality: int) -> bytes:
    """Encode a picture; colour is kept at full resolution, for thin coloured lines."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality, subsampling=0, optimize=True)
    return buffer.getvalue()
