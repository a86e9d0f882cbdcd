"""What does `amodal serve` cost beside prediction without a server, and does it hold? Load by locust on the loopback.

    python benchmarks/serve/run.py [--seconds 60] [--rounds 3] [--requests 10000] [--only load|memory]

throughput: the same ten streets of 375 × 1242 px, in turns through `amodal predict`'s own loop and through the server
    with 12 clients, each round one after the other; the ratio is the median over rounds of served to the mean of the
    offline runs before and after.
overload: more clients than the queue has places; who is refused comes again when Retry-After says.
memory: 10,000 small photos, one request in twenty malformed, four slow clients throughout; the slope is that of the
    server's resident memory over requests by least squares, the first fifth left out.

`--only` measures throughput and overload (load), or memory, anew and keeps what else result.json has. Each of the three
says by what command, when and on what it was measured.

Every answer is compared with the scene that the same photo got offline. Locust and the server share the machine's
cores. Writes result.json and result.txt beside this file. Needs locust, which the extra `dev` brings.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import numpy as np
from photos import make_small, make_streets
from prometheus_client.parser import text_string_to_metric_families

from amodal.bench.machine import machine
from amodal.data.fields import Field
from amodal.data.results import read_scenes, scenes_of
from amodal.scene import Scene

HERE = Path(__file__).resolve().parent
USERS, OVERLOAD_USERS, PLACES = 12, 64, 32
LEAST_RATIO, SAME_IOU = 0.90, 0.995


def main() -> None:
    asked = arguments()
    found: dict[str, Any] = {}
    measured = {
        "command": " ".join(["python benchmarks/serve/run.py", *sys.argv[1:]]),
        "date": date.today().isoformat(),
        "machine": machine(),
    }
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        streets, small = make_streets(folder / "streets"), make_small(folder / "small")
        if asked.only != "memory":
            found["throughput"], found["overload"] = under_load(streets, folder, asked)
        if asked.only != "load":
            found["memory"] = over_many(small, folder, asked)
    file = asked.out / "result.json"
    before = json.loads(file.read_text()) if asked.only is not None else {}
    result = before | {name: {"measured": measured, **part} for name, part in found.items()}
    asked.out.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(result, indent=1) + "\n")
    text = table(result)
    (asked.out / "result.txt").write_text(text)
    print(text, end="")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of each run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--requests", type=int, default=10_000, help="small photos of the memory run")
    parser.add_argument("--only", choices=["load", "memory"], help="keep the rest of result.json")
    parser.add_argument("--out", type=Path, default=HERE, help="where result.json and result.txt go")
    return parser.parse_args()


def under_load(boxes: Path, folder: Path, asked: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Offline and served in turns, then more clients than places."""
    with offline(boxes, folder / "streets.json") as work, served() as server:
        load(server, boxes, folder, users=USERS, seconds=min(asked.seconds, 10))  # both have worked before
        without, runs = [work(asked.seconds)], []
        for _ in range(asked.rounds):
            runs.append(load(server, boxes, folder, users=USERS, seconds=asked.seconds))
            without.append(work(asked.seconds))
        crowd = load(server, boxes, folder, users=OVERLOAD_USERS, seconds=asked.seconds)
    scenes = by_name(folder / "streets.json")
    ratios = [run.rate / statistics.mean(without[n : n + 2]) for n, run in enumerate(runs)]
    latencies = [one for run in runs for one in run.seen["latencies"]]
    throughput = {
        "clients": USERS,
        "offline_photos_per_second": [round(rate, 3) for rate in without],
        "served_photos_per_second": [round(run.rate, 3) for run in runs],
        "ratio": round(statistics.median(ratios), 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
        "latency_seconds": percentiles(latencies),
        **judged(runs, scenes),
    }
    overload = {
        "clients": OVERLOAD_USERS,
        "places": PLACES,
        "served_photos_per_second": round(crowd.rate, 3),
        "latency_seconds": percentiles(crowd.seen["latencies"]),
        **judged([crowd], scenes),
    }
    return throughput, overload


def over_many(boxes: Path, folder: Path, asked: argparse.Namespace) -> dict[str, Any]:
    """Many small photos, with clients that misbehave among them."""
    with offline(boxes, folder / "small.json"):
        pass
    with served("--body-seconds", "5") as server:
        load(server, boxes, folder, users=4, stop_after=50)
        run = load(server, boxes, folder, users=8, stop_after=asked.requests, malformed=0.05, slow=4)
        alive = json.loads(urlopen(f"{server.address}/healthz").read())["status"]
    kept = [(requests, megabytes) for requests, megabytes in run.memory if requests >= asked.requests / 5]
    slope = float(np.polyfit(*np.array(kept, float).T, 1)[0]) if len(kept) > 2 else float("nan")
    return {
        "requests": asked.requests,
        "resident_mb": {
            name: round(value, 1)
            for name, value in (("first", kept[0][1]), ("last", kept[-1][1]), ("most", max(mb for _, mb in run.memory)))
        },
        "slope_kb_per_request": round(slope * 1000, 3),
        "served_photos_per_second": round(run.rate, 2),
        "latency_seconds": percentiles(run.seen["latencies"]),
        "slow_clients_cut_off": run.seen["cut"],
        "health_afterwards": alive,
        **judged([run], by_name(folder / "small.json")),
    }


@dataclass(frozen=True)
class Server:
    """A running server."""

    address: str
    process: subprocess.Popen[str]

    def metric(self, name: str, **labels: str) -> float:
        families = text_string_to_metric_families(urlopen(f"{self.address}/metrics").read().decode())
        found = (one for family in families for one in family.samples)
        return sum(one.value for one in found if one.name == name and labels.items() <= one.labels.items())


@dataclass(frozen=True)
class Run:
    """What locust saw, answers per second from its start to the last of them, requests and megabytes over time."""

    seen: dict[str, Any]
    rate: float
    memory: list[tuple[float, float]]


@contextmanager
def served(*options: str) -> Iterator[Server]:
    command = [sys.executable, "-m", "amodal", "serve", "--port", "0", "--queue-photos", str(PLACES), *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = re.search(r"http://\S+", process.stdout.readline())
            assert found is not None
            server = Server(found[0], process)
            while not is_ready(server):
                time.sleep(0.2)
            yield server
        finally:
            process.terminate()


def is_ready(server: Server) -> bool:
    try:
        return bool(urlopen(f"{server.address}/readyz").status == 200)
    except URLError:
        return False


@contextmanager
def offline(boxes: Path, scenes: Path) -> Iterator[Any]:
    """A call that works offline for some seconds and says how many photos per second; scenes are written first."""
    command = [sys.executable, str(HERE / "offline.py"), str(boxes), str(scenes)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"

        def work(seconds: float) -> float:
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
            return float(process.stdout.readline())

        yield work
        process.stdin.close()


def load(server: Server, boxes: Path, folder: Path, *, users: int, seconds: float | None = None, **more: Any) -> Run:
    """One run of locust."""
    out = folder / "seen.json"
    asked = {"boxes": str(boxes), "out": str(out), **more}
    command = [sys.executable, "-m", "locust", "-f", str(HERE / "locustfile.py"), "--host", server.address]
    command += ["--headless", "--only-summary", "-u", str(users), "-r", str(users), "--stop-timeout", "60"]
    command += [] if seconds is None else ["-t", f"{seconds:g}s"]
    memory = []
    with subprocess.Popen(
        command,
        env={**os.environ, "AMODAL_LOAD": json.dumps(asked)},
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    ) as locust:
        while locust.poll() is None:
            time.sleep(1)
            requests = server.metric("amodal_requests_total", route="/v1/segment")
            memory.append((requests, server.metric("process_resident_memory_bytes") / 1e6))
    seen = json.loads(out.read_text())
    return Run(seen, sum(seen["counts"].values()) / (seen["last"] - seen["first"]), memory)


def judged(runs: list[Run], scenes: dict[str, Scene]) -> dict[str, Any]:
    """Every distinct answer laid beside the offline scene; wrong: an object's mask or the order is another."""
    distinct = {(name, text) for run in runs for name, texts in run.seen["answers"].items() for text in texts.values()}
    wrong = [name for name, text in distinct if not is_same(scenes[name], text)]
    statuses: dict[str, int] = {}
    for run in runs:
        for status, count in run.seen["statuses"].items():
            statuses[status] = statuses.get(status, 0) + count
    return {
        "answers": sum(count for run in runs for count in run.seen["counts"].values()),
        "distinct_answers_compared": len(distinct),
        "wrong": len(wrong),
        "lost": sum(run.seen["lost"] for run in runs),
        "statuses": dict(sorted(statuses.items())),
    }


def is_same(expected: Scene, text: str) -> bool:
    (scene,) = scenes_of(Field("answer", None, "", json.loads(text)))
    edges = [{(edge.front, edge.behind) for edge in one.order.edges} for one in (expected, scene)]
    masks = [
        a.id == b.id and a.label == b.label and same(a.amodal, b.amodal) and same(a.modal, b.modal)
        for a, b in zip(expected.instances, scene.instances, strict=False)
    ]
    return len(expected) == len(scene) and all(masks) and edges[0] == edges[1]


def same(a: Any, b: Any) -> bool:
    return bool(a == b or a.iou(b) >= SAME_IOU)


def by_name(scenes: Path) -> dict[str, Scene]:
    return {Path(scene.image or "").name: scene for scene in read_scenes(scenes)}


def percentiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{p}": round(float(np.percentile(seconds, p)), 3) for p in (50, 95, 99)} if seconds else {}


def table(result: dict[str, Any]) -> str:
    through, crowd, memory = result["throughput"], result["overload"], result["memory"]

    def told(part: dict[str, Any]) -> str:
        host = part["measured"]["machine"]
        where = f"{host['cpu']}, {host['cores']} cores, load {host['load_before']} before"
        return f"{part['measured']['command']}   {part['measured']['date']}; {where}"

    def line(name: str, found: dict[str, Any]) -> str:
        late = " / ".join(f"{value:.2f}" for value in found["latency_seconds"].values())
        return f"{name:<12}{late:>24}{found['answers']:>10}{found['wrong']:>7}{found['lost']:>6}"

    reached = "reached" if through["ratio"] >= LEAST_RATIO else "missed"
    offline_rate, served_rate = (
        statistics.median(through[f"{which}_photos_per_second"]) for which in ("offline", "served")
    )
    cut, health = memory["slow_clients_cut_off"], memory["health_afterwards"]
    return "\n".join(
        [
            told(through),
            f"offline   {offline_rate:.2f} photos/s",
            f"served    {served_rate:.2f} photos/s, {through['clients']} clients",
            f"ratio     {through['ratio']:.3f} (at least {LEAST_RATIO}: {reached})",
            f"{'':<12}{'p50 / p95 / p99 [s]':>24}{'answers':>10}{'wrong':>7}{'lost':>6}",
            line("load", through),
            line("overload", crowd),
            line("memory", memory),
            f"overload: {crowd['statuses']}",
            told(memory),
            f"memory: {memory['resident_mb']} MB, slope {memory['slope_kb_per_request']} kB per request; "
            f"{memory['statuses']}, {cut} slow clients cut off, then {health}",
            "",
        ]
    )


if __name__ == "__main__":
    main()
