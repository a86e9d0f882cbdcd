"""`amodal bench`: its clockwork on calls whose time is known, its files, and one short run of every suite."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import pytest

from amodal.bench import exported
from amodal.bench import report as reports
from amodal.bench.server import need, running
from amodal.bench.suites import QUICK, run_suites
from amodal.bench.timing import Measurement, Skipped, ratios, taken_in_turns
from amodal.cli.main import main
from amodal.errors import AmodalError


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


def test_two_files_are_laid_side_by_side_and_nothing_is_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reports.write_report(a_report(), tmp_path / "today.json")
    slower = tuple(replace(one, value=2 * one.value) for one in a_report().measurements)
    reports.write_report(replace(a_report(), measurements=slower), tmp_path / "yesterday.json")
    given = ["--measured", str(tmp_path / "today.json"), "--against", str(tmp_path / "yesterday.json")]
    assert main(["bench", *given]) == 0
    assert capsys.readouterr().out.count("2.00 × as good") == len(slower)


def test_a_suite_that_cannot_be_measured_is_skipped_with_the_reason_and_the_others_are_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def lacking(_model: str, _seconds: float) -> list[Measurement]:
        raise Skipped("a library is not installed")

    monkeypatch.setattr("amodal.bench.serving.measure", lacking)
    monkeypatch.setattr("amodal.bench.scores.measure", lambda *_: [Measurement("scores", "what", 1, "ms")])
    found = run_suites(["serve", "scores"], "default", 1, lambda *_: None)
    assert (found.skipped, [one.suite for one in found.measurements]) == (
        {"serve": "a library is not installed"},
        ["scores"],
    )


def test_what_was_skipped_is_in_the_file_and_in_the_text(tmp_path: Path) -> None:
    reports.write_report(replace(a_report(), skipped={"export": "no onnx"}), tmp_path / "bench.json")
    assert "export: skipped, no onnx" in reports.as_text(reports.read_report(tmp_path / "bench.json"))


def test_a_file_of_before_suites_could_be_skipped_is_read(tmp_path: Path) -> None:
    path = tmp_path / "bench.json"
    reports.write_report(a_report(), path)
    older = json.loads(path.read_text())
    del older["skipped"]
    path.write_text(json.dumps(older))
    assert reports.read_report(path) == a_report()


def test_a_suite_has_what_the_ones_before_it_left_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, float] = {}

    def slow(_model: str, seconds: float) -> list[Measurement]:
        given["reading"] = seconds
        time.sleep(0.3)
        return []

    def quick(_model: str, seconds: float) -> list[Measurement]:
        given["scores"] = seconds
        return []

    monkeypatch.setattr("amodal.bench.reading.measure", slow)
    monkeypatch.setattr("amodal.bench.scores.measure", quick)
    run_suites(["reading", "scores"], "default", 0.4, lambda *_: None)
    assert given["reading"] == pytest.approx(0.2, abs=0.02)
    assert 0 <= given["scores"] <= 0.1


def test_a_suite_that_does_not_exist_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bench", "--suites", "flight"]) == 2
    assert "expected all, or some of inference" in capsys.readouterr().err


@pytest.mark.slow
def test_a_short_run_measures_every_quick_suite(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for what, little in {
        "inference.OBJECTS": 2,
        "many.PHOTOS": 2,
        "reading.MEGABYTES": 1,
        "scores.PHOTOS": 4,
        "scores.OBJECTS": 30,
    }.items():
        monkeypatch.setattr(f"amodal.bench.{what}", little)
    assert main(["bench", "--seconds", "1", "--out", str(tmp_path / "bench.json"), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    found = reports.read_report(tmp_path / "bench.json").measurements
    assert {one.suite for one in found} == set(QUICK)
    assert [one["value"] for one in printed["measurements"]] == [one.value for one in found]
    value = {one.what: one.value for one in found if one.suite == "inference"}
    # The whole takes at least what it is made of, but for the machine's moods.
    assert value["orm, file to scene"] > 0.5 * (value["decode"] + value["crops"] + value["backbone (the limit)"])


def values_of(suite: str, path: Path) -> dict[str, float]:
    assert main(["bench", "--suites", suite, "--seconds", "1", "--out", str(path)]) == 0
    return {one.what: one.value for one in reports.read_report(path).measurements}


@pytest.mark.slow
def test_a_served_photo_costs_about_what_it_does_without_a_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("amodal.bench.serving.PHOTOS", 4)
    value = values_of("serve", tmp_path / "bench.json")
    assert 5 < value["served, share of without"] < 500
    assert value["the slowest answer"] >= value["an answer"] > 0


def test_what_the_annotation_server_does_for_one_person_is_measured(tmp_path: Path) -> None:
    value = values_of("annotate", tmp_path / "bench.json")
    assert len(value) == 4
    assert all(one > 0 for one in value.values())


@pytest.mark.slow
def test_every_engine_that_is_installed_is_beside_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amodal.bench.exported.OBJECTS", 2)
    value = values_of("export", tmp_path / "bench.json")
    engines = {"onnxruntime", *(["OpenVINO"] if find_spec("openvino") else [])}
    assert {what.removesuffix(" / PyTorch") for what in value if what.endswith(" / PyTorch")} == engines


def test_an_exported_folder_has_no_pytorch_beside_it_and_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "export.json").write_text("{}")
    with pytest.raises(Skipped, match="is exported already"):
        exported.measure(str(tmp_path), 1)


def test_a_missing_extra_is_named_with_how_to_get_it() -> None:
    with pytest.raises(Skipped, match=r"no_such_module not installed: pip install 'amodal\[serve\]'"):
        need("serve", "json", "no_such_module")


def test_a_server_that_ends_before_it_listens_is_told(tmp_path: Path) -> None:
    with (
        pytest.raises(AmodalError, match="ended before it listened"),
        running("serve", "--model", str(tmp_path / "no")),
    ):
        pass
