"""What was measured, as a JSON document, as text, and beside an earlier document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from amodal.bench.timing import Measurement
from amodal.data.fields import Field, read_json
from amodal.data.write import write_text_atomically

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class Report:
    """A run: what was asked, when (ISO date), where, what came of it, and why some suites were skipped."""

    command: str
    date: str
    model: str
    machine: Mapping[str, Any]
    measurements: tuple[Measurement, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)


def write_report(report: Report, path: Path) -> None:
    """Whole or not at all."""
    document = {"schema_version": SCHEMA_VERSION, **asdict(report)}
    write_text_atomically(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def read_report(path: Path) -> Report:
    """What an earlier run wrote.

    Raises:
        InputError: no such file, or something else is in it.
    """
    root = read_json(path)
    root["schema_version"].integer(SCHEMA_VERSION, SCHEMA_VERSION)
    skipped = root.get("skipped")
    return Report(
        command=root["command"].text(),
        date=root["date"].text(),
        model=root["model"].text(),
        machine=root["machine"].object(),
        measurements=tuple(_measurement(item) for item in root["measurements"].items()),
        skipped={} if skipped is None else {name: str(reason) for name, reason in skipped.object().items()},
    )


def as_text(report: Report, before: Report | None = None) -> str:
    """A table a suite; with an earlier report beside it, how much better each number has become."""
    lines = [f"{report.command}   {report.date}", _where(report)]
    if before is not None:
        lines += [f"beside {before.command}   {before.date}", _where(before)]
    earlier = {(one.suite, one.what): one for one in (before.measurements if before else ())}
    for suite in dict.fromkeys(one.suite for one in report.measurements):
        rows = [one for one in report.measurements if one.suite == suite]
        width = max(len(one.what) for one in rows)
        lines += ["", suite]
        lines += [_line(one, earlier.get((one.suite, one.what)), width) for one in rows]
    lines += [f"\n{suite}: skipped, {reason}" for suite, reason in report.skipped.items()]
    return "\n".join(lines) + "\n"


def gain(now: Measurement, before: Measurement) -> float | None:
    """How many times better than before; below 1 it is worse. None where nothing can be said."""
    above, below = (before, now) if now.better == "less" else (now, before)
    return above.value / below.value if below.value and now.unit == before.unit else None


def _where(report: Report) -> str:
    host = {key: "?" if value is None else value for key, value in report.machine.items()}
    gpu = f" and {host['gpu']}" if report.machine.get("gpu") else ""
    return (
        f"{host.get('cpu')}{gpu}, {host.get('cores')} cores (load {host.get('load_before')} before), "
        f"torch {host.get('torch')} with {host.get('torch_threads')} threads; model {report.model}"
    )


def _line(one: Measurement, before: Measurement | None, width: int) -> str:
    quartiles = f"[{one.quartiles[0]:,g} - {one.quartiles[1]:,g}]" if one.quartiles else ""
    line = f"  {one.what:<{width}}  {one.value:>10,g} {one.unit:<9} {quartiles:<24}"
    if before is not None:
        better = gain(one, before)
        line += f" before {before.value:,g}" + ("" if better is None else f", {better:.2f} × as good")
    return line.rstrip()


def _measurement(item: Field) -> Measurement:
    quartiles = item.get("quartiles")
    return Measurement(
        suite=item["suite"].text(),
        what=item["what"].text(),
        value=item["value"].number(),
        unit=item["unit"].text(),
        better="less" if item["better"].one_of("less", "more") == "less" else "more",
        quartiles=None if quartiles is None else _pair(quartiles),
    )


def _pair(field: Field) -> tuple[float, float]:
    low, high = field.numbers(2, "two numbers")
    return low, high
