"""In and out."""

from __future__ import annotations

from amodal.annotate.api.schemas.values import Asked, ExportFormat, Said


class Import(Said):
    """What was taken in, and what was not, in words."""

    format: str
    photos: int
    objects: int
    masks: int
    settled: int
    edges: int
    left_out: list[str]


class Export(Asked):
    """Which format."""

    format: ExportFormat
