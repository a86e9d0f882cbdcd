"""`amodal view` over what `amodal predict` writes, with the truth drawn by hand beside it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from amodal.cli.main import main
from amodal.data.results import read_scenes, write_scenes
from amodal.order import OrderGraph
from helpers.annotate_drawn import DEMO, RIDER, STREET, drawn, whole, write_truth
from helpers.annotate_page import Desk
from helpers.annotate_server import served

if TYPE_CHECKING:
    from playwright.sync_api import Page


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What predict writes of two photos with given boxes."""
    folder = tmp_path_factory.mktemp("results")
    boxes = [
        {"file": photo, "boxes": [{"class": one.label, "box": one.box} for one in drawn(photo)]}
        for photo in (STREET, RIDER)
    ]
    (folder / "boxes.json").write_text(json.dumps(boxes), "utf-8")
    photos = [str(DEMO / photo) for photo in (STREET, RIDER)]
    assert main(["predict", *photos, "--boxes", str(folder / "boxes.json"), "--out", str(folder / "out")]) == 0
    write_truth(folder / "truth.json")
    return folder


@pytest.fixture(scope="module")
def ious(results: Path) -> dict[str, list[float]]:
    """The IoU of every object's whole mask with the one drawn by hand, pixel by pixel."""
    found = {}
    for scene in read_scenes(results / "out" / "scenes.json"):
        photo = Path(scene.image or "").name
        masks = [(one.amodal.to_dense(), whole(photo, at).to_dense()) for at, one in enumerate(scene.instances)]
        found[photo] = [float((a & b).sum() / (a | b).sum()) for a, b in masks]
    return found


@pytest.fixture(scope="module")
def url(results: Path) -> Iterator[str]:
    from amodal.annotate.api.view_app import create_view_app
    from amodal.annotate.view.results import open_methods

    shown = open_methods(results / "out", truth=results / "truth.json")
    with served(create_view_app(shown, Path("out"))) as url:
        yield url


@pytest.fixture
def view(url: str, open_page: Callable[..., Page]) -> Desk:
    return Desk(open_page(), url)


def names(view: Desk) -> list[str]:
    view.page.get_by_text("Loading").wait_for(state="detached")
    return view.page.get_by_role("article").get_by_role("heading").all_inner_texts()


def look(view: Desk, photo: str) -> None:
    """Open a photo from the list."""
    view.page.get_by_role("article").filter(has_text=photo).get_by_role("link", name="Look").click()
    view.page.get_by_test_id("stage").first.wait_for()


def test_photos_are_listed_the_worst_first(view: Desk, ious: dict[str, list[float]]) -> None:
    view.page.get_by_role("article").first.wait_for()
    assert names(view) == sorted(ious, key=lambda photo: min(ious[photo]))
    card = view.page.get_by_role("article").filter(has_text=STREET)
    assert f"worst {min(ious[STREET]):.2f}" in card.inner_text()


def test_photos_are_filtered_by_class_and_level(view: Desk) -> None:
    view.page.get_by_label("Category").select_option("motorcycle")
    view.page.get_by_role("article").filter(has_text=STREET).wait_for(state="detached")
    view.page.get_by_role("article").filter(has_text=RIDER).wait_for()  # between the lists there is none
    assert names(view) == [RIDER]
    view.page.get_by_label("Occlusion").select_option("L1")  # of the hand-drawn motorcycle about an eighth is hidden
    view.page.get_by_role("article").filter(has_text=RIDER).wait_for()
    view.page.get_by_label("Occlusion").select_option("L3")
    view.page.get_by_text("No photo has such an object.").wait_for()


def test_truth_is_shown_beside_the_prediction_with_its_iou(view: Desk, ious: dict[str, list[float]]) -> None:
    look(view, STREET)
    view.page.get_by_label("Both side by side").check()
    for side in ("predicted", "truth"):
        view.page.get_by_role("img", name=f"{STREET}, {side}").wait_for()
    listed = view.page.get_by_role("region", name="Objects").get_by_role("button").all_inner_texts()
    assert [f"IoU {iou:.2f}" in text for iou, text in zip(sorted(ious[STREET]), listed, strict=True)] == [True] * 5
    view.picture("view")


def test_the_likelihood_map_stands_in_the_photos_place(view: Desk) -> None:
    look(view, STREET)
    view.page.get_by_label("Picture").select_option("likelihood")
    drawn = view.page.get_by_role("img", name=f"likelihood of {STREET}")
    drawn.wait_for()
    view.page.wait_for_function("image => image.complete && image.naturalWidth > 0", arg=drawn.element_handle())
    view.picture("likelihood")


def test_nothing_can_be_written(view: Desk) -> None:
    asked: list[str] = []
    view.page.on("request", lambda request: asked.append(request.method))
    look(view, RIDER)
    view.page.keyboard.press("b")
    view.drag_on_screen((400, 300), (600, 500))
    view.page.wait_for_timeout(600)  # longer than a save waits
    assert set(asked) == {"GET"}
    assert view.page.request.post(f"{view.url}/api/photos/1/objects", data={}).status in (404, 405)


def test_both_sides_move_together(view: Desk) -> None:
    look(view, RIDER)
    view.page.get_by_label("Both side by side").check()
    truth = view.page.get_by_role("img", name=f"{RIDER}, truth")
    truth.wait_for()
    view.page.wait_for_timeout(300)
    before = truth.screenshot()
    predicted = view.page.get_by_role("img", name=f"{RIDER}, predicted").bounding_box()
    assert predicted is not None
    view.page.mouse.move(predicted["x"] + 100, predicted["y"] + 100)
    view.page.mouse.wheel(0, -600)
    view.page.wait_for_timeout(300)
    assert truth.screenshot() != before


@pytest.fixture
def compared(results: Path, tmp_path: Path, open_page: Callable[..., Page]) -> Iterator[Desk]:
    """Two methods, of which one found what predict found and the other only boxes of it; the list of photos."""
    from amodal.annotate.api.view_app import create_view_app
    from amodal.annotate.view.results import open_methods

    scenes = read_scenes(results / "out" / "scenes.json")
    (tmp_path / "predictions").mkdir()
    write_scenes(scenes, tmp_path / "predictions" / "student.json")
    fewer = [replace(scene, instances=scene.instances[:1], order=OrderGraph(())) for scene in scenes]
    write_scenes(fewer, tmp_path / "predictions" / "box.json")
    with served(create_view_app(open_methods(tmp_path, images=DEMO), tmp_path)) as url:
        yield Desk(open_page(), url)


def test_of_a_comparison_the_method_is_named_and_chosen(compared: Desk) -> None:
    card = compared.page.get_by_role("article").filter(has_text=STREET)
    card.get_by_text("1 object").wait_for()
    method = compared.page.get_by_label("Method")
    assert method.input_value() == "box"
    method.select_option("student")
    card.get_by_text("5 objects").wait_for()
    card.get_by_role("link", name="Look").click()
    listed = compared.page.get_by_role("region", name="Objects").get_by_role("button")
    listed.nth(4).wait_for()
    assert method.input_value() == "student"
    method.select_option("box")
    listed.nth(1).wait_for(state="detached")
    compared.page.get_by_role("heading", name=STREET).wait_for()
    compared.go("photos")
    card.get_by_text("1 object").wait_for()
    assert method.input_value() == "box"
