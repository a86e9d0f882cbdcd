"""What the student is told of an object beside features: its compositional maps, the other boxes, where it looks."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float32
from torch import Tensor

from amodal.compnet.model import CompNet
from amodal.methods.looking import Seen, cell_posteriors
from amodal.student.config import Inputs
from amodal.student.surroundings import OTHERS, OWN, hints_from


@torch.inference_mode()
def hints_of(model: CompNet, seen: Sequence[Seen]) -> list[Float32[Tensor, "channels rows cols"]]:
    """All hints of all objects of one photo, on the cells of their padded lattices."""
    inside = [item.inside.view(item.lattice.shape.padded).numpy() for item in seen]
    maps = [cell_posteriors(model, item) for item in seen]
    return [torch.from_numpy(hint) for hint in hints_from([item.lattice for item in seen], maps, inside)]


def told(hints: Float32[Tensor, "n channels rows cols"], inputs: Inputs) -> Float32[Tensor, "n channels rows cols"]:
    """The hints with zeros in place of those that are not to be given."""
    hints = hints.clone()
    if not inputs.maps:
        hints[:, OWN] = 0
    if not inputs.others:
        hints[:, OTHERS] = 0
    return hints
