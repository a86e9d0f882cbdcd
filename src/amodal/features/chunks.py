"""How many crops a backbone pass should have on this machine: measured once in a process of its own, and kept.

Small passes leave a processor idle, large ones fall out of its cache; where the best lies depends on the machine, the
backbone and the threads. Another number moves features by bfloat16's rounding, so who works with several processes asks
once and hands the answer on. This module is also the program that measures: `python -m amodal.features.chunks`.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from amodal.data.index_cache import default_cache
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.processor import cores, cpu_name

CHUNK = 4
"""Crops per pass of a network on a CPU, where nothing else was measured: larger batches are slower there, they fall
out of the cache."""

VARIABLE = "AMODAL_CHUNK"
"""An environment variable that fixes the number; nothing is measured then."""
CANDIDATES = (1, 2, 4, 8, 16)
MOST = 64  # that may be asked for
_WORTH = 0.95  # another number than the usual one must take less than this share of its time: noise decides nothing
_SECONDS, _LEAST_ROUNDS = 2.0, 2
_MOST_SECONDS = 60.0  # for all of it, starting Python and building the backbone included
_CROP = 256  # pixels to a side; the shapes of lattices have all about as many

Measured = Mapping[int, float]
"""Milliseconds a crop, by the crops of a pass."""


def chunk_for(
    backbone: str,
    threads: int,
    *,
    cache: Path | None = None,
    measure: Callable[[str, int], Measured | None] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> int:
    """The number for a backbone of this name on this machine's processor with so many threads.

    What was measured before is taken from the cache, unless that is damaged. Where measuring fails it is the usual one.

    Raises:
        InputError: `AMODAL_CHUNK` is no number of crops.
    """
    if said := os.environ.get(VARIABLE):
        return _asked_for(said)
    key = _key(backbone, threads)
    place = (cache or default_cache()) / "chunks" / f"{_name(key)}.json"
    kept = _kept(place, key)
    if kept is not None:
        return kept
    say("measuring, once on this machine, how many crops a pass of the backbone should have")
    found = (measure or _measured_elsewhere)(backbone, threads)
    if found is None:
        return CHUNK
    best = best_of(found)
    _keep(place, {"key": key, "chunk": best, "milliseconds_a_crop": {str(size): ms for size, ms in found.items()}})
    return best


def best_of(found: Measured) -> int:
    """The fastest, if it is clearly faster than the usual one."""
    best = min(found, key=lambda size: found[size])
    return best if found[best] < _WORTH * found.get(CHUNK, float("inf")) else CHUNK


def measured(backbone: str, threads: int) -> Measured:
    """The fastest of the passes in turns, for about two seconds: what else the machine does only adds to the others.

    Crops and weights are random; speed does not depend on them.
    """
    import numpy as np
    import torch

    from amodal.features.backbone import load_backbone
    from amodal.features.crops import run_backbone

    torch.set_num_threads(threads)
    network = load_backbone(backbone, pretrained=False)
    crops = np.random.default_rng(0).integers(0, 256, (max(CANDIDATES), _CROP, _CROP, 3), np.uint8)
    taken: dict[int, list[float]] = {size: [] for size in CANDIDATES}
    for size in CANDIDATES:
        run_backbone(network, crops[:size])
    end, rounds = time.perf_counter() + _SECONDS, 0
    while rounds < _LEAST_ROUNDS or time.perf_counter() < end:
        for size in CANDIDATES if rounds % 2 == 0 else reversed(CANDIDATES):
            started = time.perf_counter()
            run_backbone(network, crops[:size])
            taken[size].append((time.perf_counter() - started) / size)
        rounds += 1
    return {size: round(1e3 * min(values), 3) for size, values in taken.items()}


def _asked_for(said: str) -> int:
    if not said.isascii() or not said.isdecimal() or not 1 <= int(said) <= MOST:
        raise InputError("environment", VARIABLE, f"found {said!r}", f"expected 1 to {MOST} crops a backbone pass")
    return int(said)


def _key(backbone: str, threads: int) -> dict[str, Any]:
    """All that the answer depends on."""
    return {
        "cpu": cpu_name(),
        "cores": cores(),
        "threads": threads,
        "torch": version("torch"),
        "backbone": backbone,
        "dtype": "bfloat16",
        "candidates": list(CANDIDATES),
    }


def _name(key: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]


def _kept(place: Path, key: Mapping[str, Any]) -> int | None:
    try:
        said = json.loads(place.read_bytes())
        chunk = said["chunk"] if said["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    return chunk if type(chunk) is int and chunk in CANDIDATES else None


def _keep(place: Path, said: Mapping[str, Any]) -> None:
    """A cache that cannot be written is no error: it will be measured again."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        write_text_atomically(place, json.dumps(said, indent=1) + "\n")
    except (OSError, InputError):
        return


def _measured_elsewhere(backbone: str, threads: int) -> Measured | None:
    """In a process of its own: this one's threads and memory stay as they are."""
    command = [sys.executable, "-m", "amodal.features.chunks", backbone, str(threads)]
    try:
        done = subprocess.run(command, capture_output=True, check=True, timeout=_MOST_SECONDS)  # noqa: S603 - our own
        return {int(size): float(ms) for size, ms in json.loads(done.stdout).items()}
    except (OSError, ValueError, AttributeError, subprocess.SubprocessError):
        return None


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1], int(sys.argv[2]))))
