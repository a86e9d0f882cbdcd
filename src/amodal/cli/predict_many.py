"""`amodal predict` for any number of photos: from a source to a folder of parts."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from amodal.cli.engine import Engine, engine_of
from amodal.cli.exits import DONE, NOTHING_DONE, SOME_REFUSED
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.boxes_lookup import open_boxes
from amodal.data.parts import ERRORS, Kind
from amodal.scale.run import Totals, predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked


@dataclass(frozen=True)
class Parts:
    """How the results are cut up and made; see `Predict`."""

    kind: Kind
    photos_per_part: int
    workers: int | None
    engine: Engine = "local"
    ray_address: str | None = None


def run_many(
    sources: Sequence[Path], boxes: Path | None, asked: Asked, out: Path, parts: Parts, *, as_json: bool
) -> int:
    """Do it; returns the exit code."""
    started = time.perf_counter()
    try:
        with engine_of(parts.engine, parts.workers, parts.ray_address) as spread, progress_on_stderr() as report:
            lookup = None if boxes is None else open_boxes(boxes, asked.boxes_are, report)
            totals = predict_many(
                open_sources(sources, boxes=lookup, boxes_are=asked.boxes_are),
                asked,
                out,
                kind=parts.kind,
                photos_per_part=parts.photos_per_part,
                workers=parts.workers,
                spread=spread,
                progress=report,
                say=say,
            )
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"what is finished stays in {out}; the same command goes on") from None
    _summarise(totals, out, time.perf_counter() - started, as_json=as_json)
    return NOTHING_DONE if not totals.rows else SOME_REFUSED if totals.errors else DONE


def _summarise(totals: Totals, out: Path, seconds: float, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({**asdict(totals), "out": str(out), "seconds": round(seconds, 3)}))
        return
    if totals.errors:
        say(f"refused: {totals.errors} of {totals.photos} photos, see {out / ERRORS}")
    done = totals.photos - totals.before
    print(f"{totals.photos} photos, {totals.objects} objects; {done} photos in {seconds:.1f} s")
    print(f"results: {out}")
