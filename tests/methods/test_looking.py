from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import map_coordinates

from amodal.compnet.maps import ClassMaps
from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.refine import REFINEMENTS
from amodal.features.crops import ObjectFeatures
from amodal.features.lattice import Lattice, pixel_window
from amodal.methods.looking import Seen, candidates_for, evidence_of, look, look_again
from amodal.methods.pixels import cells_to_pixels
from helpers.counting import counted_crops
from helpers.photographed import Photographed


def looked(compnet: CompNet, scene: Photographed, labels: tuple[str | None, ...] | None = None) -> list[Seen]:
    (found,) = look(compnet, [scene.pixels], [scene.boxes], [labels or scene.labels])
    return found


def test_every_object_passes_the_backbone_once_in_its_own_place(compnet: CompNet, crowded: list[Photographed]) -> None:
    some = crowded[:2]
    with counted_crops(compnet.backbone) as batches:
        found = look(compnet, [s.pixels for s in some], [s.boxes for s in some], [s.labels for s in some])
    assert sum(batches) == 4
    for scene, items in zip(some, found, strict=True):
        assert [item.lattice.box for item in items] == [tuple(box) for box in scene.boxes]
        assert [item.label for item in items] == list(scene.labels)


def test_looking_again_and_evidence_need_no_backbone(compnet: CompNet, scene: Photographed) -> None:
    (car, _) = looked(compnet, scene)
    height, width = scene.pixels.shape[:2]
    with counted_crops(compnet.backbone) as batches:
        evidence = evidence_of(compnet, car, scene.pixels)
        look_again(car, np.ones(evidence.shape, bool), (height, width))
    assert batches == []


def test_a_known_label_is_believed_a_strange_one_is_any_object_and_none_is_every_class(compnet: CompNet) -> None:
    assert candidates_for(compnet, "car") == ("car",)
    assert candidates_for(compnet, "tram") == (AGNOSTIC,)
    assert candidates_for(compnet, AGNOSTIC) == (AGNOSTIC,)
    assert set(candidates_for(compnet, None)) == {"car", "person"}


def test_objects_without_a_label_are_told_apart_and_the_score_is_a_probability(
    compnet: CompNet, scene: Photographed
) -> None:
    found = looked(compnet, scene, (None, None))
    assert [item.label for item in found] == ["car", "person"]
    assert all(0.5 <= item.score <= 1 for item in found)
    assert all(item.score == 1 for item in looked(compnet, scene))  # a given label is the only candidate


def test_a_mixture_is_the_best_of_its_class(compnet: CompNet, scene: Photographed) -> None:
    for item in looked(compnet, scene):
        (maps,) = item.maps
        weight = item.inside / item.inside.sum()
        scores = [float((maps.explained[0, m] * weight).sum()) for m in range(maps.explained.shape[1])]
        assert item.mixture == int(np.argmax(scores))


@pytest.mark.parametrize("refinement", [None, *REFINEMENTS])
def test_evidence_lies_on_the_box_and_its_maps_are_a_distribution(
    compnet: CompNet, scene: Photographed, refinement: str | None
) -> None:
    for item in looked(compnet, scene):
        evidence = evidence_of(compnet, item, scene.pixels, REFINEMENTS[refinement] if refinement else None)
        assert evidence.window == pixel_window(item.lattice.box, 320, 240)
        assert evidence.cell_area == pytest.approx(item.lattice.cell_area)
        total = np.exp(evidence.foreground) + np.exp(evidence.occluded) + np.exp(evidence.context)
        np.testing.assert_allclose(total, 1, atol=1e-3)


def test_absolute_evidence_is_the_same_evidence_relative_to_the_outlier(compnet: CompNet, scene: Photographed) -> None:
    for seen in looked(compnet, scene):
        plain = evidence_of(compnet, seen, scene.pixels)
        absolute = evidence_of(compnet, seen, scene.pixels, absolute=True)
        shift = absolute.foreground - plain.foreground
        np.testing.assert_allclose(absolute.occluded - plain.occluded, shift, atol=1e-4)
        np.testing.assert_allclose(absolute.context - plain.context, shift, atol=1e-4)
        # Eq 9 itself: f relative to the outlier, as far as no posterior was clipped and cells are carried to pixels.
        maps = seen.maps[seen.candidates.index(seen.label)]
        cells = (maps.foreground[0, seen.mixture] / compnet.temperature).view(1, *seen.lattice.shape.padded).numpy()
        pixels = cells_to_pixels(cells, seen.lattice, absolute.window)[0]
        surest = plain.foreground >= np.quantile(plain.foreground, 0.9)
        assert np.abs(absolute.foreground - pixels)[surest].mean() < 0.2
        assert np.abs(plain.foreground - pixels)[surest].mean() > 0.4


def test_refinement_sees_the_photo_around_the_box(compnet: CompNet, scene: Photographed) -> None:
    """It is given the padded box's pixels and the belief on them, and decides between object and context."""
    (car, _) = looked(compnet, scene)
    given: list[tuple[np.ndarray, np.ndarray]] = []

    def nowhere(picture: np.ndarray, belief: np.ndarray) -> np.ndarray:
        given.append((picture, belief))
        return np.zeros_like(belief)

    before, after = (evidence_of(compnet, car, scene.pixels, refinement) for refinement in (None, nowhere))
    ((picture, belief),) = given
    assert picture.shape[:2] == belief.shape
    assert picture.dtype == np.uint8
    assert 0 <= belief.min() <= belief.max() <= 1
    x0, y0, x1, y1 = car.lattice.padded_box
    seen = (min(x1, 320) - max(x0, 0)) / (min(y1, 240) - max(y0, 0))
    assert picture.shape[1] / picture.shape[0] == pytest.approx(seen, rel=0.05)
    assert float(np.exp(after.foreground).mean()) < 0.1 < float(np.exp(before.foreground).mean())


def halves() -> Seen:
    """Mixture 0 explains the left half of the box, mixture 1 the right half; 1 does so a little better."""
    lattice = Lattice.of_box((40.0, 30.0, 200.0, 190.0))
    rows, cols = lattice.shape.padded
    explained = torch.zeros(1, 2, rows, cols)
    explained[0, 0, :, : cols // 2] = 1.0
    explained[0, 1, :, cols // 2 :] = 1.1
    flat = explained.flatten(2)
    maps = ClassMaps(foreground=flat, context=flat, occluded=flat[0], explained=flat)
    return Seen(lattice, no_features(lattice), torch.ones(rows * cols), ("car",), (maps,), "car", 1, 1.0)


def no_features(lattice: Lattice) -> ObjectFeatures:
    return ObjectFeatures(lattice, torch.zeros(1, *lattice.shape.padded), torch.ones(lattice.shape.padded))


@pytest.mark.parametrize(("columns", "expected"), [(slice(0, 80), 0), (slice(80, 160), 1), (slice(0, 160), 1)])
def test_looking_again_counts_visible_positions_alone(columns: slice, expected: int) -> None:
    visible = np.zeros((160, 160), bool)
    visible[:, columns] = True
    assert look_again(halves(), visible, (240, 320)).mixture == expected


def test_looking_again_where_all_is_visible_changes_nothing(compnet: CompNet, scene: Photographed) -> None:
    for item in looked(compnet, scene):
        x0, y0, x1, y1 = pixel_window(item.lattice.box, 320, 240)
        again = look_again(item, np.ones((y1 - y0, x1 - x0), bool), (240, 320))
        assert (again.label, again.mixture) == (item.label, item.mixture)
        assert again.score == pytest.approx(item.score, abs=1e-4)


def test_object_of_which_nothing_is_visible_stays_what_it_was() -> None:
    """Neither in the photo around its box nor in it."""
    alone = Lattice.of_box((0.0, 0.0, 40.0, 40.0))
    rows, cols = alone.shape.padded
    flat = torch.zeros(1, 2, rows * cols)
    inside = torch.from_numpy(alone.cells_inside(40, 40)).flatten()
    item = Seen(alone, no_features(alone), inside, ("car",), (ClassMaps(flat, flat, flat[0], flat),), "car", 1, 0.7)
    assert look_again(item, np.zeros((40, 40), bool), (40, 40)) == item


@given(st.floats(-30, 150), st.floats(-30, 90), st.floats(3, 200), st.floats(3, 200), st.integers(0, 2**32 - 1))
def test_cells_are_carried_to_pixels_as_scipy_interpolates(
    left: float, top: float, width: float, height: float, seed: int
) -> None:
    lattice = Lattice.of_box((left, top, left + width, top + height))
    window = pixel_window(lattice.box, 160, 120)
    rows, cols = lattice.shape.padded
    cells = np.random.default_rng(seed).random((2, rows, cols), dtype=np.float32)
    found = cells_to_pixels(cells, lattice, window)
    x, y = np.meshgrid(np.arange(window[0], window[2]) + 0.5, np.arange(window[1], window[3]) + 0.5)
    at = lattice.photo_to_cell(np.stack([x.ravel(), y.ravel()], 1)) - 0.5
    for values, pixels in zip(cells, found, strict=True):
        expected = map_coordinates(values, at.T[::-1], order=1, mode="nearest")
        np.testing.assert_allclose(pixels.ravel(), expected, atol=1e-4)
