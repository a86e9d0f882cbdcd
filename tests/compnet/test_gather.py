from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from amodal.compnet.gather import TrainingObject, gather_backgrounds, gather_objects
from amodal.compnet.teacher import PIXELS_PER_CELL
from amodal.compnet.workshop import Workshop
from amodal.errors import InputError
from amodal.features.backbone import DEFAULT_BACKBONE, Backbone
from amodal.features.crops import extract_features
from amodal.features.lattice import PAD, STRIDE, Lattice, as_xyxy

BOXES = np.array([(20, 20, 120, 110), (130, 30, 170, 140), (10, 40, 150, 130), (-20, 10, 60, 120)], np.float64)
ROWS_OF_PHOTO = [[1, 3], [], [2]]  # row 0 is not learned from


class MeanColours(nn.Module):
    """Stands in for a network: the mean colour of each cell is its feature. Counts the crops it sees."""

    def __init__(self) -> None:
        super().__init__()
        self.unused = nn.Parameter(torch.zeros(1))
        self.crops = 0

    def forward(self, batch: Tensor) -> list[Tensor]:
        self.crops += len(batch)
        return [nn.functional.avg_pool2d(batch, STRIDE)]


@pytest.fixture
def network() -> MeanColours:
    return MeanColours()


@pytest.fixture
def backbone(network: MeanColours) -> Backbone:
    return Backbone(DEFAULT_BACKBONE, network, 3, torch.zeros(3), torch.ones(3)).eval()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    generator = np.random.default_rng(0)
    paths = [tmp_path / f"{n}.png" for n in range(3)]
    for path in paths:
        Image.fromarray(generator.integers(0, 256, (160, 200, 3), dtype=np.uint8)).save(path)
    return paths


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def gathered(backbone: Backbone, photos: list[Path], folder: Path | None = None) -> dict[int, TrainingObject]:
    workshop = Workshop.of(folder, {})
    return gather_objects(backbone, photos, ROWS_OF_PHOTO, BOXES, workshop, silent)


def test_only_the_chosen_objects_are_gathered_under_their_rows(backbone: Backbone, photos: list[Path]) -> None:
    found = gathered(backbone, photos)
    assert sorted(found) == [1, 2, 3]
    for row, item in found.items():
        assert item.plain.lattice == item.mirrored.lattice == Lattice.of_box(as_xyxy(BOXES[row]))


def test_features_are_those_of_the_object_in_its_photo(backbone: Backbone, photos: list[Path]) -> None:
    found = gathered(backbone, photos)
    for index, rows in enumerate(ROWS_OF_PHOTO):
        photo = np.asarray(Image.open(photos[index]))
        for row in rows:
            for mirror, view in ((False, found[row].plain), (True, found[row].mirrored)):
                lattice = Lattice.of_box(as_xyxy(BOXES[row]))
                ((expected,),) = extract_features(backbone, [photo], [[lattice]], mirror=mirror)
                torch.testing.assert_close(view.features.float(), expected.features, atol=1e-3, rtol=0)
                assert torch.equal(view.inside, expected.inside)


def test_each_object_and_its_mirror_image_pass_the_backbone_once(
    backbone: Backbone, network: MeanColours, photos: list[Path], tmp_path: Path
) -> None:
    first = gathered(backbone, photos, tmp_path / "work")
    assert network.crops == 6
    again = gathered(backbone, photos, tmp_path / "work")
    assert network.crops == 6
    for row, item in first.items():
        assert torch.equal(item.plain.features, again[row].plain.features)
        assert torch.equal(item.mirrored.inside, again[row].mirrored.inside)
        np.testing.assert_array_equal(item.crop, again[row].crop)


def test_crop_shows_the_padded_box(backbone: Backbone, tmp_path: Path) -> None:
    """The box is white: so must the crop be inside its padding, up to the edge's blur."""
    photo = np.zeros((160, 200, 3), np.uint8)
    photo[30:140, 130:170] = 255
    Image.fromarray(photo).save(tmp_path / "0.png")
    found = gather_objects(backbone, [tmp_path / "0.png"], [[1]], BOXES, Workshop.of(None, {}), silent)[1]
    rows, cols = found.plain.lattice.shape.padded
    assert found.crop.shape == (rows * PIXELS_PER_CELL, cols * PIXELS_PER_CELL, 3)
    assert found.crop.dtype == np.uint8
    margin = PAD * PIXELS_PER_CELL
    expected = np.zeros(found.crop.shape[:2], np.uint8)
    expected[margin:-margin, margin:-margin] = 255
    assert abs(found.crop[..., 0].astype(int) - expected).mean() < 8


def test_missing_photo_is_named(backbone: Backbone, photos: list[Path]) -> None:
    photos[2].unlink()
    with pytest.raises(InputError, match=r"2\.png"):
        gathered(backbone, photos)


def test_photos_without_chosen_objects_are_not_read(backbone: Backbone, photos: list[Path]) -> None:
    photos[1].unlink()
    assert len(gathered(backbone, photos)) == 3


def test_progress_ends_at_the_number_of_photos(backbone: Backbone, photos: list[Path]) -> None:
    told: list[tuple[str, int, int]] = []
    gather_objects(
        backbone,
        photos,
        ROWS_OF_PHOTO,
        BOXES,
        Workshop.of(None, {}),
        lambda stage, done, total: told.append((stage, done, total)),
    )
    assert told[-1] == ("features", 2, 2)


def windows_seen(
    backbone: Backbone, monkeypatch: pytest.MonkeyPatch, photos: list[Path], occupied: list[np.ndarray], seed: int = 0
) -> list[list[Lattice]]:
    """Which windows of each photo are taken for background."""
    seen: list[list[Lattice]] = []

    def remember(network: Backbone, pictures: list[np.ndarray], lattices: list[list[Lattice]]) -> object:
        seen.extend(lattices)
        return extract_features(network, pictures, lattices)

    monkeypatch.setattr("amodal.compnet.gather.extract_features", remember)
    gather_backgrounds(backbone, photos, occupied, seed, Workshop.of(None, {}), silent)
    return seen


def test_backgrounds_lie_inside_the_photo_and_clear_of_all_boxes(
    backbone: Backbone, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    many = photos * 8
    seen = windows_seen(backbone, monkeypatch, many, [BOXES[1:2]] * len(many))
    assert sum(map(len, seen)) > len(many)
    bx0, by0, bx1, by1 = BOXES[1]
    for lattice in (lattice for found in seen for lattice in found):
        x0, y0, x1, y1 = lattice.box
        assert x0 >= 0
        assert y0 >= 0
        assert x1 <= 200
        assert y1 <= 160
        assert x1 <= bx0 or bx1 <= x0 or y1 <= by0 or by1 <= y0


def test_photo_full_of_boxes_gives_no_background(backbone: Backbone, photos: list[Path]) -> None:
    full = np.array([[0.0, 0.0, 200.0, 160.0]])
    assert gather_backgrounds(backbone, photos, [full] * 3, 0, Workshop.of(None, {}), silent) == []


def test_backgrounds_follow_from_the_seed(
    backbone: Backbone, photos: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = [np.zeros((0, 4))] * 3
    first, again, other = (windows_seen(backbone, monkeypatch, photos, nothing, seed) for seed in (0, 0, 1))
    assert first == again
    assert first != other
    assert Counter(map(len, first)) == {2: 3}


def test_backgrounds_are_read_from_the_workshop_the_second_time(
    backbone: Backbone, network: MeanColours, photos: list[Path], tmp_path: Path
) -> None:
    nothing = [np.zeros((0, 4))] * 3
    workshop = Workshop.of(tmp_path / "work", {})
    first = gather_backgrounds(backbone, photos, nothing, 0, workshop, silent)
    seen = network.crops
    again = gather_backgrounds(backbone, photos, nothing, 0, workshop, silent)
    assert network.crops == seen
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
