"""Speed, memory and sameness as benchmarks measured them; and what very many photos cost, reckoned from that."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rendering import ROOT, as_table, not_yet, read

SCALE = ROOT / "benchmarks" / "scale"
THROUGHPUT, PROFILE = SCALE / "result.json", SCALE / "profile" / "after.txt"
MEMORY = {"": SCALE / "memory.json", " --precomputed": SCALE / "memory_precomputed.json"}
SERVED = ROOT / "benchmarks" / "serve" / "result.json"
EXPORTED = {"student": ROOT / "benchmarks" / "export", "orm": ROOT / "benchmarks" / "export" / "orm"}
MILLION = 10**6
CORES = 1024
HOUR = 3600


def cost_of_many() -> str:
    """Core-hours of a million and of a hundred million photos, and what a cluster of many cores would have to read."""
    measured = {"processor time, one thread ([profile](../benchmarks/scale/profile/after.txt))": _seconds_of_profile()}
    result = read(THROUGHPUT)
    if result is not None:
        measured |= {"the clock, all cores ([result](../benchmarks/scale/result.json))": _seconds_by_the_clock(result)}
    head = ["c measured by", "c", "a million", "a hundred million", f"that on {CORES} cores", "these would read"]
    body = [
        [
            name,
            f"{seconds:.3f} core-seconds",
            f"{MILLION * seconds / HOUR:,.0f} core-hours",
            f"{100 * MILLION * seconds / HOUR:,.0f} core-hours",
            f"{100 * MILLION * seconds / HOUR / CORES:,.1f} hours",
            f"{CORES / seconds:,.0f} photos/s",
        ]
        for name, seconds in measured.items()
    ]
    missing = "" if result is not None else "\n\n" + not_yet("python benchmarks/scale/run.py")
    return as_table(head, body) + missing


def _seconds_of_profile() -> float:
    """The last row: all stages together, in milliseconds a photo."""
    rows = [line.split() for line in PROFILE.read_text("utf-8").splitlines()]
    return next(float(row[1]) for row in rows if len(row) == 3 and row[0] == "all") / 1000


def _seconds_by_the_clock(result: Mapping[str, Any]) -> float:
    """Of the fastest configuration, which has all cores of the machine."""
    fastest = max(row["photos_per_second"]["predict"] for row in result["configurations"])
    return float(result["machine"]["cores"] / fastest)


def speed_of_many() -> str:
    """Photos a second from files to parts, beside the backbone alone."""
    result = read(THROUGHPUT)
    if result is None:
        return not_yet("python benchmarks/scale/run.py")
    body = [
        [
            f"{row['workers']} × {row['threads']}",
            f"{row['photos_per_second']['backbone']:.1f}",
            f"{row['photos_per_second']['predict']:.1f}",
            _with_quartiles(row["predict_over_backbone"]),
            _with_quartiles(row["the_same_by_cpu"]),
        ]
        for row in result["configurations"]
    ]
    head = ["workers × threads", "backbone alone, photos/s", "all, photos/s", "all / backbone", "by processor time"]
    return as_table(head, body)


def memory_of_many() -> str:
    """Resident memory at the beginning and the end of long runs."""
    found = {option: result for option, path in MEMORY.items() if (result := read(path)) is not None}
    body = [
        [
            f"{result['photos']:,}" + (", features computed once" if option else ""),
            *(f"{result['rss_mb'][when]:,.0f} MB" for when in ("after warming up", "at the end")),
            f"{result['slope_kb_per_photo']:.2f} kB a photo",
        ]
        for option, result in found.items()
    ]
    missing = [not_yet(f"python benchmarks/scale/memory.py{option}") for option in MEMORY if option not in found]
    return "\n\n".join([as_table(["photos", "after a tenth", "at the end", "slope"], body), *missing])


def service() -> str:
    """The server under load: answers, how late they came, and what was lost."""
    result = read(SERVED)
    if result is None:
        return not_yet("python benchmarks/serve/run.py")
    through, crowd, memory = result["throughput"], result["overload"], result["memory"]
    rows = {
        f"{through['clients']} clients, streets": through,
        f"{crowd['clients']} clients, {crowd['places']} places": crowd,
        f"{memory['answers']:,} small photos": memory,
    }
    body = [
        [
            name,
            *(f"{seconds:.2f} s" for seconds in row["latency_seconds"].values()),
            *(f"{row[count]:,}" for count in ("answers", "wrong", "lost")),
        ]
        for name, row in rows.items()
    ]
    table = as_table(["", *through["latency_seconds"], "answers", "wrong", "lost"], body)
    return (
        f"{table}\n\nServed photos a second over offline ones: {through['ratio']:.2f}. Memory over the small photos: "
        f"{memory['slope_kb_per_request']:.2f} kB a request ([result](../benchmarks/serve/result.json))."
    )


def exported() -> str:
    """Exported graphs beside PyTorch: seconds, masks, accuracy."""
    parts = []
    for method, folder in EXPORTED.items():
        result = read(folder / "result.json")
        if result is None:
            option = "" if method == "student" else f" --method {method} --out benchmarks/export/{method}"
            parts.append(not_yet(f"python benchmarks/export/run.py --data DIR{option}"))
            continue
        body = [
            [
                name,
                f"{row['seconds']['median']:.3f}",
                _with_quartiles(row["over_usual"]),
                f"{row['iou']['mean']:.4f}",
                "" if row["largest_map_difference"] is None else f"{row['largest_map_difference']:.1e}",
                f"{row['miou_with_annotated']:.4f}",
            ]
            for name, row in result["rows"].items()
        ]
        head = ["", "s a photo", "/ torch bf16", "IoU with torch fp32", "largest map difference", "mIoU, visible"]
        said = f"Method `{method}`, {result['photos']} photos, {result['objects']} objects:"
        parts.append(f"{said}\n\n{as_table(head, body)}")
    return "\n\n".join(parts)


def _with_quartiles(values: Mapping[str, Any]) -> str:
    low, high = values["quartiles"]
    return f"{values['median']:.2f} [{low:.2f}–{high:.2f}]"


COSTS: Mapping[str, Callable[[], str]] = {
    "cost_of_many": cost_of_many,
    "speed_of_many": speed_of_many,
    "memory_of_many": memory_of_many,
    "service": service,
    "exported": exported,
}
