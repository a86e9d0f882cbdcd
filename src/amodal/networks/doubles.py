"""Objects that a network found twice: no two see the same pixels, so what a surer one sees is not seen again.

Boxes alone cannot tell: the whole boxes of two objects may nearly coincide, and a double is often boxed as if it stood
behind its original.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Int64

from amodal.features.lattice import as_xyxy, pixel_window
from amodal.methods.grids import on_pixels
from amodal.networks.parts.batch import Found

# What it does to precision and recall is measured by experiments/detector/run.py.
_OWN_SHARE = 0.5


def without_doubles(found: Found, rows: Int64[np.ndarray, " k"], height: int, width: int) -> Int64[np.ndarray, " m"]:
    """Those of some rows of which enough is seen that none of the surer ones sees.

    Args:
        found: what a network says, in pixels of its picture.
        rows: of `found`, best first.
        height: of the picture.
        width: of the picture.
    """
    taken = np.zeros((height, width), dtype=bool)
    kept = []
    for row in rows.tolist():
        frame = as_xyxy(found.frames[row].double().numpy())
        x0, y0, x1, y1 = window = pixel_window(frame, width, height)
        seen = on_pixels(found.inmodal[row].float().numpy(), frame, window) > 0.5
        before = taken[y0:y1, x0:x1]
        if seen.any() and (seen & ~before).sum() >= _OWN_SHARE * seen.sum():
            kept.append(row)
            before |= seen
    return np.array(kept, dtype=np.int64)
