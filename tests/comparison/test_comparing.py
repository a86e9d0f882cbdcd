"""Scores of a whole comparison, its tables, page, pictures and figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from amodal.comparison import Comparison, compare, parse_specs
from amodal.comparison.calibrating import added_up, tally_of
from amodal.comparison.page import write_comparison_page
from amodal.comparison.pictures import cropped, cuts_of
from amodal.comparison.published import AMODAL, DATA, MODAL, ORDER_ABLATION
from amodal.comparison.tables import as_text, published_tables, tables_of
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.calibration import posterior_calibration
from amodal.scene import Posterior
from helpers.fussy_segmenter import Calls


@pytest.fixture
def comparison(truths: list[Truth], calls: Calls, tmp_path: Path) -> Comparison:
    return compare(truths, parse_specs(["box,clumsy,fussy"]), tmp_path)


def test_every_object_of_a_failed_photo_counts_as_missed(comparison: Comparison) -> None:
    _, clumsy, fussy = comparison.results
    assert fussy.masks is not None and clumsy.masks is not None
    assert clumsy.masks.found.tolist() == [True, True, False, False, False]
    expected = np.where(clumsy.masks.found, fussy.masks.modal_iou, 0)
    np.testing.assert_array_equal(clumsy.masks.modal_iou, expected)


def test_masks_of_rectangles_are_scored_as_counted_by_hand(comparison: Comparison) -> None:
    fussy = comparison.to_json()["methods"][2]
    # What reaches lower is in front, as it is in these photos: every mask is right.
    assert fussy["masks"]["modal"]["mean_objects"] == 100
    assert fussy["masks"]["occluded"]["mean_objects"] == 100
    assert fussy["order"]["all"]["accuracy"] == 100
    box = comparison.to_json()["methods"][0]
    assert box["masks"]["amodal"]["mean_objects"] == 100
    cars = [1 - (56 - 40) * 30 / (50 * 30), 1 - (70 - 60) * 28 / (50 * 28)]
    assert box["masks"]["modal"]["mean_objects"] == pytest.approx(100 * (sum(cars) + 3) / 5, abs=0.01)


def test_both_rules_stand_beside_the_methods(comparison: Comparison) -> None:
    rules = comparison.to_json()["rules"]
    assert rules["lower edge"]["all"]["accuracy"] == 100
    assert rules["larger"]["all"]["accuracy"] == 0
    assert rules["larger"]["overlap > 5 %"]["pairs"] == 2


def test_the_comparison_is_json(comparison: Comparison) -> None:
    said = json.loads(json.dumps(comparison.to_json(), allow_nan=False))
    assert said["data"]["photos"] == 2
    assert said["methods"][1]["failures"][0]["photo"] == "000001.png"


def test_classes_are_judged_where_methods_choose_them(truths: list[Truth], calls: Calls, tmp_path: Path) -> None:
    comparison = compare(truths, parse_specs(["fussy"]), tmp_path, labels="none")
    # The stub calls everything a car: two of the five objects are.
    assert comparison.to_json()["methods"][0]["classes"]["mean_objects"] == 40


def test_a_class_that_the_data_lacks_is_a_wrong_answer(truths: list[Truth], calls: Calls, tmp_path: Path) -> None:
    only_people = [replace(truth, classes=frozenset({"pedestrian"})) for truth in truths]
    for truth in only_people:
        people = [one for one in truth.scene.instances if one.label == "pedestrian"]
        object.__setattr__(
            truth, "scene", replace(truth.scene, order=type(truth.scene.order)(), instances=tuple(people))
        )
    comparison = compare(only_people, parse_specs(["fussy"]), tmp_path, labels="none")
    assert comparison.to_json()["methods"][0]["classes"]["mean_objects"] == 0


def test_text_has_all_tables_with_every_method(comparison: Comparison) -> None:
    text = as_text(tables_of(comparison))
    for words in ("Visible masks", "Whole masks", "Hidden parts", "Who is in front", "rule: lower edge", "seconds per"):
        assert words in text
    assert text.count("clumsy") == len(tables_of(comparison))


def test_the_page_needs_nothing_from_outside_and_shows_every_level(comparison: Comparison, tmp_path: Path) -> None:
    cuts = cuts_of(comparison)
    page = write_comparison_page(comparison, tmp_path / "index.html", cuts, "kins").read_text("utf-8")
    assert not re.search(r"(src|href)=['\"](?!data:)", page)
    assert {cut.group for cut in cuts} >= {"L0", "L1", "L2"}
    assert "measured on other data" in page
    assert "clumsy: 000001.png: RuntimeError" in page
    assert page.count("<img ") == len(cuts)


def test_a_cut_shows_what_lies_in_its_window(truths: list[Truth]) -> None:
    scene, window = truths[0].scene, (30, 5, 70, 60)
    part = cropped(scene, window).validate()
    for one, whole in zip(part.instances, scene.instances, strict=True):
        np.testing.assert_array_equal(one.amodal.to_dense(), whole.amodal.to_dense()[5:60, 30:70])


def test_photos_are_checked_before_anything_runs(truths: list[Truth], calls: Calls, tmp_path: Path) -> None:
    wrong_size = replace(
        truths[1], scene=replace(truths[1].scene, width=97, instances=(), order=type(truths[1].scene.order)())
    )
    missing = replace(truths[1], path=tmp_path / "gone.png")
    nameless = replace(truths[1], path=None)
    for truth, message in (
        (wrong_size, "is 96 × 64 px .*expected 97 × 64 as truth says"),
        (missing, "gone.png: photo: no such file"),
        (nameless, "the truth names no photo"),
        (truths[0], "000000.png: is there twice"),
    ):
        with pytest.raises(InputError, match=message):
            compare([truths[0], truth], parse_specs(["fussy"]), tmp_path)
    assert not calls


def test_a_model_that_cannot_be_loaded_is_told_before_anything_runs(
    truths: list[Truth], calls: Calls, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"none\.safetensors: model: no such file"):
        compare(truths, parse_specs(["fussy", "pcnet-m:model=none.safetensors"]), tmp_path)
    assert not calls


def test_a_method_that_is_given_the_true_visible_masks_is_never_called_best(
    truths: list[Truth], calls: Calls, tmp_path: Path
) -> None:
    compared = compare(truths, parse_specs(["box,clumsy,fussy:visible=truth"]), tmp_path)
    best = {row for table in tables_of(compared) for row, _ in table.best}
    assert compared.results[2].run.spec.sees_truth and best and 2 not in best


def test_calibration_added_up_photo_by_photo_is_that_of_all_at_once(truths: list[Truth]) -> None:
    chance = np.random.default_rng(0)
    scenes = []
    for truth in truths:
        instances = []
        for one in truth.scene.instances:
            maps = chance.dirichlet((1, 1, 1), (7, 5)).transpose(2, 0, 1).astype(np.float32)
            instances.append(replace(one, posterior=Posterior(one.box, maps)))
        scenes.append(truth.scene.with_instances(instances))
    at_once = posterior_calibration(truths, scenes)
    apart = [posterior_calibration([truth], [scene]) for truth, scene in zip(truths, scenes, strict=True)]
    together = added_up([tally_of(found) for found in apart])
    assert together.ece == pytest.approx(at_once.ece)
    assert together.count == at_once.count == 5
    np.testing.assert_allclose(together.weights, at_once.weights)


@pytest.mark.parametrize("printed", [MODAL, AMODAL])
def test_printed_means_over_levels_are_means_of_the_printed_levels(printed: dict) -> None:
    for rows in printed.values():
        for row in rows:
            if row.mean_over == "levels":
                assert row.mean == pytest.approx(sum(row.levels) / 4, abs=0.08), row


def test_published_tables_say_where_they_are_from() -> None:
    for data in DATA:
        tables = published_tables(data)
        assert len(tables) == 2 + (data in ORDER_ABLATION)
        assert all("measured on other data" in table.note for table in tables)


def test_figures_of_real_reasoning_are_drawn(truths: list[Truth], mini_model: Path, tmp_path: Path) -> None:
    from amodal.comparison.figures import write_figures

    spec = f"orm:model={mini_model},refine=none,geometry=false"
    comparison = compare(truths, parse_specs(["prior:model=" + str(mini_model), spec]), tmp_path)
    files = write_figures(comparison, tmp_path / "figures")
    assert {"by-method", "orders"} <= files.keys()
    for file in files.values():
        with Image.open(file) as picture:
            assert picture.format == "PNG"
            assert min(picture.size) > 300
