"""`amodal bench`: its clockwork on calls whose time is known, its files, and one short run of every suite."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from amodal.bench import report as reports
from amodal.bench.suites import SUITES
from amodal.bench.timing import Measurement, ratios, taken_in_turns
from amodal.cli.main import main


def test_calls_take_turns_there_and_back_again() -> None:
    seen: list[str] = []
    taken_in_turns({name: partial(seen.append, name) for name in "ab"}, seconds=0, least=2)
    assert "".join(seen) == "ab" + "ab" + "ba"


def test_the_times_are_those_of_the_calls() -> None:
    taken = taken_in_turns({"long": lambda: time.sleep(0.02), "short": lambda: time.sleep(0.001)}, seconds=0)
    assert all(long >= 0.02 and short >= 0.001 for long, short in zip(*taken.values(), strict=True))
    assert len(taken["long"]) == 3


def test_a_ratio_is_of_neighbouring_runs() -> None:
    assert ratios([2.0, 20.0], [1.0, 10.0]) == [2.0, 2.0]


def test_a_measurement_is_the_median_with_quartiles() -> None:
    assert Measurement.of("suite", "what", [1, 2, 3, 4, 100], "ms") == Measurement(
        "suite", "what", 3, "ms", "less", (2, 4)
    )


@pytest.mark.parametrize(("better", "expected"), [("less", 2.0), ("more", 0.5)])
def test_half_the_value_is_twice_as_good_where_less_is_better(better: str, expected: float) -> None:
    before = Measurement("suite", "what", 10, "ms", better)  # type: ignore[arg-type]
    assert reports.gain(replace(before, value=5), before) == expected


def a_report() -> reports.Report:
    found = (Measurement("one", "decoding", 7.5, "ms", "less", (7.0, 8.0)), Measurement("two", "memory", 300, "MB"))
    return reports.Report("amodal bench", "2026-11-22", "default", {"cpu": "a cpu", "gpu": None, "cores": 2}, found)


def test_a_report_is_read_as_it_was_written(tmp_path: Path) -> None:
    reports.write_report(a_report(), tmp_path / "bench.json")
    assert reports.read_report(tmp_path / "bench.json") == a_report()


def test_the_text_has_the_earlier_value_beside(tmp_path: Path) -> None:
    before = replace(a_report(), measurements=(Measurement("one", "decoding", 15.0, "ms"),))
    (line,) = [line for line in reports.as_text(a_report(), before).splitlines() if "decoding" in line]
    assert "before 15, 2.00 × as good" in line


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("schema_version", 2, "schema_version"),
        ("measurements", [{"suite": "one"}], "measurements[0].what"),
        ("measurements", 3, "expected a list"),
    ],
)
def test_a_file_that_is_no_report_is_refused_with_its_field(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], field: str, value: object, said: str
) -> None:
    path = tmp_path / "bench.json"
    reports.write_report(a_report(), path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    assert main(["bench", "--against", str(path)]) == 2
    assert said in capsys.readouterr().err


def test_a_suite_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--suites", "flight"]) == 2
    assert "expected some of inference" in capsys.readouterr().err


def test_a_short_run_measures_every_suite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, little in {
        "inference.OBJECTS": 2,
        "reading.MEGABYTES": 1,
        "scores.PHOTOS": 4,
        "scores.OBJECTS": 30,
    }.items():
        monkeypatch.setattr(f"amodal.bench.{what}", little)
    assert main(["bench", "--seconds", "1", "--out", str(tmp_path / "bench.json"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = reports.read_report(tmp_path / "bench.json").measurements
    assert {one.suite for one in found} == set(SUITES)
    assert [one["value"] for one in printed["measurements"]] == [one.value for one in found]
    value = {one.what: one.value for one in found if one.suite == "inference"}
    # The whole takes at least what it is made of, but for the machine's moods.
    assert value["orm, file to scene"] > 0.5 * (value["decode"] + value["crops"] + value["backbone (the limit)"])
