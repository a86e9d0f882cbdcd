"""A file's digest."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from amodal.digest import sha256_of


def test_it_is_what_coreutils_say(tmp_path: Path) -> None:
    file = tmp_path / "some bytes"
    file.write_bytes(bytes(range(256)) * 5000)
    said = subprocess.run(["sha256sum", str(file)], capture_output=True, check=True, text=True).stdout
    assert sha256_of(file) == said.split()[0].lstrip("\\")


def test_a_file_that_is_not_there_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        sha256_of(tmp_path / "none")
