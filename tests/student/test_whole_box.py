"""How a visible box becomes a whole one: geometry, hints and what a network's answer means."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from amodal.compnet.model import CompNet, load_model, save_model
from amodal.errors import InputError
from amodal.features.lattice import as_xyxy
from amodal.methods.pixels import seen_within
from amodal.reasoning import Evidence
from amodal.student.around import DISTANCES, OFFSETS, hints_around, lattice_around, medians, moved_out
from amodal.student.box_completer import EXTENSION, BoxCompleter, as_extension, completer_in
from amodal.student.lessons import Lesson, Target
from amodal.student.whole_box import BoxNetwork, box_shape, look_around
from amodal.student.whole_box_task import WholeBoxTask, passed, teach_boxes, visible_lesson
from amodal.training.loop import TrainConfig
from helpers.counting import counted_crops
from helpers.learned import Learned

PHOTO = np.random.default_rng(0).integers(0, 255, (120, 160, 3), np.uint8)
BOXES = np.array([[20.0, 30, 60, 90], [50, 40, 120, 110]])

distances = st.floats(0, 2.4)
boxes = st.tuples(*[st.floats(0, 70)] * 2, st.floats(80, 150), st.floats(80, 118))


@pytest.fixture(scope="module")
def model(reference: Learned) -> CompNet:
    return load_model(reference.model)


def completer_that_says(model: CompNet, *, lateral: float = -1, upper: float = -1, lower: float = -1) -> BoxCompleter:
    """Whatever it sees, these sides pass every distance with these log-odds."""
    network = BoxNetwork(box_shape(model)).eval()
    for name, said in (("lateral", lateral), ("upper", upper), ("lower", lower)):
        last = network.get_submodule(f"{name}.2")
        assert isinstance(last, torch.nn.Linear)
        torch.nn.init.zeros_(last.weight)
        torch.nn.init.constant_(last.bias, said)
    return BoxCompleter(network, {})


def median_by_bisection(further: np.ndarray) -> float:
    """Where the falling line through the points crosses one half."""
    if further[0] < 0.5:
        return 0.0
    low, high = DISTANCES[0], DISTANCES[-1]
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.interp(middle, DISTANCES, further) >= 0.5 else (low, middle)
    return low


@given(st.lists(st.floats(0, 1), min_size=len(DISTANCES), max_size=len(DISTANCES)))
def test_a_side_moves_to_the_median_of_what_is_said(values: list[float]) -> None:
    further = np.sort(np.array(values, np.float32))[::-1]
    assert medians(further[None])[0] == pytest.approx(median_by_bisection(further), abs=1e-3)


@given(boxes, st.tuples(*[distances] * 4))
def test_a_whole_box_holds_the_visible_one_and_ends_at_the_frame(
    box: tuple[float, ...], ways: tuple[float, ...]
) -> None:
    x0, y0, x1, y1 = moved_out(as_xyxy(np.array(box)), np.array(ways), (120, 160))
    assert 0 <= x0 <= box[0]
    assert 0 <= y0 <= box[1]
    assert box[2] <= x1 <= 160
    assert box[3] <= y1 <= 120


def test_a_given_side_beyond_the_frame_stays() -> None:
    assert moved_out((-5.0, 10.0, 170.0, 50.0), np.full(4, 0.3), (120, 160)).tolist() == [-5.0, 0.0, 170.0, 102.5]


def test_the_lattice_shows_what_lies_around_the_box_to_all_sides() -> None:
    for box in BOXES:
        padded = lattice_around(as_xyxy(box)).padded_box
        longer = (box[2:] - box[:2]).max()
        assert (np.abs(np.array(padded) - box) > 0.8 * longer).all()


def test_hints_say_which_share_of_each_cell_a_box_takes() -> None:
    lattice = lattice_around(as_xyxy(BOXES[0]))
    own, others, lower, *ways = hints_around(lattice, 0, BOXES)
    fine = 20
    rows, cols = lattice.shape.padded
    points = (np.arange(fine * max(rows, cols)) + 0.5) / fine
    places = lattice.cell_to_photo(np.stack([points, points], 1))
    x, y = places[: fine * cols, 0], places[: fine * rows, 1]
    for hint, box in ((own, BOXES[0]), (others, BOXES[1]), (lower, BOXES[1])):
        within = np.outer((y > box[1]) & (y < box[3]), (x > box[0]) & (x < box[2]))
        share = within.reshape(rows, fine, cols, fine).mean((1, 3))
        np.testing.assert_allclose(hint, share, atol=0.1)
    assert hints_around(lattice_around(as_xyxy(BOXES[1])), 1, BOXES)[2].max() == 0  # nobody reaches lower
    assert np.argmin(np.abs(ways[0][0])) < np.argmin(np.abs(ways[2][0]))


def test_a_side_that_is_said_to_stay_is_given_back_to_the_last_bit(model: CompNet) -> None:
    (found,) = completer_that_says(model).whole_boxes(model, [PHOTO], [BOXES], [["car", None]])
    assert np.array_equal(found, BOXES)


def test_only_the_side_that_is_said_to_move_moves(model: CompNet) -> None:
    (found,) = completer_that_says(model, lower=5).whole_boxes(model, [PHOTO], [BOXES], [["car", "strange"]])
    assert np.array_equal(found[:, :3], BOXES[:, :3])
    assert (found[:, 3] > BOXES[:, 3]).all()


def test_completing_boxes_costs_one_backbone_pass_per_object(model: CompNet) -> None:
    completer = completer_that_says(model)
    with counted_crops(model.backbone) as batches:
        completer.whole_boxes(model, [PHOTO, PHOTO], [BOXES, BOXES[:1]], [[None] * 2, [None]])
    assert sum(batches) == 3


def test_a_photo_without_objects_has_no_boxes(model: CompNet) -> None:
    completer = completer_that_says(model)
    assert completer.whole_boxes(model, [PHOTO], [np.zeros((0, 4))], [[]])[0].shape == (0, 4)


def test_a_completer_travels_in_the_model_file(model: CompNet, tmp_path: Path) -> None:
    assert completer_in(model) is None
    completer = completer_that_says(model, upper=2)
    path = tmp_path / "m.safetensors"
    save_model(replace(model, extensions={EXTENSION: as_extension(completer, {"steps": 1})}), path)
    found = completer_in(load_model(path))
    assert found is not None
    (before,), (after,) = (c.whole_boxes(model, [PHOTO], [BOXES], [[None, None]]) for c in (completer, found))
    assert before == pytest.approx(after, abs=0.1)


def test_weights_that_do_not_fit_are_refused(model: CompNet) -> None:
    extension = as_extension(completer_that_says(model), {})
    other = replace(extension, settings={"shape": {"width": 32}})
    with pytest.raises(InputError, match="whole-box"):
        completer_in(replace(model, extensions={EXTENSION: other}))


def target(hidden: tuple[slice, slice]) -> Target:
    """An object that fills columns 20 to 80, rows 30 to 90, less what is hidden."""
    whole = np.ones((60, 60), bool)
    seen = whole.copy()
    seen[hidden] = False
    return Target((20, 30, 80, 90), seen, whole)


def test_a_lesson_is_given_by_visible_boxes_and_a_side_that_nothing_hides_stays() -> None:
    given_box = np.array([19.0, 30.5, 81.0, 90.0])  # a bit off, as boxes are
    hidden = (slice(None), slice(40, None))
    lesson = Lesson(PHOTO, np.stack([given_box, BOXES[1]]), ("car", "car"), (target(hidden), None))
    found = visible_lesson(lesson)
    assert found.boxes[0].tolist() == [19.0, 30.5, 61.0, 90.0]
    assert found.insets[0].tolist() == [0, 0, 20, 0]
    assert found.boxes[1].tolist() == BOXES[1].tolist()
    assert np.isnan(found.insets[1]).all()


def test_what_is_wholly_hidden_is_not_taught() -> None:
    lesson = Lesson(PHOTO, BOXES[:1], ("car",), (target((slice(None), slice(None))),))
    assert np.isnan(visible_lesson(lesson).insets).all()


def test_distances_are_counted_in_longer_sides_of_the_visible_box() -> None:
    further = passed(np.array([[0.0, 0, 50, 100]]), np.array([[0.0, 3.1, 50, 1.0]]))
    assert further.sum(2).tolist() == [[0, 2, sum(d < 0.5 for d in DISTANCES), 0]]


def test_a_taught_object_reaches_the_loss_with_the_distances_it_passes(model: CompNet) -> None:
    lesson = Lesson(
        PHOTO, np.array([[20.0, 30, 80, 90], BOXES[1]]), ("car", "car"), (target((slice(30, None), slice(None))), None)
    )
    task = WholeBoxTask(model, lambda _rng: lesson)  # type: ignore[arg-type]
    batch = task.collate([task.draw(0, np.random.default_rng(0))])
    assert [group.further.sum().item() for group in batch] == [sum(d < 0.5 for d in DISTANCES)]
    network = task.build()
    loss = task.loss(network, batch)["further"]
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert all(parameter.grad is not None for parameter in network.parameters())


def test_what_is_taught_goes_into_the_model_file_and_out_again(model: CompNet, tmp_path: Path) -> None:
    lesson = Lesson(PHOTO, BOXES[:1], ("car",), (target((slice(30, None), slice(None))),))
    config = TrainConfig(steps=2, batch=1, half=False)
    extension = teach_boxes(model, lambda _rng: lesson, {}, tmp_path / "b.safetensors", config=config)  # type: ignore[arg-type]
    found = completer_in(replace(model, extensions={EXTENSION: extension}))
    assert found is not None
    assert extension.settings["about"]["steps"] == 2
    assert found.whole_boxes(model, [PHOTO], [BOXES], [["car", "person"]])[0].shape == (2, 4)


def test_of_an_object_nothing_is_seen_outside_its_visible_box() -> None:
    maps = np.log(np.random.default_rng(0).dirichlet([1, 1, 1], (40, 60)).astype(np.float32).transpose(2, 0, 1) + 1e-4)
    evidence = Evidence((10, 20, 70, 60), *maps, (10.0, 20.0, 70.0, 60.0))
    found = seen_within(evidence, (15.0, 25.0, 40.0, 50.0))
    visible = (found.foreground > found.occluded) & (found.foreground > found.context)
    rows, cols = np.nonzero(visible)
    assert (cols.min() + 10, cols.max() + 11) == (14, 41)
    assert (rows.min() + 20, rows.max() + 21) == (24, 51)
    present = np.exp(evidence.foreground) + np.exp(evidence.occluded)
    np.testing.assert_allclose(np.exp(found.foreground) + np.exp(found.occluded), present, atol=1e-4)


def test_profiles_are_read_at_their_distances_from_each_side(model: CompNet) -> None:
    ((first, second),) = look_around(model, [PHOTO], [BOXES], [["car", None]])
    for item, box in ((first, BOXES[0]), (second, BOXES[1])):
        assert item.features.shape[2:] == item.hints.shape[2:]
        longer = (box[2:] - box[:2]).max()
        way_from_left, way_from_lower = item.hints[0, 4].mean(0), item.hints[0, 7].mean(1)
        np.testing.assert_allclose(item.across[0, 0] @ way_from_left, -np.array(OFFSETS), atol=1e-4)
        np.testing.assert_allclose(item.down[0, 1] @ way_from_lower, OFFSETS, atol=1e-4)
        middle = float(item.cols[0] @ way_from_left) * longer
        assert middle == pytest.approx((box[2] - box[0]) / 2, abs=0.5)
    assert (int(first.labels), int(second.labels)) == (model.labels.index("car") + 1, 0)
