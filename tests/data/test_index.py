"""A large file is walked once in pieces, kept as an index, and read photo by photo."""

from __future__ import annotations

import json
import os
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from amodal.data import index_cache, json_stream
from amodal.data.index import index_json
from amodal.data.truth import read_truth
from amodal.errors import InputError
from helpers.amodal_files import write_kins

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
ids = st.integers(-(2**40), 2**40)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), window=st.integers(1, 64), indent=st.sampled_from([None, 1]), ascii=st.booleans())
def test_every_entry_is_found_whatever_the_window(
    data: st.DataObject, window: int, indent: int | None, ascii: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "WINDOW", window)
    photos = data.draw(st.lists(ids, unique=True, max_size=4))
    images = [{"id": id, "more": data.draw(values)} for id in photos]
    owners = data.draw(st.lists(st.sampled_from(photos), max_size=6)) if photos else []
    annotations = [{"image_id": id, "id": number, "more": data.draw(values)} for number, id in enumerate(owners)]
    head = data.draw(st.dictionaries(st.text(min_size=1).filter(lambda k: k not in LISTS), values, max_size=3))
    content = {"annotations": annotations, **head, "images": images}
    (tmp_path / "f.json").write_text(json.dumps(content, indent=indent, ensure_ascii=ascii), "utf-8", "surrogatepass")
    if any(0xD800 <= ord(letter) < 0xE000 for letter in (tmp_path / "f.json").read_text("utf-8", "surrogatepass")):
        return  # half a pair is no UTF-8
    index = index_json(tmp_path / "f.json")
    assert dict(index.head) == head
    assert index.photo_ids.tolist() == photos
    for number, image in enumerate(images):
        rows = index.rows(number)
        assert rows.image.value == image
        assert list(rows.annotations) == [one for one in annotations if one["image_id"] == image["id"]]
        assert [annotations[place] for place in rows.annotation_places] == list(rows.annotations)


@pytest.mark.parametrize("number", ["0.0", "-12.5", "3e5", "3E+5", "-1.25e-7"])
@pytest.mark.parametrize("window", range(1, 24))
def test_a_number_is_read_whole_wherever_a_window_ends(
    number: str, window: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(json_stream, "WINDOW", window)
    (tmp_path / "f.json").write_text(f'{{"a": {number}, "images": [], "annotations": [], "b": {number}}}')
    assert dict(index_json(tmp_path / "f.json").head) == {"a": float(number), "b": float(number)}


LISTS = ("images", "annotations", "order")
IMAGE, OBJECT = '{"id": 1}', '{"id": 5, "image_id": 1}'

BROKEN = {
    "cut_off": ('{"images": [{"id": 1}, {"id"', "is not JSON from byte"),
    "no_json": ("photos", "is not JSON from byte 0 on ({ was expected)"),
    "a_list": ("[]", "is not JSON from byte 0"),
    "bad_inside": ('{"images": [{"id": 1 "x": 2}], "annotations": []}', "is not JSON from byte 21"),
    "something_after": ('{"images": [], "annotations": []} {}', "something follows the end"),
    "no_annotations": ('{"images": []}', "annotations: is missing"),
    "images_no_list": ('{"images": {}, "annotations": []}', "images: is no list"),
    "list_twice": ('{"images": [], "images": [], "annotations": []}', "images: stands in the file twice"),
    "no_id": ('{"images": [{}], "annotations": []}', "images[0].id: is missing"),
    "text_as_id": ('{"images": [{"id": "a"}], "annotations": []}', "images[0].id: is a string"),
    "photo_twice": (f'{{"images": [{IMAGE}, {IMAGE}], "annotations": []}}', "images[1].id: is 1 again"),
    "object_twice": (f'{{"images": [{IMAGE}], "annotations": [{OBJECT}, {OBJECT}]}}', "annotations[1].id: is 5 again"),
    "no_image_id": (f'{{"images": [{IMAGE}], "annotations": [{{"id": 2}}]}}', "annotations[0].image_id: is missing"),
    "unknown_photo": (f'{{"images": [], "annotations": [{OBJECT}]}}', "annotations[0].image_id: is 1"),
    "not_an_object": (f'{{"images": [{IMAGE}], "annotations": [7]}}', "annotations[0]: is a number"),
    "not_utf8": ('{"images": [], "annotations": [], "x": "\udcff"}', "is not JSON"),
}


@pytest.mark.parametrize(("text", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_refused_with_its_place(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "broken.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(InputError) as error:
        index_json(path)
    assert str(path) in str(error.value)
    assert said in str(error.value)


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        index_json(tmp_path / "none.json")


def large(path: Path, photos: int = 3) -> dict[str, Any]:
    content = {"images": [{"id": i} for i in range(photos)], "annotations": [], "padding": "x" * 2**23}
    path.write_text(json.dumps(content))
    return content


def test_an_index_is_used_again_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = tmp_path / "f.json", tmp_path / "cache"
    large(path)
    walks = []
    walk = json_stream.walk
    monkeypatch.setattr("amodal.data.index.walk", lambda *arguments: walks.append(1) or walk(*arguments))
    first, second = index_json(path, cache=cache), index_json(path, cache=cache)
    assert len(walks) == 1
    assert second.photo_ids.tolist() == first.photo_ids.tolist()
    assert second.rows(2).image.value == {"id": 2}
    large(path, 4)
    assert len(index_json(path, cache=cache)) == 4
    assert len(walks) == 2
    os.utime(path, ns=(1, 1))
    index_json(path, cache=cache)
    assert len(walks) == 3


def test_a_damaged_or_forbidden_cache_costs_only_time(tmp_path: Path) -> None:
    path, cache = tmp_path / "f.json", tmp_path / "cache"
    large(path)
    index_json(path, cache=cache)
    (kept,) = (cache / "index").iterdir()
    kept.write_bytes(b"PK\x03\x04 nonsense")
    assert len(index_json(path, cache=cache)) == 3
    (tmp_path / "file").write_text("")
    assert len(index_json(path, cache=tmp_path / "file")) == 3


@pytest.mark.parametrize(
    "damage",
    [
        {"said": np.frombuffer(b"[]", np.uint8)},
        {"said": np.frombuffer(b"7", np.uint8)},
        {"said": None},
        {"photos": None},
        {"more": np.zeros(1)},
    ],
    ids=["list", "number", "nothing_said", "array_missing", "array_unknown"],
)
def test_a_kept_index_of_other_content_is_made_again(damage: dict[str, np.ndarray | None], tmp_path: Path) -> None:
    path, cache = tmp_path / "f.json", tmp_path / "cache"
    large(path)
    index_json(path, cache=cache)
    (kept,) = (cache / "index").iterdir()
    with np.load(kept) as loaded:
        arrays = {**loaded, **damage}
    np.savez(kept, **{name: values for name, values in arrays.items() if values is not None})
    assert index_json(path, cache=cache).rows(2).image.value == {"id": 2}


def test_a_kept_index_without_a_head_is_made_again(tmp_path: Path) -> None:
    path, cache = tmp_path / "f.json", tmp_path / "cache"
    large(path)
    index_json(path, cache=cache)
    (kept,) = (cache / "index").iterdir()
    with np.load(kept) as loaded:
        arrays = dict(loaded)
    said = {**json.loads(arrays["said"].tobytes()), "head": None}
    np.savez(kept, **{**arrays, "said": np.frombuffer(json.dumps(said).encode(), np.uint8)})
    assert "padding" in index_json(path, cache=cache).head


def test_an_index_takes_some_bytes_an_annotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "WINDOW", 2**14)
    path, count = tmp_path / "f.json", 20_000
    rows = ", ".join(f'{{"id": {10**6 + 7 * k}, "image_id": 1000001}}' for k in range(count))
    path.write_text(f'{{"images": [{{"id": 1000001}}], "annotations": [{rows}]}}')
    tracemalloc.start()
    index = index_json(path)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(index.annotations) == count
    assert held < 60 * count
    assert most < 200 * count


def test_small_files_are_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "f.json"
    path.write_text('{"images": [], "annotations": []}')
    index_json(path, cache=tmp_path / "cache")
    assert path.stat().st_size < index_cache.WORTH_KEEPING
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("layout", ["2019", "2020"])
def test_a_large_file_gives_the_same_truths(layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_kins(tmp_path, layout)
    whole = read_truth(path)
    monkeypatch.setattr("amodal.data.truth.LARGE", 1)
    assert read_truth(path) == whole
