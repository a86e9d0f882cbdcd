"""Generate: a folder of scenes, made in shards by worker processes, resumable to the byte."""

from __future__ import annotations

import hashlib
import io
import json
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, get_args

import numpy as np
from PIL import Image

from amodal.challenge.backgrounds import BackgroundPart, Backgrounds, read_backgrounds
from amodal.challenge.balance import FEWEST, Balance, Scenario
from amodal.challenge.check import check_scene
from amodal.challenge.compose import Layout, Place, compose, layout_of
from amodal.challenge.datasheet import DATASHEET, DATASHEET_TEXT, Datasheet, Summary
from amodal.challenge.render import render
from amodal.challenge.sheet import SHEET, chosen, sheet
from amodal.challenge.sources import Sources, read_sources
from amodal.challenge.write import RECORDS, SCENES, assemble, scene_line
from amodal.data.fields import read_json
from amodal.data.write import make_folder, write_bytes_atomically, write_text_atomically
from amodal.errors import InputError
from amodal.progress import Progress
from amodal.spread import Spread

SHARD = 24  # scenes made in one go, and redone if stopped: a multiple of 3, so that levels are even in each
SETTINGS, PARTS = "settings.json", "parts"


@dataclass(frozen=True)
class ChallengeConfig:
    """What to make; everything but `workers` is part of the result."""

    objects: Path
    """COCO JSON with masks of fully visible objects."""
    backgrounds: Path
    """Folder of photos without objects of interest; scenes/ and textures/ in it, if there are such."""
    images: Path | None = None
    """Where the objects' photos are; else beside the file or in images/ there."""
    scenario: Scenario = "two"
    """Two known objects, four, two and unknown occluders, or a street: 5 to 12 known ones of all classes, best before
    photos of streets (--background-names)."""
    layout: Layout = "free"
    """free: geometry tells nothing of the order. ground: plausible perspective, which a street always has."""
    scenes: int = 300
    """How many."""
    seed: int = 0
    """The same seed and settings give the same files."""
    split: str | None = None
    """Only objects of this split of the file, as train or val."""
    classes: tuple[str, ...] = ()
    """Known classes; all of the file by default."""
    unknown_objects: Path | None = None
    """COCO JSON to cut unknown occluders from, of other classes than the known; without it they are textures."""
    background_part: BackgroundPart = "all"
    """By a hash of their names a third of the photos is test, the others train."""
    background_names: str = "*"
    """Pattern of the file names of backgrounds to use, such as 'camvid_*' to take street photos alone for --scenario
    street; textures are not concerned."""
    truncation: bool = False
    """Let objects leave the picture."""
    quality: int = 95
    """Of the JPEG files."""
    workers: int = 2
    """Processes; does not change the result."""


def generate(
    config: ChallengeConfig,
    out: str | os.PathLike[str],
    progress: Progress = lambda *_: None,
    spread: Spread | None = None,
) -> Summary:
    """Write scenes.json, images/, records.jsonl, sheet.jpg, datasheet.json and datasheet.md into the folder `out`.

    Stopped at any moment and called again with the same settings, it goes on and gives the same files; a folder that
    is finished is left as it is. `spread` makes the shards elsewhere, in place of `config.workers` processes; the
    folder must be the same there.

    Raises:
        InputError: nothing usable to paste or to paste on, other settings than those the folder was begun with, or
            no scene with the levels that are wanted.
    """
    started = time.perf_counter()
    config = replace(config, layout=layout_of(config.scenario, config.layout))
    _check(config)
    sources, backgrounds = _read(config)
    folder = make_folder(out)
    _begin(folder, config, sources, backgrounds)
    if not (folder / DATASHEET).is_file():
        for stray in folder.glob(".*.part"):  # of a write that was killed
            stray.unlink()
        _make(config, folder, sources, backgrounds, progress, spread)
    shutil.rmtree(folder / PARTS, ignore_errors=True)
    refused = (*sources.refused, *backgrounds.refused)
    return Summary.read(folder).timed(time.perf_counter() - started, refused)


def _make(
    config: ChallengeConfig,
    folder: Path,
    sources: Sources,
    backgrounds: Backgrounds,
    progress: Progress,
    spread: Spread | None,
) -> None:
    """All files are made among the parts and then moved up, the one that says that all is done last."""
    work = make_folder(folder / PARTS)
    make_folder(folder / "images")
    parts = [_part(work, number) for number in range((config.scenes + SHARD - 1) // SHARD)]
    _make_shards(config, folder, parts, sources, backgrounds, progress, spread)
    counts, shown, wanted = Datasheet(), [], chosen(config.scenes)
    for content, record in assemble(work, parts, progress):
        counts.add(content, record)
        if record["index"] in wanted:
            shown.append((content, record))
    (work / SHEET).write_bytes(sheet(folder, shown))
    texts = counts.files(sources, backgrounds, _plain(config))
    for name, text in texts.items():
        (work / name).write_text(text, encoding="utf-8", newline="\n")
    for name in (SCENES, RECORDS, SHEET, DATASHEET_TEXT, DATASHEET):
        (work / name).replace(folder / name)


def _check(config: ChallengeConfig) -> None:
    for name, least, most in (("scenes", 1, 999_999), ("workers", 1, 256), ("quality", 1, 100), ("seed", 0, 2**63 - 1)):
        if not least <= (value := getattr(config, name)) <= most:
            raise InputError("challenge", f"--{name}", f"found {value}", f"expected {least} to {most}")


def _read(config: ChallengeConfig) -> tuple[Sources, Backgrounds]:
    sources = read_sources(
        config.objects,
        images=config.images,
        split=config.split,
        classes=config.classes or None,
        unknown_path=config.unknown_objects,
    )
    if len(sources.objects) < (least := FEWEST[config.scenario]):
        found = f"found {len(sources.objects)} usable"
        expected = f"expected at least {least} for scenario {config.scenario!r}"
        raise InputError(os.fspath(config.objects), "objects", found, expected)
    if config.unknown_objects is not None and not sources.unknown:
        expected = "expected usable objects of other classes than the known, which --classes tells"
        raise InputError(os.fspath(config.unknown_objects), "objects", "found none to take as unknown", expected)
    backgrounds = read_backgrounds(config.backgrounds, config.background_part, config.background_names)
    if config.scenario == "two-unknown" and not sources.unknown and not backgrounds.textures:
        raise InputError("challenge", "unknown", "found neither textures nor unknown objects", "expected some of them")
    return sources, backgrounds


def _begin(folder: Path, config: ChallengeConfig, sources: Sources, backgrounds: Backgrounds) -> None:
    """Note the settings, or compare them with those noted: half of a folder must not be made otherwise."""
    settings = _plain(config) | {"inputs": _fingerprint(sources, backgrounds)}
    path = folder / SETTINGS
    if path.is_file():
        noted = read_json(path).object()
        different = sorted(key for key in settings.keys() | noted.keys() if settings.get(key) != noted.get(key))
        if different:
            key = different[0]
            found = f"was begun with {noted.get(key)!r}, now {settings.get(key)!r}"
            raise InputError(os.fspath(folder), key, found, "expected the same settings or another folder")
        return
    strange = [name for name in ("scenes.json", "images", "records.jsonl") if (folder / name).exists()]
    if strange:
        raise InputError(os.fspath(folder), strange[0], "is already there", "expected an empty folder or one of ours")
    write_text_atomically(path, json.dumps(settings, indent=1) + "\n")


def _plain(config: ChallengeConfig) -> dict[str, Any]:
    """Settings that are part of the result; of paths the names alone, for a folder may move."""
    plain = {key: value for key, value in asdict(config).items() if key not in ("workers", "images")}
    return {key: value.name if isinstance(value, Path) else _listed(value) for key, value in plain.items()}


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _fingerprint(sources: Sources, backgrounds: Backgrounds) -> str:
    """Of every mask that can be pasted and every photo's name and size."""
    digest = hashlib.sha256()
    for kind in (sources.objects, sources.unknown):
        for id, cut_out in sorted(kind.items()):
            digest.update(f"{id} {cut_out.label} {cut_out.path.name} {cut_out.mask.box}".encode())
            digest.update(cut_out.mask.runs.tobytes())
    digest.update(repr((sorted(backgrounds.scenes.items()), sorted(backgrounds.textures.items()))).encode())
    return digest.hexdigest()


def _make_shards(
    config: ChallengeConfig,
    folder: Path,
    parts: Sequence[Path],
    sources: Sources,
    backgrounds: Backgrounds,
    progress: Progress,
    spread: Spread | None,
) -> None:
    missing = [number for number, part in enumerate(parts) if not part.is_file()]
    done = min((len(parts) - len(missing)) * SHARD, config.scenes)
    progress("scenes", done, config.scenes)
    if spread is None:
        workers = min(config.workers, len(missing))
        finished = _finished(config, folder, missing, sources, backgrounds, workers)
    else:
        finished = spread(missing, partial(_maker, config, folder, sources, backgrounds))
    for _ in finished:
        done = min(done + SHARD, config.scenes)
        progress("scenes", done, config.scenes)


def _finished(
    config: ChallengeConfig,
    folder: Path,
    missing: list[int],
    sources: Sources,
    backgrounds: Backgrounds,
    workers: int,
) -> Iterator[None]:
    """Make the missing shards, here or in processes; yields after each."""
    if workers <= 1:
        for number in missing:
            _make_shard(config, folder, number, sources, backgrounds)
            yield
        return
    context = multiprocessing.get_context("spawn")  # the same everywhere, and no threads are inherited
    with ProcessPoolExecutor(workers, context, _start_worker, (config, folder, sources, backgrounds)) as pool:
        waiting = iter(missing)
        running: set[Future[None]] = set()
        try:
            while True:
                for number in islice(waiting, 2 * workers - len(running)):
                    running.add(pool.submit(_work, number))
                if not running:
                    return
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    future.result()
                    yield
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[ChallengeConfig, Path, Sources, Backgrounds] | None = None  # of a worker process, set when it starts


def _start_worker(config: ChallengeConfig, folder: Path, sources: Sources, backgrounds: Backgrounds) -> None:
    global _worker  # noqa: PLW0603 - a process's only way to keep what it was started with
    _worker = (config, folder, sources, backgrounds)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the first process's to answer
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """A pool's worker would wait for work for ever when the first process is killed."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)


def _work(number: int) -> None:
    if _worker is not None:
        config, folder, sources, backgrounds = _worker
        _make_shard(config, folder, number, sources, backgrounds)


def _maker(config: ChallengeConfig, folder: Path, sources: Sources, backgrounds: Backgrounds) -> Callable[[int], None]:
    """Of a worker that `spread` has."""
    if not (folder / PARTS).is_dir():
        raise InputError(os.fspath(folder), "--out", "is not there", "expected a folder that all machines share")
    return lambda number: _make_shard(config, folder, number, sources, backgrounds)


def _make_shard(config: ChallengeConfig, folder: Path, number: int, sources: Sources, backgrounds: Backgrounds) -> None:
    """Photos first, then the part that says that they are whole; chance depends on seed, number and kind alone."""
    balance = Balance()
    kind = get_args(Scenario).index(config.scenario), get_args(Layout).index(config.layout)  # sets of one seed differ
    lines = []
    for index in range(number * SHARD, min((number + 1) * SHARD, config.scenes)):
        record = compose(
            np.random.default_rng([config.seed, index, *kind]),
            config.scenario,
            config.layout,
            sources,
            backgrounds,
            place=Place(config.seed, index),
            balance=balance,
            truncation=config.truncation,
        )
        photo, scene = render(record, sources, backgrounds)
        balance.add(check_scene(record, scene, truncation=config.truncation))
        (folder / str(scene.image)).write_bytes(jpeg(photo, config.quality))
        lines.append(scene_line(scene, record))
    write_bytes_atomically(_part(folder / PARTS, number), "".join(lines).encode())


def jpeg(photo: np.ndarray, quality: int) -> bytes:
    """A photo as a JPEG file."""
    stream = io.BytesIO()
    Image.fromarray(photo).save(stream, "JPEG", quality=quality)
    return stream.getvalue()


def _part(parts: Path, number: int) -> Path:
    return parts / f"{number:05d}.jsonl"
