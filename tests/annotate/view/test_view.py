from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from amodal.annotate.api.view_app import create_view_app
from amodal.annotate.view.results import open_methods, open_results
from amodal.data.results import write_scenes
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.scene import Instance, OrderEdge, OrderGraph, Scene
from helpers.annotate_client import HEIGHT, HOST, WIDTH, save_photos


def instance(id: int, label: str, box: tuple[float, float, float, float], hidden: CropMask | None = None) -> Instance:
    whole = CropMask.from_box(box, HEIGHT, WIDTH)
    return Instance(id, label, box, 0.9, whole if hidden is None else whole.subtract(hidden), whole)


FRONT = instance(1, "car", (5, 5, 30, 30))
BEHIND = instance(2, "tram", (10, 10, 40, 40), FRONT.amodal)
SCENES = (
    Scene(HEIGHT, WIDTH, (FRONT, BEHIND), OrderGraph((OrderEdge(1, 2),)), image="a.png", method="orm"),
    Scene(HEIGHT, WIDTH, (instance(1, "van", (5, 5, 30, 30)),), image="b.png", method="orm"),
)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """As predict writes them, beside their photos; with the truth in truth.json."""
    folder = save_photos(tmp_path / "out")
    write_scenes(SCENES, folder / "scenes.json")
    wider = replace(FRONT, amodal=CropMask.from_box((5, 5, 55, 30), HEIGHT, WIDTH))
    true = (SCENES[0].with_instances((wider, BEHIND)), SCENES[1])
    write_scenes([replace(scene, exclusive=False) for scene in true], tmp_path / "truth.json")
    (folder / "pictures").mkdir()
    shutil.copy(folder / "a.png", folder / "pictures" / "a-likelihood.jpg")
    return folder


def client(results: Path, **how: object) -> TestClient:
    return TestClient(create_view_app(open_methods(results, **how), results), base_url=HOST)  # type: ignore[arg-type]


def test_photos_masks_order_and_maps_are_shown(results: Path) -> None:
    page = client(results)
    session = page.get("/api/session").json()
    assert (session["mode"], len(session["project"])) == ("view", 32)
    said = page.get("/api/photos/1").json()
    assert [one["number"] for one in said["objects"]] == [0, 1]
    assert said["objects"][1]["mask"]["inmodal"] == BEHIND.modal.to_coco_rle()
    assert said["order"]["edges"] == [[1, 2]]
    (layer,) = said["layers"]
    assert page.get(layer["url"]).status_code == 200
    assert page.get("/api/photos/1/picture").status_code == 200
    assert page.get("/api/photos/1/thumbnail").headers["content-type"] == "image/jpeg"


def test_truth_stands_beside_the_prediction_and_the_worst_comes_first(results: Path) -> None:
    page = client(results, truth=results.parent / "truth.json")
    truth = page.get("/api/photos/1").json()["objects"][0]["truth"]
    assert truth["iou"] == pytest.approx(0.5)
    listed = page.get("/api/photos", params={"sort": "worst"}).json()["photos"]
    assert [(one["id"], one["worst"]) for one in listed] == [(1, pytest.approx(0.5)), (2, 1.0)]


def test_photos_are_found_by_class_and_level(results: Path) -> None:
    page = client(results)
    hidden = BEHIND.level
    assert [one["id"] for one in page.get("/api/photos", params={"label": "van"}).json()["photos"]] == [2]
    assert [one["id"] for one in page.get("/api/photos", params={"level": hidden}).json()["photos"]] == [1]
    assert page.get("/api/photos", params={"label": "van", "level": hidden}).json()["total"] == 0


def test_nothing_can_be_written(results: Path) -> None:
    page = client(results)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert page.request(method, "/api/photos/1", json={}).status_code in (404, 405)


def test_one_method_of_a_comparison_is_shown(results: Path, tmp_path: Path) -> None:
    folder = tmp_path / "compared"
    for name in ("orm", "box"):
        (folder / "predictions").mkdir(parents=True, exist_ok=True)
        write_scenes(SCENES, folder / "predictions" / f"{name}.json")
        (folder / "predictions" / f"{name}.recipe.json").write_text("{}")
    assert len(open_results(folder, images=results, method="orm")) == 2
    assert open_results(folder, images=results)[0].path == results / "a.png"
    with pytest.raises(InputError, match="box, orm"):
        open_results(folder, method="magic")


def test_a_missing_photo_is_told_in_words(results: Path) -> None:
    (results / "a.png").unlink()
    said = client(results).get("/api/photos/1/picture")
    assert said.status_code == 404
    assert "--images" in said.json()["error"]["message"]


@pytest.mark.parametrize(
    "path", ["/api/photos/3", "/api/photos/1/layers/..%2f..%2fscenes.json", "/api/photos/1/layers/x"]
)
def test_nothing_but_the_results_is_served(results: Path, path: str) -> None:
    assert client(results).get(path).status_code == 404


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds none"):
        open_results(tmp_path)


@pytest.fixture
def compared(results: Path, tmp_path: Path) -> Path:
    """As compare writes it, with the note which truth that was."""
    (results / "predictions").mkdir()
    (results / "scenes.json").rename(results / "predictions" / "orm.json")
    said = {"truth": str(tmp_path / "truth.json"), "images": str(results), "split": None}
    (results / "source.json").write_text(json.dumps(said))
    return results


def test_a_comparison_is_shown_beside_its_own_truth(compared: Path) -> None:
    said = client(compared).get("/api/photos/1").json()
    assert said["objects"][0]["truth"]["iou"] == pytest.approx(0.5)


def test_a_comparison_whose_truth_has_gone_says_what_to_give(compared: Path, tmp_path: Path) -> None:
    (tmp_path / "truth.json").rename(tmp_path / "elsewhere.json")
    with pytest.raises(InputError, match="--truth"):
        open_results(compared)
    assert client(compared, truth=tmp_path / "elsewhere.json").get("/api/photos/1").json()["objects"][0]["truth"]


def test_the_method_is_named_and_another_can_be_chosen(compared: Path) -> None:
    # the other method has the photos in another sequence
    write_scenes(SCENES[::-1], compared / "predictions" / "box.json")
    page = client(compared, method="orm")
    listed = page.get("/api/photos").json()
    assert (listed["method"], listed["methods"]) == ("orm", ["box", "orm"])
    other = page.get("/api/photos", params={"method": "box"}).json()
    assert other["method"] == "box"
    assert not {one["id"] for one in listed["photos"]} & {one["id"] for one in other["photos"]}
    (van,) = [one["id"] for one in listed["photos"] if one["name"] == "b.png"]
    same = page.get(f"/api/photos/{van}", params={"method": "box"}).json()
    assert (same["method"], same["photo"]["name"], same["objects"][0]["label"]) == ("box", "b.png", "van")
    again = page.get(f"/api/photos/{same['photo']['id']}").json()
    assert again == same
    assert page.get(f"/api/photos/{same['photo']['id']}/picture").content == (compared / "b.png").read_bytes()


def test_the_method_of_a_prediction_is_named(results: Path) -> None:
    said = client(results).get("/api/photos/1").json()
    assert (said["method"], said["methods"]) == ("orm", ["orm"])
