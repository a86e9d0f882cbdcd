"""How smoothly a photo of 200 drawn objects moves under the hand, and how soon the first screen is there.

    python benchmarks/annotate/panning.py [--objects 200] [--seconds 6] [--starts 5] [--out benchmarks/annotate]

A server and a Chromium of their own. The photo and its objects are made by chance from a seed: masks are outlines of
34 points. The right mouse button is held and moved along a circle; what is reported are the times between frames
(requestAnimationFrame), at the whole photo and zoomed in. The first screen is timed from the start of the
process to the list of photos on the page, in a browser that runs already. Writes panning.json. Without a graphics card
Chromium draws on the processor: `renderer` says what drew, and then the numbers are those of a slow machine.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import platform
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

WIDTH, HEIGHT, POINTS = 1920, 1280, 34
SCREEN = {"width": 1280, "height": 720}
START = "from amodal.cli.main import main; import sys; sys.exit(main(sys.argv[1:]))"
# The same with a clock; what `amodal annotate` imports before it listens is imported before.
TIMED = """
import gc, sys, time
gc.disable()
began = time.perf_counter()
import uvicorn
from amodal.annotate.api import app, opening, proposer
from amodal.cli import main
imported = time.perf_counter()
open_place = opening.open_place
def timed(*what, **how):
    started = time.perf_counter()
    place = open_place(*what, **how)
    print(imported - began, time.perf_counter() - started, flush=True)
    return place
opening.open_place = timed
sys.exit(main.main(sys.argv[1:]))
"""
FRAME_EVENTS = "disabled-by-default-devtools.timeline.frame,devtools.timeline.frame"
FRAMES = """() => {
  window.frames_at = [];
  const note = (now) => { window.frames_at.push(now); window.frame_asked = requestAnimationFrame(note); };
  window.frame_asked = requestAnimationFrame(note);
}"""
RENDERER = """() => {
  const gl = document.createElement("canvas").getContext("webgl");
  const said = gl && gl.getExtension("WEBGL_debug_renderer_info");
  return said ? gl.getParameter(said.UNMASKED_RENDERER_WEBGL) : "no WebGL";
}"""


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--objects", type=int, default=200)
    arguments.add_argument("--seconds", type=float, default=6)
    arguments.add_argument("--starts", type=int, default=5)
    arguments.add_argument("--seed", type=int, default=0)
    arguments.add_argument("--out", type=Path, default=Path(__file__).parent)
    given = arguments.parse_args()
    load = os.getloadavg()[0]
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as started:
        found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        project = Path(folder)
        make_photo(project / "photos", given.seed)
        panned = panning(browser, project, given.objects, given.seconds, given.seed)
        screens = [first_screen(browser, project) for _ in range(given.starts)]
        result = {
            "command": "python " + " ".join(["benchmarks/annotate/panning.py", *sys.argv[1:]]),
            "date": datetime.now(UTC).date().isoformat(),
            "seed": given.seed,
            "machine": {
                "processor": platform.machine(),
                "cores": os.cpu_count(),
                "load_before": round(load, 2),
                "python": platform.python_version(),
                "chromium": browser.version,
                "renderer": renderer(browser),
            },
            "photo": {"width": WIDTH, "height": HEIGHT, "objects": given.objects, "points": POINTS},
            "screen": SCREEN,
            "panning": panned,
            "first_screen_seconds": {
                part: round(statistics.median(one[part] for one in screens), 3) for part in screens[0]
            },
            "starts": given.starts,
        }
        browser.close()
    text = json.dumps(result, indent=1)
    (given.out / "panning.json").write_text(text + "\n")
    print(text)


def make_photo(folder: Path, seed: int) -> None:
    folder.mkdir(parents=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC).save(folder / "street.jpg", quality=90)


@contextmanager
def server(project: Path, code: str = START) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The running process and its address; what it prints before that is left to read."""
    command = [sys.executable, "-c", code, "annotate", str(project / "project"), "--port", "0"]
    command += ["--images", str(project / "photos")]
    compiled = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}  # as installed
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=compiled) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        if code == TIMED:
            process.times = [float(part) for part in said.split()]  # type: ignore[attr-defined]
            said = process.stdout.readline()
        try:
            yield process, said.split()[1]
        finally:
            process.terminate()


def panning(browser: Browser, project: Path, objects: int, seconds: float, seed: int) -> dict[str, Any]:
    with server(project) as (_, url):
        page = browser.new_context(viewport=SCREEN).new_page()
        page.goto(url)
        page.get_by_role("article").first.wait_for()
        draw_objects(page, objects, seed)
        page.goto(f"{url}/#/masks/1")
        page.get_by_test_id("stage").wait_for()
        page.wait_for_timeout(3000)
        result = {"whole photo": moved(browser, page, seconds)}
        for _ in range(6):
            page.keyboard.press("+")
        page.wait_for_timeout(500)
        result["zoomed in 3.8 times"] = moved(browser, page, seconds)
        page.context.close()
        return result


def draw_objects(page: Page, objects: int, seed: int) -> None:
    """Boxes and masks of an annotator, through the API as the page would."""
    chance = random.Random(seed)
    ask = page.request

    base = page.url.split("/#")[0].rstrip("/") + "/api"
    token = {"X-CSRF-Token": ask.get(f"{base}/session").json()["csrf"]}
    for _ in range(objects):
        x, y, radius = chance.uniform(60, WIDTH - 60), chance.uniform(60, HEIGHT - 60), chance.uniform(25, 130)
        ring = [(2 * math.pi * k / POINTS, radius * chance.uniform(0.75, 1)) for k in range(POINTS)]
        outline = [round(value, 1) for a, r in ring for value in (x + r * math.cos(a), y + r * math.sin(a))]
        box = [min(outline[::2]), min(outline[1::2]), max(outline[::2]), max(outline[1::2])]
        made = ask.post(f"{base}/photos/1/objects", data={"label": "car", "box": box}, headers=token)
        drawn = {"version": 0, "polygons": [outline], "seconds": 1.0, "state": "draft"}
        said = ask.put(f"{base}/objects/{made.json()['id']}/mask", data=drawn, headers=token)
        assert said.ok, said.text()


def moved(browser: Browser, page: Page, seconds: float) -> dict[str, Any]:
    box = page.get_by_test_id("stage").bounding_box()
    assert box is not None
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(middle[0] + 150, middle[1])
    page.mouse.down(button="right")
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    page.evaluate(FRAMES)
    before = measures(session)
    browser.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline", FRAME_EVENTS])
    began = time.perf_counter()
    events = 0
    while (now := time.perf_counter() - began) < seconds:
        page.mouse.move(middle[0] + 150 * math.cos(3 * now), middle[1] + 150 * math.sin(3 * now))
        events += 1
    times = page.evaluate("() => { cancelAnimationFrame(window.frame_asked); return window.frames_at; }")
    after = measures(session)
    page.mouse.up(button="right")
    shown = Counter(event["name"] for event in json.loads(browser.stop_tracing())["traceEvents"])
    between = sorted(b - a for a, b in pairwise(times))
    return {
        "frames": len(times),
        "mouse_events": events,
        "frames_per_second": round(1000 * len(between) / (times[-1] - times[0]), 1),
        "frame_ms": {f"p{share}": round(quantile(between, share), 1) for share in (50, 95, 99, 100)},
        "drawn_and_dropped_by_the_compositor": [shown["DrawFrame"], shown["DroppedFrame"]],
        "main_thread_busy": round((after["TaskDuration"] - before["TaskDuration"]) / (times[-1] - times[0]) * 1000, 2),
        "frames_over_20_ms": sum(one > 20 for one in between),
        "frames_over_50_ms": sum(one > 50 for one in between),
    }


def measures(session: CDPSession) -> dict[str, float]:
    """What the browser counts of the page's main thread, in seconds."""
    return {one["name"]: one["value"] for one in session.send("Performance.getMetrics")["metrics"]}


def first_screen(browser: Browser, project: Path) -> dict[str, float]:
    """Seconds from the start of the process to the listed photo; the parts are of a second start with a clock in it."""
    new = Path(tempfile.mkdtemp(dir=project))
    shutil.copytree(project / "photos", new / "photos")
    total_of_new = until_listed(browser, new, START)[0]
    total, page_load = until_listed(browser, project, START)[:2]
    _, _, process = until_listed(browser, project, TIMED)
    imports, database = process.times  # type: ignore[attr-defined]
    return {
        "a new project": total_of_new,
        "a project that is there": total,
        "imports": imports,
        "opening the database": database,
        "page, once the server listens": page_load,
    }


def until_listed(browser: Browser, project: Path, code: str) -> tuple[float, float, subprocess.Popen[str]]:
    page = browser.new_context(viewport=SCREEN).new_page()
    began = time.perf_counter()
    with server(project, code) as (process, url):
        listening = time.perf_counter()
        page.goto(url)
        page.get_by_role("article").first.wait_for()
        listed = time.perf_counter()
    page.context.close()
    return listed - began, listed - listening, process


def renderer(browser: Browser) -> str:
    page = browser.new_page()
    said = str(page.evaluate(RENDERER))
    page.close()
    return said


def quantile(values: list[float], percent: int) -> float:
    """Of sorted values."""
    return values[min(len(values) - 1, math.ceil(len(values) * percent / 100) - 1)]


if __name__ == "__main__":
    main()
