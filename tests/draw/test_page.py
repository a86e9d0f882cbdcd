from __future__ import annotations

import base64
import io
import re
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from PIL import Image

from amodal.draw import write_page, write_pictures
from amodal.scene import Scene
from helpers.drawn_scenes import grey_photo, two_squares

EVIL = "<script>alert('x')</script>\"' onload=\"alert(1)"


class _Page(HTMLParser):
    """Everything the tests ask about a page, as a browser's parser would see it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in {"meta", "img"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in {"script", "style"}:
            self.words.append(data)

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def _written(folder: Path, *scenes: Scene) -> str:
    entries: list[tuple[Scene, Mapping[str, Path]]] = [
        (scene, write_pictures(scene, grey_photo(), folder, f"photo{number}")) for number, scene in enumerate(scenes)
    ]
    return write_page(entries, folder / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    return _written(tmp_path_factory.mktemp("page"), two_squares())


def test_the_page_asks_for_nothing_outside(text: str) -> None:
    without_pictures = re.sub(r"base64,[A-Za-z0-9+/=]+", "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(", without_pictures, flags=re.IGNORECASE)
    page = _Page(text)
    assert not page.all("link") and not page.all("iframe")
    assert all((image["src"] or "").startswith("data:image/jpeg;base64,") for image in page.all("img"))
    assert not any("src" in script for script in page.all("script"))


def test_the_page_forbids_the_browser_to_ask(text: str) -> None:
    policies = [meta["content"] for meta in _Page(text).all("meta") if "http-equiv" in meta]
    assert len(policies) == 1
    assert "default-src 'none'" in (policies[0] or "")


def test_every_tag_is_closed(text: str) -> None:
    assert _Page(text).open == []


def test_every_picture_but_the_sheet_is_embedded_whole(text: str) -> None:
    page = _Page(text)
    assert [figure["data-part"] for figure in page.all("figure")] == [
        "masks",
        "order",
        "before_after",
        "likelihood",
        "boxes",
    ]
    for image in page.all("img"):
        encoded = (image["src"] or "").partition(",")[2]
        with Image.open(io.BytesIO(base64.b64decode(encoded))) as picture:
            picture.load()
            assert max(picture.size) <= 1280


def test_every_picture_has_words_for_those_who_cannot_see_it(text: str) -> None:
    for image in _Page(text).all("img"):
        assert "2 person, 27% hidden" in (image["alt"] or "")


def test_the_table_tells_what_is_known_of_each_object(text: str) -> None:
    page = _Page(text)
    rows = [row for row in page.all("tr") if "data-label" in row]
    assert [(row["data-label"], row["data-level"]) for row in rows] == [("car", "L0"), ("person", "L1")]
    for words in ("0.9", "26.7%", "2 person (0.97)", "1 car (0.97)"):
        assert words in page.words


def test_the_filters_offer_the_labels_and_levels_that_occur(text: str) -> None:
    offered = [option["value"] for option in _Page(text).all("option")]
    assert offered == ["", "car", "person", "", "L0", "L1"]


def test_text_from_outside_stays_text(tmp_path: Path) -> None:
    scene = replace(
        two_squares((EVIL, "a & b"), image=f"dir/{EVIL.replace('/', '')}.jpg"), warnings=(EVIL,), model=EVIL
    )
    text = _written(tmp_path, scene)
    assert "<script>alert" not in text
    page = _Page(text)
    assert len(page.all("script")) == 1
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    assert EVIL in [row.get("data-label") for row in page.all("tr")]
    assert EVIL in page.words


def test_a_file_name_that_is_no_text_can_be_shown(tmp_path: Path) -> None:
    assert "caf?.jpg" in _written(tmp_path, two_squares(image="caf\udce9.jpg"))


def test_a_page_of_an_empty_scene_says_so(tmp_path: Path) -> None:
    scene = two_squares()
    assert "No objects." in _Page(_written(tmp_path, Scene(scene.height, scene.width))).words


def test_a_page_of_no_photo_at_all_can_be_written(tmp_path: Path) -> None:
    assert "0 photos" in " ".join(_Page(_written(tmp_path)).words)


def test_the_same_scenes_give_the_same_page(tmp_path: Path) -> None:
    assert _written(tmp_path, two_squares()) == _written(tmp_path, two_squares())
