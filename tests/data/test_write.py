from __future__ import annotations

import os
from pathlib import Path

import pytest

from amodal.data.write import make_folder, write_bytes_atomically, write_text_atomically
from amodal.errors import InputError


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_text_atomically(tmp_path / "a.txt", "größer\n")
    assert (tmp_path / "a.txt").read_bytes() == "größer\n".encode()


def test_nothing_is_left_beside_the_file(tmp_path: Path) -> None:
    write_bytes_atomically(tmp_path / "a.bin", b"1")
    write_bytes_atomically(tmp_path / "a.bin", b"2")
    assert [path.name for path in tmp_path.iterdir()] == ["a.bin"]
    assert (tmp_path / "a.bin").read_bytes() == b"2"


def test_interruption_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("old")

    def interrupted(_: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_text_atomically(tmp_path / "a.txt", "new")
    assert (tmp_path / "a.txt").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    (tmp_path / "usual").touch()
    write_text_atomically(tmp_path / "a.txt", "")
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.txt").write_text("old")
    (tmp_path / "link.txt").symlink_to(tmp_path / "real.txt")
    write_text_atomically(tmp_path / "link.txt", "new")
    assert (tmp_path / "link.txt").is_symlink()
    assert (tmp_path / "real.txt").read_text() == "new"


def test_missing_folder_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"a\.txt: file: cannot be written \(No such file"):
        write_text_atomically(tmp_path / "nowhere" / "a.txt", "")


def test_folder_in_place_of_the_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="file: is a folder"):
        write_text_atomically(tmp_path, "")


def test_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    assert make_folder(tmp_path / "a" / "b") == tmp_path / "a" / "b"
    assert list((tmp_path / "a" / "b").iterdir()) == []
    make_folder(tmp_path / "a" / "b")


def test_folder_under_a_file_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    for folder in (tmp_path / "a", tmp_path / "a" / "b"):
        with pytest.raises(InputError, match="folder: cannot be written"):
            make_folder(folder)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="nothing is forbidden to root")
def test_read_only_folder_is_an_input_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written"):
        make_folder(tmp_path)
    with pytest.raises(InputError, match="cannot be written"):
        write_text_atomically(tmp_path / "a.txt", "")
