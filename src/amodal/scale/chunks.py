"""How many crops a pass of the backbone has in a run: decided once, by its first process, and kept with the results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from amodal.data.fields import read_json
from amodal.data.parts import INDEX
from amodal.features.chunks import chunk_for
from amodal.models import backbone_of
from amodal.scale.work import Asked

ON_CROPS = ("student", "student-alone", "orm", "published", "nod", "compnet")
"""The methods whose objects pass the backbone of a compositional model, crop by crop."""


def with_chunk(asked: Asked, out: Path, threads: int, measure: Callable[[str, int], int] = chunk_for) -> Asked:
    """The same with the number said: what the folder's run was begun with, else what suits this machine."""
    if asked.chunk is not None:
        return asked
    if (out / INDEX).is_file():
        begun = read_json(out / INDEX).get("settings")
        said = None if begun is None else begun.object().get("chunk")
        return replace(asked, chunk=said if type(said) is int else None)
    backbone = backbone_of(asked.model) if asked.method in ON_CROPS else None
    return asked if backbone is None else replace(asked, chunk=measure(backbone, threads))
