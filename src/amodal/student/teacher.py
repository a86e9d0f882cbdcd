"""The teacher: the compositional model's own masks of fully visible objects, bent to the photo's edges.

No mask label is read. Which objects are fully visible is said by the file's flag, or else guessed from boxes; whether
a mask is believed is asked of the box, which it must fill from side to side.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from amodal.compnet.model import CompNet
from amodal.compnet.refine import Refinement, extent
from amodal.compnet.workshop import Tensors, Workshop
from amodal.features.lattice import XYXY, as_xyxy
from amodal.images import read_photo
from amodal.methods.looking import evidence_of, look
from amodal.reasoning.evidence import Window

_PHOTOS_PER_STAGE = 64


@dataclass(frozen=True, eq=False)
class Pupil:
    """A fully visible object with what the teacher says of it.

    Attributes:
        path: its photo.
        box: XYXY pixels.
        label: its class.
        others: boxes of the other objects of the photo.
        window: whole pixels of the photo that the box touches.
        probability: that a pixel of the window is the object.
    """

    path: Path
    box: XYXY
    label: str
    others: tuple[XYXY, ...]
    other_labels: tuple[str, ...]
    window: Window
    probability: Float32[np.ndarray, "h w"]

    def believed(self, least_tightness: float, least_sureness: float) -> bool:
        """Whether its mask fills the box and is sure enough to be cut out."""
        tight = extent(self.probability > 0.5) >= least_tightness * self.probability.size
        return tight and float(np.abs(2 * self.probability - 1).mean()) >= least_sureness


def teach(
    model: CompNet,
    photos: Sequence[Path],
    rows_of_photo: Sequence[Sequence[int]],
    boxes: np.ndarray,
    labels: Sequence[str],
    refinement: Refinement | None,
    workshop: Workshop,
    progress: Callable[[str, int, int], None],
) -> dict[int, tuple[Window, Float32[np.ndarray, "h w"]]]:
    """Window and probability of each of the objects `rows_of_photo` (rows of `boxes`, XYXY), by row."""
    found = {}
    wanted = [index for index, rows in enumerate(rows_of_photo) if len(rows)]
    for start in range(0, len(wanted), _PHOTOS_PER_STAGE):
        part = wanted[start : start + _PHOTOS_PER_STAGE]

        def compute(part: list[int] = part) -> Tensors:
            tensors = {}
            for index in part:
                photo, rows = read_photo(photos[index]), list(rows_of_photo[index])
                seen = look(model, [photo], [boxes[rows]], [[labels[row] for row in rows]])[0]
                for row, item in zip(rows, seen, strict=True):
                    evidence = evidence_of(model, item, photo, refinement)
                    share = 1 - np.exp(evidence.context)
                    tensors[f"{row}.window"] = torch.tensor(evidence.window)
                    tensors[f"{row}.map"] = torch.from_numpy(np.rint(255 * share.clip(0, 1)).astype(np.uint8))
            return tensors

        tensors = workshop.stage(f"teacher-{start // _PHOTOS_PER_STAGE:04d}", compute)
        for index in part:
            for row in rows_of_photo[index]:
                x0, y0, x1, y1 = (int(value) for value in tensors[f"{row}.window"])
                found[row] = (x0, y0, x1, y1), tensors[f"{row}.map"].numpy().astype(np.float32) / 255
        progress("teacher's masks", min(start + _PHOTOS_PER_STAGE, len(wanted)), len(wanted))
    return found


def pupil_of(
    path: Path,
    row: int,
    rows: Sequence[int],
    boxes: np.ndarray,
    labels: Sequence[str],
    taught: tuple[Window, Float32[np.ndarray, "h w"]],
) -> Pupil:
    """The object of that row; `rows` are all of its photo."""
    others = [other for other in rows if other != row]
    return Pupil(
        path,
        as_xyxy(boxes[row]),
        labels[row],
        tuple(as_xyxy(boxes[other]) for other in others),
        tuple(labels[other] for other in others),
        *taught,
    )
