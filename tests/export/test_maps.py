"""Graphs against PyTorch in float32: features, maps and posteriors of every lattice shape."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from amodal.export.engines import graph_of
from amodal.export.folder import read_export
from amodal.export.looking import Looker
from amodal.features.lattice import SHAPES, Shape
from amodal.methods.compositional import read_model
from amodal.methods.looking import cell_posteriors, look
from amodal.student.hints import hints_of
from amodal.student.model import student_in
from amodal.student.task import batch_of
from helpers.full_precision import full_precision

TOLERANCE = 1e-3
rng = np.random.default_rng(3)
PHOTO = np.kron(rng.integers(0, 255, (24, 32, 3)), np.ones((20, 20, 1))).astype(np.uint8)


def box_of(shape: Shape) -> np.ndarray:
    """A box whose lattice has that shape, partly outside the photo."""
    return np.array([[30.0, 20.0, 30 + 12.0 * shape.cols, 20 + 12.0 * shape.rows]]) - [[60, 0, 60, 0]]


def some_of(looker: Looker) -> tuple[Shape, ...]:
    """Every shape; for OpenVINO, which compiles for each anew, a few."""
    return SHAPES if looker.model.engine == "onnx" else SHAPES[::5]


@pytest.fixture(scope="module")
def model():
    return read_model("default")[0]


@pytest.fixture(scope="module", params=["onnx", "openvino"])
def looker(request: pytest.FixtureRequest, exported: Path, for_openvino: Path) -> Looker:
    return Looker(read_export(exported if request.param == "onnx" else for_openvino), threads=1)


def test_maps_of_every_class_and_mixture_on_every_lattice_shape_are_those_of_pytorch(model, looker: Looker):
    worst = 0.0
    with full_precision(None):
        for shape in some_of(looker):
            box = box_of(shape)
            ours = looker.look([PHOTO], [box], [[None]])[0][0]
            theirs = look(model, [PHOTO], [box], [[None]])[0][0]
            assert ours.lattice.shape == shape
            for mine, other in zip(ours.maps, theirs.maps, strict=True):
                pairs = [
                    (mine.foreground, other.foreground[0]),
                    (mine.context, other.context[0]),
                    (mine.explained, other.explained[0]),
                    (mine.occluded, other.occluded),
                ]
                worst = max(worst, *(float(np.abs(a - b.numpy()).max()) for a, b in pairs))
    assert worst < TOLERANCE


def test_class_mixture_and_score_are_those_of_pytorch(model, looker: Looker):
    boxes = np.concatenate([box_of(shape) for shape in SHAPES[::3]])
    with full_precision(None):
        ours = looker.look([PHOTO], [boxes], [[None] * len(boxes)])[0]
        theirs = look(model, [PHOTO], [boxes], [[None] * len(boxes)])[0]
    assert [(one.label, one.mixture) for one in ours] == [(one.label, one.mixture) for one in theirs]
    assert [one.score for one in ours] == pytest.approx([one.score for one in theirs], abs=TOLERANCE)


def test_looking_again_at_a_part_chooses_as_pytorch_does(model, looker: Looker):
    from amodal.methods.looking import look_again

    box = np.array([[40.0, 30.0, 300.0, 220.0]])
    visible = np.zeros((190, 260), bool)
    visible[:, 150:] = True
    with full_precision(None):
        ours = looker.look_again(looker.look([PHOTO], [box], [[None]])[0][0], visible, PHOTO.shape[:2])
        theirs = look_again(look(model, [PHOTO], [box], [[None]])[0][0], visible, PHOTO.shape[:2])
    assert (ours.label, ours.mixture) == (theirs.label, theirs.mixture)
    assert ours.score == pytest.approx(theirs.score, abs=TOLERANCE)


def test_posteriors_of_model_and_student_on_every_lattice_shape_are_those_of_pytorch(model, looker: Looker):
    student = student_in(model)
    assert student is not None
    worst = 0.0
    with full_precision(None):
        for shape in some_of(looker):
            box = box_of(shape)
            ours = looker.look([PHOTO], [box], [["car"]])
            theirs = look(model, [PHOTO], [box], [["car"]], finer=student.finer)
            cells = looker.cell_posteriors(ours[0][0]) - cell_posteriors(model, theirs[0][0])
            entry = (theirs[0][0], hints_of(model, theirs[0])[0], 1 + model.labels.index("car"))
            with torch.inference_mode():
                logits = student.network(*batch_of([entry], student.inputs))
            fine = looker.student_posteriors(ours)[0][0] - torch.softmax(logits / student.temperature, 1)[0].numpy()
            worst = max(worst, float(np.abs(cells).max()), float(np.abs(fine).max()))
    assert worst < TOLERANCE


def test_a_batch_of_any_size_gives_what_its_crops_give_alone(exported: Path):
    run = graph_of(read_export(exported), "look", threads=1)
    height, width = SHAPES[3].crop_size
    crops = rng.integers(0, 255, (5, height, width, 3)).astype(np.uint8)
    together = run({"crops": crops})["features"]
    alone = [run({"crops": crop[None]})["features"][0] for crop in crops]
    assert np.abs(together - np.stack(alone)).max() < 1e-5


def test_whole_boxes_of_visible_ones_are_those_of_pytorch(model, looker: Looker):
    from amodal.student.box_completer import completer_in

    completer = completer_in(model)
    assert completer is not None
    boxes = np.array([[40.0, 30.0, 200.0, 160.0], [150.0, 60.0, 330.0, 210.0], [300.0, 100.0, 340.0, 260.0]])
    with full_precision(None):
        theirs = completer.whole_boxes(model, [PHOTO], [boxes], [["car", None, "person"]])[0]
    ours = looker.whole_boxes([PHOTO], [boxes], [["car", None, "person"]])[0]
    assert np.abs(ours - theirs).max() < 0.05  # pixels
