from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from amodal.annotate.exchange.reading import read_any
from amodal.errors import InputError
from helpers.archives import broken_zip

BOMB = """<?xml version="1.0"?><!DOCTYPE a [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<annotations><image name="&b;"/></annotations>"""
IMAGE = '<annotations><image name="a.png" width="80" height="60">{}</image></annotations>'
XML = [
    ("<annotations>", "cannot be read"),
    ("<other/>", "expected <annotations>"),
    (BOMB, "document type"),
    ("<annotations><image width='5' height='5'/></annotations>", "name"),
    ("<annotations><image name='a' width='1e9' height='1e9'/></annotations>", "pixels"),
    ("<annotations><image name='a' width='nan' height='5'/></annotations>", "pixels"),
    (IMAGE.format("<box xtl='1' ytl='1' xbr='5' ybr='5'/>"), "label"),
    (IMAGE.format("<box label='car' xtl='9' ytl='1' xbr='5' ybr='5'/>"), "left < right"),
    (IMAGE.format("<polygon label='car' points='1,2;3'/>"), "coordinates"),
    (IMAGE.format("<polygon label='car' points='a,b'/>"), "no numbers"),
    (IMAGE.format("<mask label='car' rle='1,99' left='0' top='0' width='2' height='2'/>"), "expected 4"),
    (IMAGE.format("<mask label='car' rle='x' left='0' top='0' width='2' height='2'/>"), "whole numbers"),
]


@pytest.mark.parametrize(("text", "words"), XML, ids=[text[:40] for text, _ in XML])
def test_broken_cvat_is_refused_in_words(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, "a.xml", text.encode())


def test_one_box_of_cvat_leaves_the_masks_of_the_others(tmp_path: Path) -> None:
    shapes = """<polygon label="car" z_order="2" points="0,0;20,0;20,10;0,10"/>
        <polygon label="car" z_order="1" points="10,0;30,0;30,10;10,10"/>
        <box label="tram" xtl="40" ytl="1" xbr="60" ybr="9"/>"""
    (truth,) = read(tmp_path, "a.xml", IMAGE.format(shapes).encode()).truths
    front, behind, boxed = truth.scene.instances
    assert (front.amodal.area, behind.amodal.area, boxed.amodal.area) == (200, 200, 0)
    assert boxed.box == (40, 1, 60, 9)
    assert {"amodal", "order"} <= truth.knows
    assert truth.scene.order.in_front_of(front.id, behind.id)


def labelme(*shapes: dict[str, Any]) -> dict[str, Any]:
    return {"version": "5", "imagePath": "..\\x\\a.png", "imageHeight": 60, "imageWidth": 80, "shapes": list(shapes)}


def test_labelme_s_shapes_of_one_label_and_group_are_one_object(tmp_path: Path) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.full((2, 3), 255, np.uint8)).save(stream, "PNG")
    content = labelme(
        {"label": "car", "group_id": 1, "points": [[0, 0], [10, 0], [10, 10], [0, 10]], "shape_type": "polygon"},
        {"label": "car", "group_id": 1, "points": [[20, 0], [30, 10]], "shape_type": "rectangle"},
        {"label": "car", "group_id": None, "points": [[50, 30], [50, 35]], "shape_type": "circle"},
        {
            "label": "tram",
            "points": [[70, 50], [73, 52]],
            "shape_type": "mask",
            "mask": base64.b64encode(stream.getvalue()).decode(),
        },
        {"label": "car", "points": [[1, 1]], "shape_type": "point"},
    )
    found = read(tmp_path, "a.json", json.dumps(content).encode())
    (truth,) = found.truths
    assert (found.format, truth.scene.image) == ("labelme", "x/a.png")
    both, circle, tram = truth.scene.instances
    assert both.amodal.area == 200
    assert circle.amodal.area == pytest.approx(np.pi * 25, rel=0.05)
    assert tram.amodal.box == (70, 50, 73, 52)


BROKEN: list[tuple[dict[str, Any], str]] = [
    (labelme({"points": [[0, 0], [1, 0], [1, 1]]}), "label"),
    (labelme({"label": "car", "points": [[0, 0]]}), "coordinates"),
    (labelme({"label": "car", "points": [[0, 0, 1], [1, 1], [2, 2]]}), "x, y"),
    (labelme({"label": "car", "points": [[0, 0], [1, 1]], "shape_type": "mask", "mask": "no"}), "mask"),
    (labelme({"label": "car", "points": [[500, 500], [600, 500], [600, 600]]}), "no pixel"),
    ({**labelme(), "imageHeight": 0}, "imageHeight"),
    ({"images": 5, "annotations": []}, "images"),
    ({"something": 1}, "images"),
]


@pytest.mark.parametrize(("content", "words"), BROKEN, ids=[str(number) for number in range(len(BROKEN))])
def test_broken_json_is_refused_in_words(tmp_path: Path, content: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, "a.json", json.dumps(content).encode())


@pytest.mark.parametrize(
    "name", ["../evil.json", "/etc/evil.json", "a/../../evil.json", "..\\evil.json", "c:\\evil.json"]
)
def test_a_zip_that_leads_out_of_itself_is_refused(tmp_path: Path, name: str) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as packed:
        packed.writestr(name, "{}")
    with pytest.raises(InputError, match="names inside it"):
        read(tmp_path, "a.zip", stream.getvalue())
    assert not list(tmp_path.rglob("evil.json"))


@pytest.mark.parametrize("packing", [zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_whose_packing_is_broken_is_refused(tmp_path: Path, packing: int) -> None:
    broken_zip(tmp_path / "a.zip", packing, "a.json")
    with pytest.raises(InputError, match="cannot be unpacked"):
        read(tmp_path, "a.zip", (tmp_path / "a.zip").read_bytes())


@pytest.mark.parametrize("ending", ["json", "xml"])
def test_each_file_of_annotations_may_only_be_so_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("amodal.annotate.exchange.reading.MAX_FILE_BYTES", 1000)
    small = json.dumps(labelme()) if ending == "json" else IMAGE.format("")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr(f"a.{ending}", small)
        packed.writestr(f"b.{ending}", small + " " * 1000)
    with pytest.raises(InputError, match=f"b.{ending}.*too large"):
        read(tmp_path, "a.zip", stream.getvalue())


def test_a_zip_that_is_too_large_unpacked_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("amodal.annotate.exchange.archive.MAX_UNPACKED_BYTES", 1000)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("a.json", " " * 2000)
    with pytest.raises(InputError, match="unpacked"):
        read(tmp_path, "a.zip", stream.getvalue())


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"\xff\xd8\xff", b"[" * 100_000])
def test_what_is_no_file_of_annotations_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(InputError):
        read(tmp_path, "a.json", content)


def test_a_format_that_was_said_must_be_the_file_s(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="labelme"):
        read(tmp_path, "a.json", json.dumps(labelme()).encode(), "kins-2020")


def read(folder: Path, name: str, content: bytes, format: str | None = None):  # type: ignore[no-untyped-def]
    (folder / "sent").write_bytes(content)
    (folder / "work").mkdir()
    return read_any(folder / "sent", name, folder / "work", format)
