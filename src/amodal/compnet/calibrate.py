"""Two numbers per class that decide how large masks get, both found from boxes alone.

`threshold`: the log-odds at which a cell becomes object, such that plain posteriors agree best with the refined
foreground that the box vouched for (see `teacher`). `outlier_log_prior` b: high enough to see occluders, low enough
that only a small share of a fully visible training object is mistaken for one.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

FALSE_OUTLIERS = 0.005
"""Share of the cells of fully visible training objects that may look like an outlier."""

_TEACHER_IS_SMALL = 0.25
"""GrabCut gives up dark wheels and roofs: a mask that agrees with it best is a little small. In log-odds; chosen on a
fifth of the training photos, held back from learning (-0.75 to 0.25 were tried)."""

_FINER = 4  # samples per cell at which a mask's outline is compared
_THRESHOLDS = tuple(step / 4 for step in range(-8, 13))


def best_threshold(
    log_odds: Sequence[Float[Tensor, "rows cols"]],
    foreground: Sequence[Float[Tensor, "rows cols"]],
    temperature: float,
) -> float:
    """The threshold of highest mean IoU between upsampled posteriors and the believed foreground."""
    scores = torch.zeros(len(_THRESHOLDS))
    for odds, share in zip(log_odds, foreground, strict=True):
        truth = _upsample(share) > 0.5
        masks = torch.stack(
            [_upsample(torch.sigmoid((odds - threshold) / temperature)) > 0.5 for threshold in _THRESHOLDS]
        )
        both = (masks & truth).sum((1, 2))
        either = (masks | truth).sum((1, 2)).clamp_min(1)
        scores += both / either
    return _THRESHOLDS[int(scores.argmax())] - _TEACHER_IS_SMALL


def outlier_log_prior(foreground_ratio: Float[Tensor, " cells"]) -> float:
    """b from log p(f|A) − log p(f|β) over cells believed to be visible foreground: O beats F where b exceeds it."""
    return float(torch.quantile(foreground_ratio.double(), FALSE_OUTLIERS))


def _upsample(cells: Tensor) -> Tensor:
    return functional.interpolate(cells[None, None].float(), scale_factor=_FINER, mode="bilinear", align_corners=False)[
        0, 0
    ]
