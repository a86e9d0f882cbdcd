"""`amodal calibrate` as it is typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from amodal.challenge import ChallengeConfig, generate
from helpers.command_line import Amodal
from helpers.cut_outs import make_cut_outs
from helpers.family import save_network


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cut_outs = make_cut_outs(tmp_path_factory.mktemp("cut_outs"))
    out = tmp_path_factory.mktemp("scenes")
    generate(ChallengeConfig(cut_outs.annotations, cut_outs.backgrounds, scenario="street", scenes=5, workers=1), out)
    return out


def test_errors_before_and_after_are_told(amodal: Amodal, scenes: Path, tmp_path: Path) -> None:
    model = save_network(tmp_path / "network.safetensors")
    out = tmp_path / "out.safetensors"
    outcome = amodal("calibrate", model, "--data", scenes, "--out", out)
    assert outcome.code == 0, outcome.err
    assert "calibration error:" in outcome.out and out.is_file()
    told = json.loads(amodal("calibrate", model, "--data", scenes, "--out", out, "--json").out)
    assert {"ece_before", "ece_after", "accuracy_of_none", "scale", "offset"} <= told.keys()


def test_a_model_that_is_no_amodal_network_is_refused(amodal: Amodal, scenes: Path, tmp_path: Path) -> None:
    model = tmp_path / "no.safetensors"
    model.write_bytes(b"nothing")
    outcome = amodal("calibrate", model, "--data", scenes, "--out", tmp_path / "out.safetensors")
    assert outcome.code == 2 and "is not a whole safetensors file" in outcome.err
