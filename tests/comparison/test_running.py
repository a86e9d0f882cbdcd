"""What methods are asked, what is kept of their answers, and what happens when they fail."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from amodal.comparison import running
from amodal.comparison.asking import ask_of, scene_as_asked
from amodal.comparison.running import Run, recipe_of, run_method
from amodal.comparison.specs import MethodSpec, parse_spec
from amodal.data.truth import Truth
from amodal.errors import InputError
from amodal.evaluation.pairing import pair
from amodal.masks import CropMask
from amodal.order import OrderGraph
from helpers.fussy_segmenter import Calls


@pytest.fixture
def fussy(calls: Calls) -> MethodSpec:
    return parse_spec("fussy")


def hiding(truth: Truth, id: int) -> Truth:
    return replace(truth, hidden=frozenset({id}))


def without_time(run: Run) -> Run:
    return replace(run, seconds_per_photo=0.0)


def test_answers_have_the_ids_and_names_of_the_truth(truths: list[Truth], fussy: MethodSpec, tmp_path: Path) -> None:
    for truth, scene in zip(truths, run_method(fussy, truths, tmp_path).scenes, strict=True):
        found = [(one.id, one.label, one.box) for one in scene.instances]
        assert found == [(one.id, one.label, one.box) for one in truth.given]
        assert scene.image == truth.scene.image
        assert {edge.front for edge in scene.order.edges} <= {one.id for one in truth.given}


def test_a_method_is_asked_in_words_that_it_knows(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path
) -> None:
    run_method(fussy, truths, tmp_path)
    assert calls == [("boxes", ([2, 3], [["car", "person"], ["car", "person", "person"]]))]


def test_without_labels_a_method_is_told_none(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path
) -> None:
    run_method(fussy, truths, tmp_path, labels="none")
    assert calls[0][1][1] == [[None] * 2, [None] * 3]


def test_hidden_objects_are_given_to_no_method(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path
) -> None:
    run = run_method(fussy, [hiding(truths[0], 2), truths[1]], tmp_path)
    assert calls[0][1][0] == [1, 3]
    assert [one.id for one in run.scenes[0].instances] == [1]


def test_true_visible_masks_are_completed_and_answers_get_the_true_boxes(
    truths: list[Truth], calls: Calls, tmp_path: Path
) -> None:
    run = run_method(parse_spec("fussy:visible=truth"), truths, tmp_path)
    assert calls == [("visible", [[one.modal.area for one in truth.given] for truth in truths])]
    for truth, scene in zip(truths, run.scenes, strict=True):
        assert [one.box for one in scene.instances] == [one.box for one in truth.given]
        assert [one.amodal for one in scene.instances] == [one.modal for one in truth.given]


def test_a_method_may_be_given_the_boxes_of_what_is_seen(truths: list[Truth], tmp_path: Path) -> None:
    run = run_method(parse_spec("box:boxes=visible"), truths, tmp_path)
    for truth, scene in zip(truths, run.scenes, strict=True):
        assert scene.boxes_are == "visible"
        assert [(one.id, one.box) for one in scene.instances] == [(one.id, one.modal.box) for one in truth.given]
        assert pair(truth, scene) == {one.id: one for one in scene.instances}


def test_nobody_is_asked_about_the_visible_box_of_what_is_not_seen(truths: list[Truth], tmp_path: Path) -> None:
    scene = truths[0].scene
    first, *others = scene.instances
    unseen = replace(first, modal=CropMask.empty(scene.height, scene.width))
    truth = replace(truths[0], scene=scene.with_instances([unseen, *others]))
    run = run_method(parse_spec("box:boxes=visible"), [truth], tmp_path)
    assert [one.id for one in run.scenes[0].instances] == [one.id for one in others]


def test_visible_boxes_are_asked_of_truth_that_knows_them(truths: list[Truth], tmp_path: Path) -> None:
    boxes_alone = [replace(truth, knows=frozenset({"boxes"})) for truth in truths]
    run = run_method(parse_spec("box:boxes=visible"), boxes_alone, tmp_path)
    assert len(run.failures) == 2
    assert "expected visible masks for boxes=visible" in run.failures[0].reason


def test_a_whole_box_that_was_predicted_from_a_visible_one_is_kept(truths: list[Truth]) -> None:
    asked = ask_of(truths[0], [], "given", visible_boxes=True)
    whole = (1.0, 2.0, 63.0, 40.0)
    one = truths[0].scene.instances[0]
    said = [replace(one, id=n, box=whole, meta={"visible_box": box}) for n, box in enumerate(asked.boxes.tolist())]
    bare = replace(truths[0].scene, instances=tuple(said), order=OrderGraph())
    answer = scene_as_asked(bare, truths[0], asked)
    assert [found.id for found in answer.instances] == list(asked.ids)
    assert [found.box for found in answer.instances] == [whole] * len(said)
    assert answer.boxes_are == "amodal"


def test_a_method_that_completes_nothing_fails_on_every_photo(truths: list[Truth], tmp_path: Path) -> None:
    run = run_method(parse_spec("box:visible=truth"), truths, tmp_path)
    assert len(run.failures) == 2
    assert "expected a method that completes visible masks" in run.failures[0].reason


def test_a_photo_that_fails_is_listed_and_the_others_go_on(truths: list[Truth], calls: Calls, tmp_path: Path) -> None:
    run = run_method(parse_spec("clumsy"), truths, tmp_path)
    assert [(one.photo, one.reason) for one in run.failures] == [("000001.png", "RuntimeError: this photo is too much")]
    assert [len(scene) for scene in run.scenes] == [2, 0]


def test_finished_predictions_are_used_again(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path
) -> None:
    first = run_method(fussy, truths, tmp_path)
    second = run_method(fussy, truths, tmp_path)
    assert len(calls) == 1
    assert without_time(second) == without_time(first)
    assert second.seconds_per_photo == first.seconds_per_photo or math.isnan(first.seconds_per_photo)


def test_damaged_predictions_are_made_again(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path
) -> None:
    first = run_method(fussy, truths, tmp_path)
    (tmp_path / "fussy.json").write_text("{")
    assert without_time(run_method(fussy, truths, tmp_path)) == without_time(first)
    assert len(calls) == 2


@pytest.mark.parametrize("change", ["settings", "visible", "labels", "boxes", "photo"])
def test_whatever_changes_the_answers_changes_the_recipe(change: str, truths: list[Truth]) -> None:
    spec = parse_spec("orm")
    other, others, labels = spec, truths, "given"
    if change == "settings":
        other = parse_spec("orm:rounds=1")
    elif change == "visible":
        other = parse_spec("orm:boxes=visible")
    elif change == "labels":
        labels = "none"
    elif change == "boxes":
        others = [hiding(truths[0], 1), truths[1]]
    else:
        assert truths[0].path is not None
    before = recipe_of(spec, truths, "given")
    if change == "photo":
        truths[0].path.write_bytes(truths[0].path.read_bytes() + b"more")  # type: ignore[union-attr]
    assert recipe_of(other, others, labels) != before  # type: ignore[arg-type]


def test_a_killed_run_goes_on_where_it_was(
    truths: list[Truth], fussy: MethodSpec, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "PHOTOS_IN_A_PART", 1)
    undisturbed = run_method(fussy, truths, tmp_path / "a")
    calls.clear()

    def killed(_stage: str, done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_method(fussy, truths, tmp_path / "b", progress=killed)
    assert len(calls) == 2
    calls.clear()
    resumed = run_method(fussy, truths, tmp_path / "b")
    assert len(calls) == 1
    assert without_time(resumed) == without_time(undisturbed)
    assert (tmp_path / "a" / "fussy.json").read_bytes() == (tmp_path / "b" / "fussy.json").read_bytes()
    assert not list((tmp_path / "b").glob(".parts-*"))


def test_a_model_that_cannot_be_loaded_is_refused(truths: list[Truth], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        run_method(parse_spec("prior:model=nothing.safetensors"), truths, tmp_path)
