"""A photo with what is known about its objects."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Photographed:
    """A photo, its boxes (XYXY) and labels, from the back to the front."""

    path: Path
    pixels: np.ndarray
    boxes: np.ndarray
    labels: tuple[str, ...]
