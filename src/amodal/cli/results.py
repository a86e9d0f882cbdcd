"""The folder of a run: built out of sight, moved into place when the run is over, kept aside if it breaks."""

from __future__ import annotations

import json
import shutil
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from amodal.data.write import make_folder, write_text_atomically

PAGE, SCENES, REFUSED, PICTURES = "index.html", "scenes.json", "refused.json", "pictures"


@dataclass(frozen=True)
class Refusal:
    """An input that could not be used, and why."""

    photo: str
    reason: str


@contextmanager
def new_results(out: Path) -> Iterator[Path]:
    """A hidden folder inside `out` to build results in; gone afterwards, whatever happens.

    Raises:
        InputError: `out` cannot be written to; asked before any work is done.
    """
    existed = out.exists()
    make_folder(out)
    building = Path(tempfile.mkdtemp(prefix=".building-", dir=out))
    try:
        yield building
    finally:
        shutil.rmtree(building, ignore_errors=True)
        if not existed and not any(out.iterdir()):
            out.rmdir()


def publish(building: Path, out: Path, refusals: Sequence[Refusal] = ()) -> None:
    """Move what was built into `out`, file by file, page and scenes last; Ctrl-C waits until it is done.

    An earlier run's files of the same names are replaced. `refused.json` says what *this* run refused, so an
    earlier one goes when nothing was.
    """
    with _ctrl_c_waits():
        if (building / PICTURES).is_dir():
            (out / PICTURES).mkdir(exist_ok=True)
            for picture in sorted((building / PICTURES).iterdir()):
                picture.replace(out / PICTURES / picture.name)
        for name in (PAGE, SCENES):
            if (building / name).exists():
                (building / name).replace(out / name)
        if refusals:
            entries = [{"photo": refusal.photo, "reason": refusal.reason} for refusal in refusals]
            write_text_atomically(out / REFUSED, json.dumps(entries, indent=1, ensure_ascii=False) + "\n")
        else:
            (out / REFUSED).unlink(missing_ok=True)


def keep_aside(building: Path, out: Path) -> Path:
    """Keep what was built so far as `out/unfinished` (or -2, -3, …), beside the results of earlier runs."""
    with _ctrl_c_waits():
        number, place = 1, out / "unfinished"
        while place.exists():
            number += 1
            place = out / f"unfinished-{number}"
        return building.rename(place)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Hold Ctrl-C back during a short step that must not be cut in two, then let it act."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    pressed: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: pressed.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed:
        signal.raise_signal(signal.SIGINT)
