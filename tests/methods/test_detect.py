from __future__ import annotations

import json
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from amodal.errors import AmodalError, InputError
from amodal.methods.detect import SAME_OBJECT_IOU, Detector, detect, load_detector

NAME = "fasterrcnn_mobilenet_v3_large_320_fpn"
CATEGORIES = ("__background__", "person", "car")


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return torchvision.models.get_model(NAME, weights=None, weights_backbone=None, num_classes=3).eval()


@pytest.fixture(scope="module")
def weights(network: torch.nn.Module, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("detector") / "small.safetensors"
    tensors = {name: tensor.contiguous() for name, tensor in network.state_dict().items()}
    save_file(tensors, path, metadata={"categories": json.dumps(CATEGORIES)})
    return path


@pytest.fixture(scope="module")
def photo() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (120, 160, 3), dtype=np.uint8)


def test_weights_from_a_file_detect_as_the_network_they_were_saved_from(
    network: torch.nn.Module, weights: Path, photo: np.ndarray
) -> None:
    loaded = load_detector(f"{NAME}@{weights}")
    expected = Detector(network, CATEGORIES)(photo, least_score=0.0)
    (found,) = detect([photo], loaded, least_score=0.0)
    assert len(found.boxes) > 0
    np.testing.assert_array_equal(found.boxes, expected.boxes)
    assert found.labels == expected.labels


def test_boxes_lie_in_the_photo_best_first_and_have_names(weights: Path, photo: np.ndarray) -> None:
    (found,) = detect([photo], f"{NAME}@{weights}", least_score=0.0)
    assert found.boxes.shape == (len(found.labels), 4)
    assert (found.boxes >= 0).all() and (found.boxes <= [160, 120, 160, 120]).all()
    assert (np.diff(found.scores) <= 0).all()
    assert set(found.labels) <= {"person", "car"}


def test_nothing_below_the_least_score_is_reported(weights: Path, photo: np.ndarray) -> None:
    (found,) = detect([photo], f"{NAME}@{weights}", least_score=1.0)
    assert found.boxes.shape == (0, 4)
    assert found.labels == ()


class TwoNamesForOneObject(torch.nn.Module):
    def forward(self, photos: list[torch.Tensor]) -> list[dict[str, torch.Tensor]]:
        boxes = torch.tensor([[10.0, 10, 60, 60], [10, 10, 60, 61], [80, 10, 120, 60], [5, 5, 5, 9]])
        scores = torch.tensor([0.8, 0.9, 0.7, 0.95])
        return [{"boxes": boxes, "scores": scores, "labels": torch.tensor([1, 2, 1, 1])}]


def test_an_object_found_under_two_names_counts_once(photo: np.ndarray) -> None:
    assert SAME_OBJECT_IOU < 50 / 51
    found = Detector(TwoNamesForOneObject(), CATEGORIES)(photo)
    assert found.labels == ("car", "person")
    assert found.boxes.tolist() == [[10, 10, 60, 61], [80, 10, 120, 60]]


def test_a_network_that_does_not_fit_the_file_is_refused(weights: Path) -> None:
    with pytest.raises(InputError, match=r"small\.safetensors: tensors: .*ssdlite320"):
        load_detector(f"ssdlite320_mobilenet_v3_large@{weights}")


def test_a_file_without_its_network_is_refused(weights: Path) -> None:
    with pytest.raises(InputError, match="the network it is for"):
        load_detector(str(weights))


def test_an_unknown_network_is_refused_with_the_known_ones() -> None:
    with pytest.raises(InputError, match="found 'magic', expected one of fasterrcnn"):
        load_detector("magic")


@pytest.mark.parametrize("content", [b"", b"\x80\x04pickle", None])
def test_a_file_that_is_not_safetensors_is_refused(tmp_path: Path, weights: Path, content: bytes | None) -> None:
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(weights.read_bytes()[:1_000_000] if content is None else content)
    with pytest.raises(InputError, match=r"bad\.safetensors.*safetensors"):
        load_detector(f"{NAME}@{bad}")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_detector(f"{NAME}@{tmp_path / 'no.safetensors'}")


def test_names_that_are_no_list_are_refused(tmp_path: Path, network: torch.nn.Module) -> None:
    bad = tmp_path / "names.safetensors"
    save_file({"x": torch.zeros(1)}, bad, metadata={"categories": "person, car"})
    with pytest.raises(InputError, match="categories"):
        load_detector(f"{NAME}@{bad}")


def test_public_weights_that_cannot_be_fetched_say_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def offline(*_args: object, **_more: object) -> None:
        raise URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", offline)
    with pytest.raises(AmodalError, match=r"cannot be fetched.*no network.*put it here as .*\.pth"):
        load_detector(NAME)


def test_public_weights_are_never_unpickled(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file in torch's cache that is a program and not weights is refused, not run."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    url = torchvision.models.get_model_weights(NAME)["DEFAULT"].url
    cached = tmp_path / "hub" / "checkpoints" / Path(url).name
    cached.parent.mkdir(parents=True)
    torch.save({"run": _Program(str(tmp_path / "it ran"))}, cached)
    with pytest.raises(InputError, match="expected weights alone"):
        load_detector(NAME)
    assert not (tmp_path / "it ran").exists()


class _Program:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return open, (self.path, "w")
