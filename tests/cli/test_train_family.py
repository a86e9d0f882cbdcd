"""`amodal train` for the amodal family: KINS as it is downloaded, by one command, and what is refused before work."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from amodal.networks.files import read_member
from helpers.command_line import Amodal
from helpers.family_task import NAME, SMALL
from helpers.kins_miniature import make_kins_miniature


@pytest.fixture(scope="module")
def kins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_kins_miniature(tmp_path_factory.mktemp("kins"))


def test_kins_as_downloaded_is_trained_on_by_one_command(amodal: Amodal, kins: Path, tmp_path: Path) -> None:
    pytest.importorskip("tensorboard")
    out, log = tmp_path / "m.safetensors", tmp_path / "log"
    asked = ("--data", kins, "--preset", "tiny", "--set", *SMALL, "--steps", 2, "--batch", 1, "--out", out)
    seen = ("--val", kins, "--val-split", "test", "--val-photos", 1, "--log", log)
    done = amodal("train", NAME, *asked, *seen, "--classes", "car", "tram")
    assert done.code == 0
    assert re.search(r"^seen at step 2: det_ap \d+\.\d %, amodal_ap \d+\.\d %, .*amodal_iou \d+\.\d %", done.out, re.M)
    assert read_member(out).classes == ("car", "tram")
    assert any(log.iterdir())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("--preset", "large"), "found 'large', expected one of small, tiny, kins"),
        (("--set", "chanels=3"), "no setting 'chanels'"),
        (("--classes", "truck"), "no object of truck"),
        (("--init", "none.safetensors"), "no such file"),
        (("--backgrounds", "."), "is no choice for amodal-mask-rcnn"),
        (("--val", "none.json"), "no such file"),
        (("--accumulate", 3), "is 3, expected a divisor of batch 4"),
        (("--device", "tpu"), "found 'tpu', expected auto, cpu or cuda"),
        (("--steps", 0), "steps: is 0"),
    ],
)
def test_what_the_family_cannot_train_with_is_refused(
    amodal: Amodal, kins: Path, tmp_path: Path, change: tuple[object, ...], said: str
) -> None:
    out = tmp_path / "m.safetensors"
    outcome = amodal("train", NAME, "--data", kins, "--out", out, *change)
    assert outcome.code == 2 and said in outcome.err and not out.exists()
