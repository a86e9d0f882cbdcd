"""Where the time of many photos goes, method `orm`, one thread: seconds of processor of each stage.

    python benchmarks/scale/stages.py --name after [--repeats 5]

Processor time of the thread that does the work: what else runs on the machine disturbs it little. Writes
profile/NAME.txt beside this file.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from amodal.bench.machine import machine
from amodal.bench.many import make_streets, write_jsonl
from amodal.data.parts import PARTS
from amodal.features import crops
from amodal.methods import assembly, compositional, looking
from amodal.scale import decode, work
from amodal.scale.jobs import units_of
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked, Tools, do_unit
from amodal.scale.workers import set_threads

HERE = Path(__file__).resolve().parent
STAGES: tuple[tuple[Any, str, str], ...] = (
    (decode, "load", "decoding, checks of boxes"),
    (crops, "crop_seen_right", "cutting crops"),
    (crops, "run_backbone", "backbone"),
    (looking, "_look_at_group", "kernels and maps"),
    (compositional, "evidence_of", "maps to pixels"),
    (compositional, "look_again", "self-correction"),
    (assembly, "scene_of", "masks and scenes"),
    (work, "row_of", "rows"),
    (work, "write_rows", "writing"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--name", default="now", help="of the file that is written")
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    set_threads(1)
    taken: dict[str, float] = defaultdict(float)
    for room, name, stage in STAGES:
        setattr(room, name, timed(getattr(room, name), stage, taken))
    tools = Tools(Asked("default", "orm", {"refine": "none"}, None))
    segmenter: Any = tools.segmenter
    tools.segmenter = replace(segmenter, reasoner=timed(segmenter.reasoner, "reasoning", taken))
    runs: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / PARTS).mkdir()
        streets = make_streets(folder)
        (unit,) = units_of(open_sources([write_jsonl(streets, len(streets), folder / "photos.jsonl")]), 1000)
        do_unit(unit, tools, folder, "jsonl")
        for _ in range(arguments.repeats):
            taken.clear()
            before = time.process_time()
            do_unit(unit, tools, folder, "jsonl")
            taken["all"] = time.process_time() - before
            runs.append(dict(taken))
    text = table(min(runs, key=lambda run: run["all"]), len(unit.jobs))
    (HERE / "profile").mkdir(exist_ok=True)
    (HERE / "profile" / f"{arguments.name}.txt").write_text(text)
    print(text, end="")


def timed(call: Callable[..., Any], stage: str, taken: dict[str, float]) -> Callable[..., Any]:
    def timing(*values: Any, **more: Any) -> Any:
        before = time.thread_time()
        try:
            return call(*values, **more)
        finally:
            taken[stage] += time.thread_time() - before

    return timing


def table(run: dict[str, float], photos: int) -> str:
    host = machine()
    # What a look again has the evidence made of anew is counted there, and in the reasoning that asks for it.
    inner = ("maps to pixels", "self-correction")
    named = sum(seconds for stage, seconds in run.items() if stage not in ("all", *inner))
    rows = sorted(((seconds, stage) for stage, seconds in run.items() if stage != "all"), reverse=True)
    lines = [
        f"python benchmarks/scale/stages.py   {date.today().isoformat()}",
        f"{host['cpu']}, torch {host['torch']}, one thread; {photos} photos; processor time",
        "",
        "stage                        ms a photo   share",
    ]
    for seconds, stage in [*rows, (run["all"] - named, "all else (and maps of the first look)")]:
        lines.append(f"{stage:38s} {1000 * seconds / photos:8.2f}  {seconds / run['all']:6.1%}")
    lines.append(f"{'all':38s} {1000 * run['all'] / photos:8.2f}  100.0%")
    lines += [
        "",
        "Maps to pixels and self-correction happen in part within the reasoning, and are counted in both then.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
