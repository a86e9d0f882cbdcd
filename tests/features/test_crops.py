from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import amodal
from amodal.features.backbone import DEFAULT_BACKBONE, Backbone, load_backbone
from amodal.features.chunks import CHUNK
from amodal.features.crops import ObjectFeatures, Pyramid, extract_crop, extract_features, run_backbone
from amodal.features.lattice import STRIDE, Lattice
from amodal.images import read_photo
from helpers.counting import counted_crops

Box = tuple[float, float, float, float]
GREY = 127  # what lies outside the picture


class MeanColours(nn.Module):
    """Stands in for a network: the mean colour of each cell is its feature."""

    def forward(self, batch: Tensor) -> list[Tensor]:
        return [nn.functional.avg_pool2d(batch, STRIDE)]


@pytest.fixture(scope="module")
def colours() -> Backbone:
    """Sees colours, under the default backbone's name and so with its cell offset."""
    network = MeanColours()
    network.register_parameter("unused", nn.Parameter(torch.zeros(1)))
    return Backbone(DEFAULT_BACKBONE, network, 3, torch.zeros(3), torch.ones(3)).eval()


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone()


@pytest.fixture(scope="module")
def street() -> np.ndarray:
    return read_photo(Path(amodal.__file__).parent / "demo" / "photos" / "coco_000000423617.jpg")


def painted(lattice: Lattice, width: int, height: int, colour_of_cell: np.ndarray) -> np.ndarray:
    """A photo whose pixels have the colour of the cell that holds their centre; black beyond the lattice."""
    rows, cols = lattice.shape.padded
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    cells = np.floor(lattice.photo_to_cell(np.stack([x.ravel(), y.ravel()], 1))).astype(int)
    known = ((cells >= 0) & (cells < [cols, rows])).all(1)
    photo = np.zeros((height * width, 3), np.uint8)
    photo[known] = colour_of_cell[cells[known, 1], cells[known, 0]]
    return photo.reshape(height, width, 3)


@pytest.mark.parametrize(
    ("box", "size"),
    [
        pytest.param((60.0, 40.0, 316.0, 296.0), (400, 360), id="as large as the crop"),
        pytest.param((31.3, 17.9, 150.1, 88.2), (200, 120), id="enlarged"),
        pytest.param((170.0, 190.0, 1450.0, 1470.0), (1640, 1660), id="five times smaller"),
        pytest.param((201.7, 155.2, 2104.3, 1207.9), (2501, 1453), id="seven times smaller, odd size"),
        pytest.param((60.0, 130.0, 260.0, 1930.0), (320, 2100), id="taller than any shape"),
    ],
)
def test_colour_of_a_cell_lands_in_its_cell(box: Box, size: tuple[int, int]) -> None:
    lattice = Lattice.of_box(box)
    rows, cols = lattice.shape.padded
    colour_of_cell = np.random.default_rng(0).integers(0, 256, (rows, cols, 3)).astype(np.uint8)
    crop = extract_crop(Pyramid(painted(lattice, *size, colour_of_cell)), lattice)
    middles = crop[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE]
    assert abs(middles.astype(int) - colour_of_cell).max() <= 1


@pytest.mark.parametrize("scale", [1.0, 5.3], ids=["as large as the crop", "five times smaller"])
def test_outside_the_picture_is_grey_and_inside_every_colour_keeps_its_cell(scale: float) -> None:
    """The box leaves the picture on the left and at the bottom."""
    box = tuple(scale * side for side in (-80.0, 100.0, 176.0, 356.0))
    width, height = round(300 * scale), round(260 * scale)
    lattice = Lattice.of_box(box)
    rows, cols = lattice.shape.padded
    colour_of_cell = np.random.default_rng(1).integers(0, 256, (rows, cols, 3)).astype(np.uint8)
    crop = extract_crop(Pyramid(painted(lattice, width, height, colour_of_cell)), lattice)
    middles = crop[STRIDE // 2 :: STRIDE, STRIDE // 2 :: STRIDE].astype(int)
    inside = lattice.cells_inside(width, height)
    assert 0.2 < inside.mean() < 0.8
    assert abs(middles - colour_of_cell)[inside > 0.99].max() <= 1
    assert abs(middles - GREY)[inside < 0.01].max() == 0


@pytest.mark.parametrize("size", [(301, 257), (1303, 991), (2000, 1501)])
@pytest.mark.parametrize("offset", [(0.0, 0.0), (2.0, 2.0), (-2.0, 3.5)])
def test_every_crop_pixel_shows_the_photo_at_its_place(size: tuple[int, int], offset: tuple[float, float]) -> None:
    """On a ramp of grey values, a pixel's value tells to which place of the photo it belongs."""
    width, height = size
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    ramp = np.stack([255 * x / width, 255 * y / height, 0 * x], -1).round().astype(np.uint8)
    lattice = Lattice.of_box((0.23 * width, 0.31 * height, 0.71 * width, 0.69 * height))
    crop = extract_crop(Pyramid(ramp), lattice, offset)
    crop_x, crop_y = np.meshgrid(np.arange(crop.shape[1]) + 0.5, np.arange(crop.shape[0]) + 0.5)
    places = np.stack([crop_x.ravel() - offset[0], crop_y.ravel() - offset[1]], 1)
    shown = lattice.crop_to_photo(places).reshape(*crop_x.shape, 2)
    assert abs(crop[..., 0] - 255 * shown[..., 0] / width).max() < 1.6
    assert abs(crop[..., 1] - 255 * shown[..., 1] / height).max() < 1.6
    assert abs((crop[..., 0] - 255 * shown[..., 0] / width).mean()) < 0.15  # no shift on the whole
    assert abs((crop[..., 1] - 255 * shown[..., 1] / height).mean()) < 0.15


def test_large_object_is_averaged_and_does_not_alias() -> None:
    """A chequerboard of single pixels is grey when small: without averaging it would be black or white."""
    board = (np.indices((2400, 2400)).sum(0) % 2 * 255).astype(np.uint8)
    crop = extract_crop(Pyramid(np.stack([board] * 3, -1)), Lattice.of_box((200.0, 200.0, 2200.0, 2200.0)))
    assert abs(crop.astype(int) - 127.5).max() < 2


def test_photo_of_a_single_pixel_can_be_cropped() -> None:
    crop = extract_crop(Pyramid(np.full((1, 1, 3), 9, np.uint8)), Lattice.of_box((0.0, 0.0, 1.0, 1.0)))
    assert crop.shape == (320, 320, 3)
    assert crop[160, 160].tolist() == [9, 9, 9]


def test_box_far_outside_the_picture_is_all_grey() -> None:
    photo = np.zeros((50, 60, 3), np.uint8)
    assert (extract_crop(Pyramid(photo), Lattice.of_box((500.0, 10.0, 540.0, 40.0))) == GREY).all()


def test_mirrored_extraction_is_the_extraction_of_the_mirrored_photo(colours: Backbone, street: np.ndarray) -> None:
    box, turned = mirrored_boxes(street, (-20.0, 113.0, 247.0, 339.0))
    (mirrored,) = extract_features(colours, [street], [[Lattice.of_box(box)]], mirror=True)[0]
    flipped = np.ascontiguousarray(street[:, ::-1])
    (expected,) = extract_features(colours, [flipped], [[Lattice.of_box(turned)]])[0]
    torch.testing.assert_close(mirrored.features, expected.features, atol=5e-3, rtol=0)
    torch.testing.assert_close(mirrored.inside, expected.inside, atol=1e-5, rtol=0)
    assert 0.5 < float(expected.inside.mean()) < 0.99  # the box leaves the picture on one side only


def test_mirrored_extraction_holds_for_the_default_backbone(lite0: Backbone, street: np.ndarray) -> None:
    box, turned = mirrored_boxes(street, (153.0, 113.0, 457.0, 339.0))
    (mirrored,) = extract_features(lite0, [street], [[Lattice.of_box(box)]], mirror=True)[0]
    flipped = np.ascontiguousarray(street[:, ::-1])
    (expected,) = extract_features(lite0, [flipped], [[Lattice.of_box(turned)]])[0]
    assert float((mirrored.features * expected.features).sum(0).min()) > 0.98


def mirrored_boxes(photo: np.ndarray, box: Box) -> tuple[Box, Box]:
    width = photo.shape[1]
    return box, (width - box[2], box[1], width - box[0], box[3])


def test_features_of_a_cell_are_those_of_its_colour(colours: Backbone) -> None:
    """The cell offset moves the view by 2 px, so that 2 of a cell's 16 px are its left neighbour's."""
    lattice = Lattice.of_box((60.0, 40.0, 316.0, 296.0))  # 16 photo pixels per cell
    rows, cols = lattice.shape.padded
    colour_of_cell = np.random.default_rng(2).integers(0, 256, (rows, cols, 3)).astype(np.uint8)
    (found,) = extract_features(colours, [painted(lattice, 400, 360, colour_of_cell)], [[lattice]])[0]
    shifted = colour_of_cell.astype(float)
    shifted[1:] = (14 * shifted[1:] + 2 * shifted[:-1]) / 16
    shifted[:, 1:] = (14 * shifted[:, 1:] + 2 * shifted[:, :-1]) / 16
    expected = shifted / np.linalg.norm(shifted, axis=-1, keepdims=True)
    np.testing.assert_allclose(found.features.permute(1, 2, 0).numpy()[1:, 1:], expected[1:, 1:], atol=5e-3)


def many_boxes(count: int) -> list[Box]:
    generator = np.random.default_rng(3)
    left, top = generator.uniform(-20, 400, (2, count))
    width, height = generator.uniform(20, 250, (2, count))
    return [
        (float(x), float(y), float(x + w), float(y + h)) for x, y, w, h in zip(left, top, width, height, strict=True)
    ]


def test_each_object_passes_the_backbone_once_in_batches_of_its_shape(colours: Backbone) -> None:
    lattices = [[Lattice.of_box(box) for box in many_boxes(count)] for count in (11, 0, 17)]
    photos = [np.zeros((480, 640, 3), np.uint8)] * 3
    batches: list[int] = []

    def count(_module: nn.Module, inputs: tuple[Tensor, ...], _output: Any) -> None:
        batches.append(len(inputs[0]))

    hook = colours.network.register_forward_hook(count)
    found = extract_features(colours, photos, lattices)
    hook.remove()
    assert [len(objects) for objects in found] == [11, 0, 17]
    assert sum(batches) == 28
    assert max(batches) <= CHUNK
    per_shape = Counter(lattice.shape for objects in lattices for lattice in objects)
    assert len(batches) == sum(math.ceil(number / CHUNK) for number in per_shape.values())


@pytest.mark.parametrize("chunk", [1, 3, 64])
def test_a_pass_has_as_many_crops_as_the_backbone_is_told_and_no_more(
    chunk: int, colours: Backbone, street: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    lattices = [[Lattice.of_box((10, 10, 110, 110)) for _ in range(7)]]
    monkeypatch.setattr(colours, "chunk", chunk)
    with counted_crops(colours) as batches:
        extract_features(colours, [street], lattices)
    assert batches == [chunk] * (7 // chunk) + ([7 % chunk] if 7 % chunk else [])


def test_objects_come_back_in_the_order_they_were_given(colours: Backbone, street: np.ndarray) -> None:
    other = np.ascontiguousarray(street[::-1])
    lattices = [
        [Lattice.of_box(box) for box in many_boxes(9)],
        [Lattice.of_box(box) for box in many_boxes(5)],
    ]
    together = extract_features(colours, [street, other], lattices)
    for photo, objects, found in zip([street, other], lattices, together, strict=True):
        for lattice, item in zip(objects, found, strict=True):
            (alone,) = extract_features(colours, [photo], [[lattice]])[0]
            assert item.lattice == lattice
            torch.testing.assert_close(item.features, alone.features)
            assert item.features.shape == (3, *lattice.shape.padded)
            np.testing.assert_array_equal(item.inside.numpy(), lattice.cells_inside(640, 480))


def test_features_do_not_depend_on_what_else_is_in_the_batch(lite0: Backbone, street: np.ndarray) -> None:
    base = (153.0, 113.0, 457.0, 339.0)
    boxes = [tuple(side + 7.0 * step for side in base) for step in range(4)]
    lattices = [Lattice.of_box(box) for box in boxes]
    assert len({lattice.shape for lattice in lattices}) == 1
    together = extract_features(lite0, [street], [lattices])[0]
    for lattice, item in zip(lattices, together, strict=True):
        (alone,) = extract_features(lite0, [street], [[lattice]])[0]
        torch.testing.assert_close(item.features, alone.features, atol=0.01, rtol=0)
        assert float((item.features * alone.features).sum(0).min()) > 0.999


def test_bf16_moves_features_by_little(lite0: Backbone, street: np.ndarray) -> None:
    crop = extract_crop(Pyramid(street), Lattice.of_box((153.0, 113.0, 457.0, 339.0)))[None]
    with torch.inference_mode():
        exact = lite0(torch.from_numpy(crop).permute(0, 3, 1, 2).float())
    fast, _ = run_backbone(lite0, crop)
    assert fast.dtype == torch.float32
    assert float((exact * fast).sum(1).min()) > 0.95
    assert float((exact * fast).sum(1).mean()) > 0.995


def test_no_photos_give_no_features(colours: Backbone) -> None:
    nothing: list[list[ObjectFeatures]] = []
    assert extract_features(colours, [], []) == nothing
