"""What photos a source has: every kind says the same of the same photos, and survives what is broken in it."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from amodal.data.boxes_lookup import open_boxes
from amodal.errors import InputError
from amodal.images import read_photo
from amodal.scale.decode import Loaded, load, loaded_ahead
from amodal.scale.jobs import Failure, PhotoJob, units_of
from amodal.scale.sources import open_sources
from helpers.many_photos import (
    Photos,
    add_to_tar,
    save_coco,
    save_jsonl,
    save_list,
    save_parquet,
    save_photos,
    save_simple,
    save_tar,
)


@pytest.fixture
def photos(tmp_path: Path) -> Photos:
    return save_photos(tmp_path / "photos", 7)


def parquet_of_pictures(photos: Photos) -> Path:
    return save_parquet(photos, photos.folder / "all.parquet", pictures=True)


def parquet_of_names(photos: Photos) -> Path:
    return save_parquet(photos, photos.folder / "all.parquet", pictures=False)


SOURCES: dict[str, Callable[[Photos], Path]] = {
    "jsonl": lambda photos: save_jsonl(photos, photos.folder / "all.jsonl"),
    "tar": lambda photos: save_tar(photos, photos.folder / "all.tar"),
    "parquet of pictures": parquet_of_pictures,
    "parquet of names": parquet_of_names,
}
BARE: dict[str, Callable[[Photos], Path]] = {
    "folder": lambda photos: photos.folder,
    "list": lambda photos: save_list(photos, photos.folder / "all.txt"),
}


def said(job: PhotoJob) -> dict[str, object]:
    assert job.boxed is not None and not job.problem, job.problem
    boxes = zip(job.boxed.boxes.tolist(), job.boxed.labels, strict=True)
    return {"file": job.key, "boxes": [{"box": box, "class": label} for box, label in boxes]}


@pytest.mark.parametrize("kind", SOURCES)
def test_a_source_gives_every_photo_with_its_boxes_and_pixels(kind: str, photos: Photos) -> None:
    source = open_sources([SOURCES[kind](photos)])
    jobs = list(source)
    assert source.count() == 7
    assert [said(job) for job in jobs] == list(photos.entries)
    for number, loaded in enumerate(loaded_ahead(jobs, threads=2)):
        assert isinstance(loaded, Loaded), loaded
        assert (loaded.photo == read_photo(photos.path(number))).all()


@pytest.mark.parametrize("kind", BARE)
@pytest.mark.parametrize("save", [save_simple, save_coco])
def test_a_source_without_boxes_takes_them_from_a_file(
    kind: str, save: Callable[[Photos, Path], Path], photos: Photos, tmp_path: Path
) -> None:
    boxes = open_boxes(save(photos, tmp_path / "boxes.json"))
    source = open_sources([BARE[kind](photos)], boxes=boxes)
    assert source.count() == 7
    assert [said(job) for job in source] == list(photos.entries)


def test_a_photo_that_the_file_of_boxes_does_not_name_is_refused_alone(photos: Photos, tmp_path: Path) -> None:
    fewer = Photos(photos.folder, photos.entries[1:])
    jobs = list(open_sources([photos.folder], boxes=open_boxes(save_coco(fewer, tmp_path / "boxes.json"))))
    assert "has no entry" in jobs[0].problem
    assert not any(job.problem for job in jobs[1:])


def test_a_bad_box_of_a_coco_file_refuses_its_photo_alone(photos: Photos, tmp_path: Path) -> None:
    path = save_coco(photos, tmp_path / "boxes.json")
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"] = [5, 5, -3, 4]
    path.write_text(json.dumps(content))
    problems = [job.problem for job in open_sources([photos.folder], boxes=open_boxes(path))]
    assert "images[0].annotations[0].bbox" in problems[0]
    assert problems[1:] == [""] * 6


def test_an_entry_that_could_mean_two_photos_serves_the_first_alone(tmp_path: Path) -> None:
    photos = save_photos(tmp_path / "photos", 2)
    (photos.folder / "a" / "001.png").write_bytes(photos.path(1).read_bytes())
    boxes = tmp_path / "boxes.json"
    entry = {"boxes": [[1, 1, 9, 9]]}
    boxes.write_text(json.dumps([{"file": "000.png", **entry}, {"file": "001.png", **entry}]))
    problems = [job.problem for job in open_sources([photos.folder], boxes=open_boxes(boxes))]
    assert problems[:2] == ["", ""]
    assert "could mean" in problems[2]


def test_a_broken_line_is_one_photo_that_cannot_be_used(photos: Photos) -> None:
    path = save_jsonl(photos, photos.folder / "all.jsonl")
    path.write_text('{"file": \n{"boxes": []}\n{"file": "a/000.png", "boxes": [[9, 9, 2, 2]]}\n' + path.read_text())
    jobs = list(open_sources([path]))
    assert ["is not JSON" in jobs[0].problem, "is missing" in jobs[1].problem] == [True, True]
    assert "reversed corners" in jobs[2].problem
    assert [said(job) for job in jobs[3:]] == list(photos.entries)


def test_a_key_that_was_there_before_is_refused(photos: Photos) -> None:
    path = save_list(Photos(photos.folder, (*photos.entries, photos.entries[2])), photos.folder / "all.txt")
    units = list(units_of(open_sources([path]), photos_per_part=3))
    jobs = [job for unit in units for job in unit.jobs]
    assert [job.number for job in jobs] == list(range(8))
    assert "was there before" in jobs[-1].problem
    assert not any(job.problem for job in jobs[:-1])


def test_keys_of_two_folders_with_photos_of_one_name_differ(tmp_path: Path) -> None:
    folders = [save_photos(tmp_path / name, 2).folder for name in ("first", "second")]
    keys = [job.key for job in open_sources(folders)]
    assert len(set(keys)) == 4


def test_links_devices_and_ways_out_of_a_tar_are_names_and_nothing_more(photos: Photos, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(photos.path(0).read_bytes())
    with tarfile.open(tmp_path / "odd.tar", "w") as shard:
        for name, kind in (
            ("link.png", tarfile.SYMTYPE),
            ("hard.png", tarfile.LNKTYPE),
            ("pipe.png", tarfile.FIFOTYPE),
        ):
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, "../secret.png"
            shard.addfile(member)
        add_to_tar(shard, "../outside.png", photos.path(1).read_bytes())
    before = sorted(path for path in tmp_path.rglob("*"))
    loaded = [load(job) for job in open_sources([tmp_path / "odd.tar"])]
    assert [isinstance(one, Failure) and "is a link or no file" in one.reason for one in loaded[:3]] == [True] * 3
    assert isinstance(loaded[3], Loaded)
    assert (loaded[3].photo == read_photo(photos.path(1))).all()
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_a_member_that_says_it_is_huge_is_refused_before_it_is_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("huge.png")
    member.size = 2**40
    (tmp_path / "huge.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    job = next(iter(open_sources([tmp_path / "huge.tar"])))
    assert "expected at most" in job.problem


def test_a_header_that_says_it_is_huge_takes_no_memory(tmp_path: Path) -> None:
    member = tarfile.TarInfo("name")
    member.type, member.size = tarfile.GNUTYPE_LONGNAME, 2**40
    (tmp_path / "huge.tar").write_bytes(member.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    with pytest.raises(InputError, match="header: is of"):
        list(open_sources([tmp_path / "huge.tar"]))


def test_of_a_tar_that_is_cut_off_the_whole_photos_are_used(photos: Photos, tmp_path: Path) -> None:
    with tarfile.open(save_tar(photos, tmp_path / "all.tar")) as shard:
        third = shard.getmembers()[4]
    (tmp_path / "cut.tar").write_bytes((tmp_path / "all.tar").read_bytes()[: third.offset_data + 100])
    source = open_sources([tmp_path / "cut.tar"])
    loaded = [load(job) for job in source]
    assert [isinstance(one, Loaded) for one in loaded] == [True, True, False, False]
    assert ["is cut off" in one.reason for one in loaded if isinstance(one, Failure)] == [True, True]
    assert source.count() == 4


def test_a_compressed_tar_is_refused_as_a_whole(photos: Photos, tmp_path: Path) -> None:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as shard:
        add_to_tar(shard, "a.png", photos.path(0).read_bytes())
    (tmp_path / "packed.tar").write_bytes(packed.getvalue())
    with pytest.raises(InputError, match="uncompressed tar"):
        list(open_sources([tmp_path / "packed.tar"]))


def test_labels_that_are_not_one_a_box_refuse_their_row(photos: Photos) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = pa.table({"file": ["a/000.png"], "boxes": [[[1, 1, 9, 9], [2, 2, 8, 8]]], "labels": [["car"]]})
    pq.write_table(table, photos.folder / "all.parquet")
    job = next(iter(open_sources([photos.folder / "all.parquet"])))
    assert "are 1 for 2 boxes" in job.problem
