"""What ORCNN, PANet and ASN have in common with Mask R-CNN: losses, found objects, and every weight in use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from amodal.errors import InputError
from amodal.networks.ablations import TABLES, ablation
from amodal.networks.asn import Asn, AsnSettings, PanetAsn
from amodal.networks.maskrcnn import MaskRcnn
from amodal.networks.orcnn import OrCnn
from amodal.networks.panet import PaNet
from amodal.networks.parts.batch import AmodalNetwork
from amodal.networks.parts.masks import mask_targets
from amodal.networks.parts.settings import TwoStage
from helpers.family_batch import batch_of, nothing, seen_alone, two_rectangles

Make = Callable[[], Any]
CLASSES = 4
STEPS = 30  # some 2 or 3 s
SMALL: dict[str, Any] = {"channels": 16, "box_features": 24, "proposals_kept": (40, 20), "most_found": 6}
OF_MASK_RCNN = {"rpn_object", "rpn_box", "class", "box", "mask_amodal", "mask_inmodal"}


def made(network: type[MaskRcnn], settings: TwoStage) -> MaskRcnn:
    torch.manual_seed(0)
    return network(CLASSES, settings, pretrained=False)


NETWORKS: dict[str, tuple[Make, set[str]]] = {
    "amodal-mask-rcnn": (lambda: made(MaskRcnn, TwoStage(**SMALL)), set()),
    "orcnn": (lambda: made(OrCnn, TwoStage(**SMALL)), {"mask_hidden"}),
    "panet": (lambda: made(PaNet, TwoStage(**SMALL)), set()),
    "asn": (lambda: made(Asn, AsnSettings(**SMALL)), {"occlusion"}),
    "panet-asn": (lambda: made(PanetAsn, AsnSettings(**SMALL)), {"occlusion"}),
}


@pytest.fixture(scope="module", params=NETWORKS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def network(name: str) -> Any:
    return NETWORKS[name][0]()


def unused(network: nn.Module) -> list[str]:
    """Weights that are to be learned and got no gradient."""
    wanted = [(name, own) for name, own in network.named_parameters() if own.requires_grad]
    return [name for name, own in wanted if own.grad is None or not own.grad.any()]


def test_the_losses_are_the_published_ones_and_reach_every_weight(name: str, network: Any) -> None:
    network.zero_grad()
    losses = network.losses(batch_of(two_rectangles(), two_rectangles(7)))
    assert set(losses) == OF_MASK_RCNN | NETWORKS[name][1]
    assert all(loss.isfinite() and loss > 0 for loss in losses.values())
    sum(losses.values()).backward()
    assert unused(network) == []


def test_losses_of_a_batch_are_the_mean_over_its_pictures(network: Any) -> None:
    targets = (two_rectangles(), nothing(), seen_alone(), two_rectangles(7))
    with torch.no_grad():
        together = network.losses(batch_of(*targets))
        alone = [network.losses(batch_of(target, noise=number)) for number, target in enumerate(targets)]
    for part, loss in together.items():
        assert loss.item() == pytest.approx(sum(one[part].item() for one in alone) / len(alone), rel=1e-4, abs=1e-6)


def test_losses_hardly_change_in_mixed_precision(network: Any) -> None:
    batch = batch_of(two_rectangles())
    with torch.no_grad():
        exact = network.losses(batch)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            mixed = network.losses(batch)
    for part, loss in mixed.items():
        assert loss.dtype == torch.float32 and loss.item() == pytest.approx(exact[part].item(), rel=0.2, abs=0.05)


def test_of_what_is_known_in_part_nothing_is_learned_of_whole_masks_boxes_and_occlusion(network: Any) -> None:
    with torch.no_grad():
        losses = network.losses(batch_of(seen_alone()))
    learned = {part for part, loss in losses.items() if loss > 0}
    assert not learned & {"box", "mask_amodal", "mask_hidden", "occlusion"}
    assert "mask_inmodal" in learned


def test_it_finds_objects_with_masks_in_boxes_of_its_own(name: str, network: Any) -> None:
    network.eval()
    with torch.no_grad():
        found = network.find(batch_of(two_rectangles(), nothing()).images)
    assert isinstance(network, AmodalNetwork) and len(found) == 2
    for own in found:
        count = len(own.boxes)
        assert 0 < count <= SMALL["most_found"]
        assert own.amodal.shape == own.inmodal.shape == (count, 28, 28)
        assert own.labels.min() >= 1 and own.labels.max() < CLASSES
        assert (own.scores.diff() <= 0).all()
        assert (own.occluded is not None) == ("asn" in name)


def test_given_boxes_keep_their_order_and_their_labels(network: Any) -> None:
    network.eval()
    boxes = [two_rectangles().boxes, torch.zeros(0, 4)]
    labels = [torch.tensor([3, 0]), torch.zeros(0, dtype=torch.int64)]
    with torch.no_grad():
        found = network.look(batch_of(two_rectangles(), nothing()).images, boxes, labels)
    assert torch.equal(found[0].boxes, boxes[0]) and found[0].labels[0] == 3 and found[0].labels[1] >= 1
    assert [len(own.amodal) for own in found] == [2, 0]


@pytest.mark.parametrize("name", ["asn", "panet-asn"], scope="module")
def test_asn_looks_again_at_the_boxes_that_it_has_refined(network: Any) -> None:
    network.eval()
    images = batch_of(two_rectangles()).images
    with torch.no_grad():
        (found,) = network.find(images)
        (again,) = network.look(images, [found.boxes], [found.labels])
    torch.testing.assert_close(again.amodal, found.amodal)
    torch.testing.assert_close(again.occluded, found.occluded)


@pytest.mark.parametrize("name", ["asn", "panet-asn"], scope="module")
def test_the_second_look_changes_neither_boxes_nor_scores(network: Any) -> None:
    images, settings = batch_of(two_rectangles()).images, network.settings
    with torch.no_grad():
        (twice,) = network.eval().find(images)
        network.settings = replace(settings, passes=1)
        (once,) = network.find(images)
    network.settings = settings
    assert len(twice.boxes) and torch.equal(twice.boxes, once.boxes) and torch.equal(twice.scores, once.scores)
    assert not torch.equal(twice.amodal, once.amodal)


def test_masks_and_occlusion_of_one_picture_are_learned_by_heart(name: str) -> None:
    network, target = NETWORKS[name][0](), two_rectangles()
    network.settings = replace(network.settings, proposals=12, foreground=6)
    learned = torch.optim.Adam([own for own in network.parameters() if own.requires_grad], 1e-3)
    for step in range(STEPS):
        learned.zero_grad()
        sum(network.losses(batch_of(two_rectangles(seed=step))).values()).backward()
        learned.step()
    with torch.no_grad():
        (found,) = network.eval().look(batch_of(target).images, [target.boxes], [target.labels])
    for grids, masks in ((found.amodal, target.amodal), (found.inmodal, target.inmodal)):
        expected = mask_targets(masks, found.frames, torch.tensor([0, 1])) > 0.5
        both, either = ((grids > 0.5) & expected).flatten(1).sum(1), ((grids > 0.5) | expected).flatten(1).sum(1)
        assert (both / either).mean() > 0.8
    if found.occluded is not None:
        assert found.occluded[0] > 0.5 > found.occluded[1]


def test_asn_with_one_pass_finds_what_mask_rcnn_would() -> None:
    network: Any = made(Asn, AsnSettings(**SMALL, passes=1)).eval()
    images = batch_of(two_rectangles()).images
    with torch.no_grad():
        (found,), (expected,) = network.find(images), MaskRcnn.find(network, images)
    assert torch.equal(found.boxes, expected.boxes) and torch.equal(found.scores, expected.scores)


ROWS = [(table, row) for table, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(("table", "row"), ROWS)
def test_every_row_of_the_ablations_is_a_setting_that_learns_with_all_its_weights(table: int, row: str) -> None:
    settings = ablation(AsnSettings(**SMALL), table, row)
    network: Any = made(Asn, settings)
    losses = network.losses(batch_of(two_rectangles()))
    assert {part.removeprefix("mask_") for part in losses if part.startswith("mask_")} == set(settings.masks)
    assert ("occlusion" in losses) == settings.occlusion
    sum(losses.values()).backward()
    assert unused(network) == []


@pytest.mark.parametrize("coding", [(0, 0), (0, 3), (3, 0), (4, 4)])
def test_on_panet_features_may_be_fused_anywhere_as_well(coding: tuple[int, int]) -> None:
    network: Any = made(PanetAsn, AsnSettings(**SMALL, coding=coding))
    sum(network.losses(batch_of(two_rectangles())).values()).backward()
    assert unused(network) == []


def test_a_kind_of_mask_without_a_branch_repeats_the_other() -> None:
    network: Any = made(Asn, ablation(AsnSettings(**SMALL), 5, "inmodal alone")).eval()
    target = two_rectangles()
    with torch.no_grad():
        (found,) = network.look(batch_of(target).images, [target.boxes], [target.labels])
    assert torch.equal(found.amodal, found.inmodal) and found.occluded is None


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"occlusion": False}, "coding"),
        ({"coding": (5, 0)}, "coding"),
        ({"occlusion_threshold": 1.0}, "occlusion_threshold"),
        ({"occlusion_weight": 0.0}, "occlusion_weight: is 0.0"),
        ({"occlusion_features": 0}, "occlusion_features: is 0"),
        ({"passes": 3}, "passes: is 3"),
        ({"extraction_plain": -1}, "extraction_plain"),
    ],
)
def test_settings_that_cannot_be_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        replace(AsnSettings(), **changed)


@pytest.mark.parametrize(("table", "row"), [(4, "1111"), (7, "2111")])
def test_a_row_that_the_tables_do_not_have_is_refused(table: int, row: str) -> None:
    with pytest.raises(InputError, match="expected one of"):
        ablation(AsnSettings(), table, row)
