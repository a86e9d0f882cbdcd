from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from amodal import __version__
from amodal.cli.main import COMMANDS
from helpers.command_line import Amodal


def test_help_names_every_command(amodal: Amodal) -> None:
    outcome = amodal("--help")
    assert outcome.code == 0
    for name in COMMANDS:
        assert f"amodal {name}" in outcome.out


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(amodal: Amodal, name: str) -> None:
    outcome = amodal(name, "--help")
    assert outcome.code == 0
    assert f"Example: amodal {name}" in outcome.out


def test_version_is_printed(amodal: Amodal) -> None:
    assert amodal("--version").out == f"amodal {__version__}\n"


def test_no_command_shows_help_and_is_exit_code_2(amodal: Amodal) -> None:
    outcome = amodal()
    assert (outcome.code, outcome.out) == (2, "")
    assert "usage" in outcome.err


def test_an_unknown_command_is_exit_code_2(amodal: Amodal) -> None:
    outcome = amodal("magic")
    assert outcome.code == 2
    assert "magic" in outcome.err


@pytest.mark.parametrize("arguments", [["--help"], ["predict", "--help"]])
def test_help_comes_within_a_second_and_without_heavy_libraries(arguments: list[str]) -> None:
    heavy = {"torch", "cv2", "timm", "sklearn", "supervision"}
    program = f"import sys; from amodal.cli.main import main; main({arguments}); assert not {heavy} & set(sys.modules)"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Time on the processor, so that other work on the machine does not count.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1
