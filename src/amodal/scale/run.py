"""A run over many photos: from a source to a folder of parts, going on where an earlier run stopped."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from amodal.data.parts import Kind, check_kind
from amodal.digest import sha256_of
from amodal.errors import InputError
from amodal.features.chunks import chunk_for
from amodal.models import telling_file
from amodal.processor import cores
from amodal.progress import Progress
from amodal.scale.chunks import with_chunk
from amodal.scale.jobs import Unit, units_of
from amodal.scale.ledger import Ledger, open_ledger
from amodal.scale.sources import Photos
from amodal.scale.work import Asked
from amodal.scale.workers import Order, Say, do_here, do_in_workers, do_spread
from amodal.spread import Spread

PHOTOS_PER_PART = 256


@dataclass(frozen=True)
class Totals:
    """What a folder of parts holds when the run is over.

    Attributes:
        photos: of the source.
        before: of these, how many were finished before this run.
        rows, objects, errors: photos with a scene, objects in these, and photos without.
    """

    photos: int
    before: int
    rows: int
    objects: int
    errors: int


def predict_many(
    photos: Photos,
    asked: Asked,
    out: str | os.PathLike[str],
    *,
    kind: Kind = "jsonl",
    photos_per_part: int = PHOTOS_PER_PART,
    workers: int | None = None,
    spread: Spread | None = None,
    progress: Progress = lambda *_: None,
    say: Say = lambda _: None,
) -> Totals:
    """Look at every photo and write the parts; stopped at any moment and called again, it goes on.

    Whatever the number of workers, and however often it was stopped, the rows are the same: a unit's photos are worked
    on together wherever that is done, and with nobody else's.

    Args:
        photos: see `open_sources`.
        asked: what to do with each.
        out: a new or empty folder, or that of a run to go on with.
        kind: of parts.
        photos_per_part: so many photos are lost at most, for each worker, when a run is killed.
        workers: processes; one a core unless given, or one for a GPU; 0 for this process alone.
        spread: in place of these, where workers are; see `amodal.scale.cluster`.
        progress: called with ("photos", done, all).
        say: called with what the user should know.

    Raises:
        InputError: a folder or source that does not go with what was begun, or several workers for one GPU; nothing is
            written then.
    """
    check_kind(kind)
    if photos_per_part < 1:
        raise InputError("predict", "--photos-per-part", f"found {photos_per_part}", "expected 1 or more")
    total = photos.count()
    if not total:
        raise InputError("PHOTOS", "", "found none", "expected one or more photos")
    if asked.device != "cpu":
        workers = _for_one_device(asked.device, workers, spread)
    workers = cores() if workers is None else workers
    threads = 1 if spread is not None else max(1, cores() // max(1, workers))
    if asked.device == "cpu":  # a GPU's passes have sizes of their own
        asked = with_chunk(asked, Path(out), threads, partial(chunk_for, say=say))
    with open_ledger(Path(out), _settings(asked, photos_per_part), kind) as ledger:
        before = done = ledger.photos
        if before:
            say(f"{before} of {total} photos are finished: going on after them")
        progress("photos", done, total)

        def told(more: int) -> None:
            nonlocal done
            if more:
                done += more
                progress("photos", min(done, total), total)

        units = _missing(units_of(photos, photos_per_part), ledger)
        order = Order(asked, Path(out), kind, threads)
        if spread is not None:
            finished = do_spread(units, order, spread, told, say)
        else:
            finished = do_in_workers(units, order, workers, told, say) if workers else do_here(units, order, told)
        for one in finished:
            ledger.add(one)
        ledger.write_index(complete=True)
        if done < total:
            progress("photos", total, total)
        return Totals(ledger.photos, before, ledger.rows, ledger.objects, ledger.failures)


def _for_one_device(device: str, workers: int | None, spread: Spread | None) -> int:
    """How many processes have a GPU: each would hold a model there, and wait for the others."""
    if spread is not None:
        expected = "expected --engine local: Ray's workers have a processor each, and no GPU"
        raise InputError("predict", "--device", f"found {device} with --engine ray", expected)
    if workers is not None and workers > 1:
        expected = "expected 1, or 0 for this process alone; a run with an --out of its own for every other GPU"
        raise InputError("predict", "--workers", f"found {workers} with --device {device}", expected)
    return 1 if workers is None else workers


def _missing(units: Iterator[Unit], ledger: Ledger) -> Iterator[Unit]:
    """The units that are not finished; those that are must be of the same photos now."""
    count = 0
    for unit in units:
        count += 1
        digest = ledger.digests.get(unit.number)
        if digest is None:
            yield unit
        elif digest != unit.digest():
            found = f"was made of other photos or boxes than the source has now (from {unit.jobs[0].key!r} on)"
            raise InputError(
                str(ledger.out), f"part {unit.number}", found, "expected the same source, or another --out"
            )
    if ledger.digests and max(ledger.digests) >= count:
        found = f"is finished, but the source has {count} parts now"
        raise InputError(str(ledger.out), f"part {max(ledger.digests)}", found, "expected the same source")


def _settings(asked: Asked, photos_per_part: int) -> dict[str, Any]:
    """All that the rows depend on, beside the photos."""
    from amodal import __version__

    file = telling_file(asked.model)
    return {
        **asdict(asked),
        "settings": dict(asked.settings),
        "model_sha256": _sha256(file),
        "detector_sha256": _sha256(Path(asked.detector)) if asked.detector and Path(asked.detector).is_file() else None,
        "photos_per_part": photos_per_part,
        "amodal": __version__,
    }


def _sha256(file: Path) -> str | None:
    try:
        return sha256_of(file)
    except OSError:
        return None  # what is wrong with it is told by who loads it
