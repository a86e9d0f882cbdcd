from __future__ import annotations

import io
import os
from pathlib import Path

import pytest

from amodal.data.write import (
    make_folder,
    new_folder,
    write_bytes_atomically,
    write_text_atomically,
    writing_atomically,
)
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


def test_what_the_block_cannot_read_is_not_said_of_the_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), writing_atomically(tmp_path / "out"):
        (tmp_path / "source").read_bytes()
    with pytest.raises(ValueError, match="invalid literal"), new_folder(tmp_path / "out"):
        int("source")
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_said_of_the_file_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("no /dev/full")
    opened = io.FileIO
    monkeypatch.setattr("amodal.data.write.io.FileIO", lambda *_: opened(full, "wb"))
    with pytest.raises(InputError, match=r"a\.bin: file: cannot be written \(No space left"):
        write_bytes_atomically(tmp_path / "a.bin", bytes(10**6))
    with pytest.raises(InputError, match=r"a\.bin: file: cannot be written \(No space left"):
        write_bytes_atomically(tmp_path / "a.bin", b"1")


def test_a_taken_folder_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(InputError, match="is there already"), new_folder(tmp_path / "out"):
        pass
    assert (tmp_path / "out" / "mine").exists()
