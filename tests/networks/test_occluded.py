"""Occlusion's probability: the fit against scikit-learn and against chance whose truth is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from amodal.challenge import ChallengeConfig, generate
from amodal.data.truth import read_truth
from amodal.errors import AmodalError, InputError
from amodal.evaluation.calibration import LEAST_HIDDEN
from amodal.networks.calibrate import calibrate
from amodal.networks.files import read_member
from amodal.networks.occluded import BY_MASKS, Occlusion, branch_signal, fit, mask_signal
from helpers.cut_outs import make_cut_outs
from helpers.family import save_network


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 10_000), st.floats(0.3, 3), st.floats(-3, 1))
def test_the_fit_is_that_of_an_independent_logistic_regression(seed: int, scale: float, offset: float) -> None:
    chance = np.random.default_rng(seed)
    signal = chance.normal(0, 2, 400)
    happened = chance.random(400) < Occlusion(scale, offset).probability(signal)
    if not 5 < happened.sum() < 395:
        return
    found = fit(signal, happened)
    # Without our small pull towards the start, which rare cases with nearly certain signals can feel.
    other = LogisticRegression(C=1e3, max_iter=1000).fit(signal[:, None], happened)
    independent = 1 / (1 + np.exp(-(other.coef_[0, 0] * signal + other.intercept_[0])))
    np.testing.assert_allclose(found.probability(signal), independent, atol=0.05)


def test_a_temperature_and_an_offset_that_made_the_chances_are_found_again() -> None:
    chance = np.random.default_rng(0)
    signal = chance.normal(0, 2, 20_000)
    happened = chance.random(20_000) < Occlusion(0.5, -1.2).probability(signal)
    found = fit(signal, happened)
    assert found.scale == pytest.approx(0.5, abs=0.05) and found.offset == pytest.approx(-1.2, abs=0.08)


def test_a_signal_that_points_the_wrong_way_is_not_turned_round() -> None:
    chance = np.random.default_rng(0)
    signal = chance.normal(0, 2, 500)
    assert fit(signal, signal < 0).scale == 0.0


def test_objects_of_one_kind_alone_do_not_make_it_run_away() -> None:
    found = fit(np.linspace(-3, 3, 50), np.zeros(50, bool))
    assert abs(found.scale) < 50 and abs(found.offset) < 50
    with pytest.raises(ValueError, match="0 signals"):
        fit(np.zeros(0), np.zeros(0, bool))


def test_even_odds_by_masks_lie_where_an_object_begins_to_count_as_occluded() -> None:
    whole = np.ones((3, 10, 10))
    seen = whole.copy()
    for number, hidden in enumerate((0.01, LEAST_HIDDEN, 0.3)):
        seen[number] = 1 - hidden
    less, even, more = BY_MASKS.probability(mask_signal(whole, seen))
    assert less < 0.25 and even == pytest.approx(0.5) and more > 0.85


def test_an_object_without_any_mask_is_not_occluded_and_nothing_breaks() -> None:
    assert BY_MASKS.probability(mask_signal(np.zeros((1, 4, 4)), np.zeros((1, 4, 4))))[0] < 0.1
    assert np.isfinite(branch_signal(np.array([0.0, 1.0]))).all()


@pytest.mark.parametrize("value", [None, {}, {"scale": 1}, {"scale": "1", "offset": 0}, {"scale": 1e9, "offset": 0}])
def test_a_calibration_that_cannot_be_is_an_error(value: object) -> None:
    with pytest.raises(InputError, match="occlusion: is"):
        Occlusion.from_json(value, "x.safetensors")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cut_outs = make_cut_outs(tmp_path_factory.mktemp("cut_outs"))
    out = tmp_path_factory.mktemp("scenes")
    config = ChallengeConfig(cut_outs.annotations, cut_outs.backgrounds, scenario="street", scenes=8, workers=1)
    generate(config, out)
    return out


@pytest.fixture(scope="module", params=["amodal-mask-rcnn", "asn"])
def model(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_network(tmp_path_factory.mktemp("networks") / f"{request.param}.safetensors", request.param)


def test_a_calibrated_file_is_the_same_network_with_a_scale_and_an_offset(
    model: Path, scenes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "calibrated.safetensors"
    report = calibrate(model, read_truth(scenes), out)
    before, after = read_member(model), read_member(out)
    assert before.occlusion is None and after.occlusion == report.occlusion
    state = before.network.state_dict()  # type: ignore[attr-defined]
    assert all((value == state[name]).all() for name, value in after.network.state_dict().items())  # type: ignore[attr-defined]
    assert report.objects > 40 and 0 < report.occluded < report.objects
    # A network of random weights knows nothing, and learns to say how often objects are occluded.
    assert report.ece_after < 25 and report.ece_after < report.ece_before + 5


def test_calibrating_again_is_calibrating_once(model: Path, scenes: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibrated.safetensors"
    first = calibrate(model, read_truth(scenes), out)
    content = out.read_bytes()
    assert calibrate(out, read_truth(scenes), out) == first and out.read_bytes() == content


def test_too_few_objects_are_an_error_and_the_file_stays(model: Path, scenes: Path, tmp_path: Path) -> None:
    with pytest.raises(AmodalError, match="expected at least 20, some occluded and some not"):
        calibrate(model, read_truth(scenes)[:1], tmp_path / "out.safetensors")
    assert not list(tmp_path.iterdir())
