"""What is printed goes into a pipe that nobody reads any more, as in `amodal data info FILE | head -3`."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from amodal.cli.exits import READER_GONE
from amodal.cli.main import main
from amodal.cli.menu import Menu
from helpers.amodal_files import write_kins


@pytest.mark.parametrize("streams", [("stdout",), ("stdout", "stderr")])
@pytest.mark.parametrize("words", [("data", "info"), ("data", "--help"), ("data", "info", "--help")])
def test_a_reader_that_has_gone_ends_the_program_without_a_word(
    words: tuple[str, ...], streams: tuple[str, ...], tmp_path: Path
) -> None:
    file = [str(write_kins(tmp_path))] if words == ("data", "info") else []
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [sys.executable, "-m", "amodal", *words, *file],
            stdout=writing,
            stderr=writing if "stderr" in streams else subprocess.PIPE,
            text=True,
            check=False,
        )
    finally:
        os.close(writing)
    assert not any("Traceback" in line or "Error" in line for line in (ended.stderr or "").splitlines())
    assert ended.returncode == READER_GONE


def test_another_pipe_that_breaks_is_no_reader_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(self: Menu, arguments: object) -> int:
        raise BrokenPipeError("a worker's")

    monkeypatch.setattr(Menu, "run", run)
    with pytest.raises(BrokenPipeError, match="a worker's"):
        main(["data"])
