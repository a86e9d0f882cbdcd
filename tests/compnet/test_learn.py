"""Learning as a whole: from boxes alone, and what comes of it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

import amodal
from amodal.compnet.learn import LearnConfig, learn
from amodal.compnet.model import AGNOSTIC, load_model
from helpers.learned import Learned
from helpers.miniature import CATEGORIES, TRAMS, Miniature, mask_of_polygon, with_rubbish_masks, without_masks


def test_same_file_without_any_mask_gives_a_bit_identical_model(
    mini: Miniature, mini_config: LearnConfig, mini_model: Path, tmp_path: Path
) -> None:
    """The promise of learning from boxes alone, kept by the default backbone and all stages."""
    bare = mini.variant("bare", without_masks(mini.content()))
    assert "segmentation" in mini.annotations.read_text()
    assert "segmentation" not in bare.read_text()
    learn(bare, mini.images, tmp_path / "m.safetensors", config=mini_config)
    assert (tmp_path / "m.safetensors").read_bytes() == mini_model.read_bytes()


def test_masks_of_rubbish_and_other_names_change_nothing_but_the_names(
    mini: Miniature, tiny_config: LearnConfig, reference: Learned, tmp_path: Path
) -> None:
    """The names would be the same file name if blanks and slashes were merely replaced."""
    content = with_rubbish_masks(mini.content())
    content["categories"][0]["name"], content["categories"][1]["name"] = "big/car", "big car"
    spoilt = mini.variant("rubbish", content)
    learn(spoilt, mini.images, tmp_path / "m.safetensors", config=tiny_config, work=tmp_path / "work")
    found, expected = load_file(tmp_path / "m.safetensors"), load_file(reference.model)
    assert len(found) == len(expected)
    for key, tensor in expected.items():
        renamed = key.replace("class.car.", "class.big/car.").replace("class.person.", "class.big car.")
        assert found[renamed].equal(tensor), key


def test_report_lists_what_was_learned_and_what_was_skipped(reference: Learned) -> None:
    report = reference.report
    assert set(report.learned) == {"car", "person", AGNOSTIC}
    assert report.skipped == {"tram": TRAMS}
    assert report.learned == {"car": 14, "person": 14, AGNOSTIC: 2 * 14 + TRAMS}
    assert report.visible["car"] == 14
    lines = report.table().splitlines()
    assert any(line.startswith("tram") and str(TRAMS) in line and "skipped" in line for line in lines)
    assert any(line.startswith("car") and str(report.learned["car"]) in line for line in lines)


def test_progress_tells_of_every_stage(reference: Learned) -> None:
    told = Counter(stage for stage, _, _ in reference.progress)
    assert {"features", "dictionary", "backgrounds"} <= told.keys()
    for label in ("car", "person", AGNOSTIC):
        assert {f"{label}: clustering", f"{label}: hard EM", f"{label}: refining training masks"} <= told.keys()
    assert all(0 <= done <= total for _, done, total in reference.progress)


def test_model_says_what_it_was_made_from(mini_config: LearnConfig, mini_model: Path) -> None:
    card = load_model(mini_model).card
    assert card["supervision"] == "bounding boxes and labels and flags of fully visible objects"
    assert card["skipped"] == {"tram": TRAMS}
    assert card["config"]["kernels"] == mini_config.kernels
    assert sum(source["photos"] for source in card["photos"]) >= 14
    assert all(source["licence"] for source in card["photos"])


def val_objects(mini: Miniature) -> list[tuple[Path, list[float], str, np.ndarray]]:
    """Fully visible objects of photos that were not learned from: photo, XYXY box, label, true mask."""
    content = mini.content()
    photos = {image["id"]: image for image in content["images"] if image["split"] == "val"}
    found = []
    for a in content["annotations"]:
        if a["image_id"] in photos and a["clean"]:
            x, y, w, h = a["bbox"]
            path = mini.images / photos[a["image_id"]]["file_name"]
            found.append((path, [x, y, x + w, y + h], CATEGORIES[a["category_id"] - 1], mask_of_polygon(a)))
    return found


def test_learned_model_tells_the_classes_apart(mini: Miniature, mini_model: Path) -> None:
    model = amodal.load(mini_model, "compnet")
    objects = val_objects(mini)
    assert len(objects) >= 8
    scenes = model.segment_batch([path for path, *_ in objects], [[box] for _, box, *_ in objects])
    assert [scene.instances[0].label for scene in scenes] == [label for _, _, label, _ in objects]


def test_learned_masks_are_better_than_the_whole_box(mini: Miniature, mini_model: Path) -> None:
    model = amodal.load(mini_model, "compnet")
    objects = val_objects(mini)
    scenes = model.segment_batch(
        [path for path, *_ in objects], [[box] for _, box, *_ in objects], [[label] for *_, label, _ in objects]
    )
    gained: dict[str, list[float]] = {}
    for scene, (_, box, label, truth) in zip(scenes, objects, strict=True):
        whole = np.zeros_like(truth)
        whole[box[1] : box[3], box[0] : box[2]] = True  # type: ignore[misc]
        ours = iou(scene.instances[0].amodal.to_dense(), truth)
        gained.setdefault(label, []).append(ours - iou(whole, truth))
    assert {label: float(np.mean(gains)) > 0.03 for label, gains in gained.items()} == {"car": True, "person": True}


def iou(mask: np.ndarray, truth: np.ndarray) -> float:
    return float((mask & truth).sum() / (mask | truth).sum())


def test_weights_given_as_a_file_are_in_the_model(reference: Learned, tiny_config: LearnConfig, tmp_path: Path) -> None:
    """Whoever predicts with the model has no such file."""
    assert tiny_config.backbone_weights is not None
    given = load_file(tiny_config.backbone_weights)
    used = load_model(reference.model).backbone.network.state_dict()
    assert all(used[name].equal(given[name]) for name in used)


def test_the_miniature_is_the_same_every_time(mini: Miniature, tmp_path: Path) -> None:
    from helpers.miniature import make_miniature

    again = make_miniature(tmp_path)
    assert again.content() == mini.content()
    for path in sorted(mini.images.iterdir())[:3]:
        assert (again.images / path.name).read_bytes() == path.read_bytes()
