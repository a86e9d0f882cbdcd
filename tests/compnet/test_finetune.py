from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from amodal.compnet.finetune import Example, FinetuneSettings, Trainable, batches, finetune
from amodal.compnet.learn import LearnConfig, learn
from amodal.compnet.model import AGNOSTIC, CompNet, load_model, save_model
from amodal.compnet.workshop import Workshop
from amodal.features.crops import Pyramid, extract_crop
from amodal.features.lattice import SHAPES, Lattice
from amodal.images import read_photo
from helpers.learned import Learned
from helpers.miniature import CATEGORIES, Miniature

PHOTOS = 6
SETTINGS = FinetuneSettings(epochs=1, batch=4, learning_rate=0.003)  # a random network takes no larger steps


@pytest.fixture
def model(reference: Learned) -> CompNet:
    """A fresh one for every test: fine-tuning changes its backbone in place."""
    return load_model(reference.model)


@pytest.fixture(scope="module")
def examples(mini: Miniature) -> list[Example]:
    """The objects of some photos; a tram among them, which the model does not know."""
    content = mini.content()
    found = []
    for a in content["annotations"]:
        if a["image_id"] < PHOTOS:
            x, y, w, h = map(float, a["bbox"])
            path = mini.images / content["images"][a["image_id"]]["file_name"]
            label = CATEGORIES[a["category_id"] - 1]
            found.append(Example(partial(read_photo, path), Lattice.of_box((x, y, x + w, y + h)), label))
    assert "tram" in {example.label for example in found}
    return found


def silent(_stage: str, _done: int, _total: int) -> None:
    pass


def tuned(
    model: CompNet, examples: list[Example], settings: FinetuneSettings = SETTINGS, work: Path | None = None
) -> CompNet:
    return finetune(model, model.backbone, examples, settings, Workshop.of(work, {}), silent)


@torch.no_grad()
def losses_of(model: CompNet, examples: list[Example]) -> dict[str, Tensor]:
    """The three losses over all known examples, each example a batch of its own."""
    trainable = Trainable(model, model.backbone)
    return mean_losses(trainable, [example for example in examples if example.label in model.labels])


def mean_losses(trainable: Trainable, examples: list[Example]) -> dict[str, Tensor]:
    offset = trainable.network.spec.cell_offset
    found = []
    for example in examples:
        photo = example.photo()
        crop = extract_crop(Pyramid(photo), example.lattice, (offset, offset))
        inside = example.lattice.cells_inside(photo.shape[1], photo.shape[0])
        found.append(
            trainable.losses(
                torch.from_numpy(crop)[None].permute(0, 3, 1, 2).float(),
                torch.from_numpy(inside.reshape(1, -1)),
                [example.label],
                example.lattice.shape,
            )
        )
    return {name: torch.stack([loss[name] for loss in found]).mean() for name in found[0]}


def total(losses: dict[str, Tensor]) -> float:
    weights = {"class": 1.0, "kernel": SETTINGS.kernel_weight, "mixture": SETTINGS.mixture_weight}
    return sum(weights[name] * float(loss) for name, loss in losses.items())


def tensors_of(model: CompNet) -> dict[str, Tensor]:
    found = {f"backbone.{name}": tensor for name, tensor in model.backbone_state.items()}
    found["kernels"] = model.kernels.directions
    for label, entry in model.classes.items():
        for part in ("foreground", "context", "prior"):
            found[f"{label}.{part}"] = getattr(entry.templates, part)
    return found


def test_one_epoch_lowers_the_loss(model: CompNet, examples: list[Example]) -> None:
    before = total(losses_of(model, examples))
    after = total(losses_of(tuned(model, examples), examples))
    assert after < before - 0.001


def test_gradients_reach_every_part(model: CompNet, examples: list[Example]) -> None:
    trainable = Trainable(model, model.backbone)
    known = [example for example in examples if example.label in model.labels]
    losses = mean_losses(trainable, [next(e for e in known if e.label == label) for label in model.labels])
    torch.stack(list(losses.values())).sum().backward()  # type: ignore[no-untyped-call]
    still = {
        name
        for name, parameter in trainable.named_parameters()
        if parameter.grad is None or not bool(parameter.grad.any())
    }
    agnostic = trainable.number[AGNOSTIC]  # no example is of the class for everything else
    assert still == {f"{part}.{agnostic}" for part in ("foreground", "context", "prior")}
    assert all(bool(p.grad.isfinite().all()) for p in trainable.parameters() if p.grad is not None)


def test_every_part_is_changed_and_distributions_stay_on_the_simplex(model: CompNet, examples: list[Example]) -> None:
    before = {name: tensor.clone() for name, tensor in tensors_of(model).items()}
    after = tuned(model, examples)
    found = tensors_of(after)
    assert found.keys() == before.keys()
    for label in model.labels:
        for part in ("foreground", "context", "prior"):
            assert not torch.equal(found[f"{label}.{part}"], before[f"{label}.{part}"])
    assert not torch.equal(found["kernels"], before["kernels"])
    assert any(not torch.equal(found[name], before[name]) for name in found if name.startswith("backbone."))
    for entry in after.classes.values():
        for weights in (entry.templates.foreground, entry.templates.context):
            assert float(weights.min()) >= 0
            torch.testing.assert_close(weights.sum(1), torch.ones_like(weights[:, 0]), atol=1e-4, rtol=0)
        assert 0 < float(entry.templates.prior.min()) <= float(entry.templates.prior.max()) < 1
    lengths = after.kernels.directions.norm(dim=1)
    torch.testing.assert_close(lengths, torch.ones_like(lengths))


def test_calibrated_numbers_stay_as_they_were(model: CompNet, examples: list[Example]) -> None:
    after = tuned(model, examples[:4])
    for label, entry in model.classes.items():
        assert after.classes[label].threshold == entry.threshold
        assert after.classes[label].outlier_log_prior == entry.outlier_log_prior
    assert torch.equal(after.outliers, model.outliers)


def test_before_the_first_step_the_model_is_the_one_given(model: CompNet) -> None:
    """Up to what half precision rounded to zero or one."""
    found, given = tensors_of(Trainable(model, model.backbone).trained()), tensors_of(model)
    for name, tensor in given.items():
        torch.testing.assert_close(found[name], tensor, atol=1e-3, rtol=0)


def test_certain_priors_can_be_tuned(model: CompNet, examples: list[Example]) -> None:
    """Half precision makes ones of priors near one, whose logit is infinite."""
    entry = model.classes["car"]
    sure = replace(entry, templates=replace(entry.templates, prior=entry.templates.prior.round()))
    certain = replace(model, classes=dict(model.classes) | {"car": sure}, _packed={})
    after = finetune(certain, model.backbone, examples[:4], SETTINGS, Workshop.of(None, {}), silent)
    assert all(bool(tensor.isfinite().all()) for tensor in tensors_of(after).values())


def test_the_same_seed_gives_the_same_model_and_another_seed_another(
    reference: Learned, examples: list[Example]
) -> None:
    few = examples[:8]
    first, again, other = (
        tensors_of(tuned(load_model(reference.model), few, replace(SETTINGS, batch=2, seed=seed))) for seed in (0, 0, 1)
    )
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert any(not torch.equal(first[name], other[name]) for name in first)


def test_run_stopped_in_its_second_epoch_ends_like_one_that_was_not(
    reference: Learned, examples: list[Example], tmp_path: Path
) -> None:
    """Momentum included: without it the second epoch would take other steps."""
    few, settings = examples[:8], replace(SETTINGS, epochs=2)
    whole = tensors_of(tuned(load_model(reference.model), few, settings))
    epochs: list[str] = []

    def stop_in_the_second(stage: str, _done: int, _total: int) -> None:
        epochs.append(stage)
        if stage.endswith("2"):
            raise KeyboardInterrupt

    model, workshop = load_model(reference.model), Workshop.of(tmp_path / "work", {})
    with pytest.raises(KeyboardInterrupt):
        finetune(model, model.backbone, few, settings, workshop, stop_in_the_second)
    model = load_model(reference.model)
    resumed: list[str] = []
    after = finetune(model, model.backbone, few, settings, workshop, lambda stage, _d, _t: resumed.append(stage))
    assert set(resumed) == {epochs[-1]}  # the first epoch was not run again
    found = tensors_of(after)
    assert all(torch.equal(found[name], whole[name]) for name in whole)


def test_batches_hold_every_example_once_and_one_shape_each(examples: list[Example]) -> None:
    many = [replace(examples[0], lattice=Lattice((0, 0, 10, 10), SHAPES[n % 3])) for n in range(20)]
    made = batches(many, 4, np.random.default_rng(0))
    assert sorted(id(example) for batch in made for example in batch) == sorted(map(id, many))
    for batch in made:
        assert len({example.lattice.shape for example in batch}) == 1
        assert 1 <= len(batch) <= 4


def test_any_name_can_be_that_of_a_class(model: CompNet, examples: list[Example]) -> None:
    names = {"car": "a.b/c d", "person": "keys", AGNOSTIC: AGNOSTIC}
    renamed = replace(model, classes={names[k]: v for k, v in model.classes.items()}, _packed={})
    few = [replace(example, label=names[example.label]) for example in examples[4:8] if example.label in names]
    after = finetune(renamed, model.backbone, few, SETTINGS, Workshop.of(None, {}), silent)
    assert after.labels == ("a.b/c d", "keys")


def test_tuned_model_can_be_stored_and_sees_with_its_own_backbone(
    model: CompNet, examples: list[Example], tmp_path: Path
) -> None:
    after = tuned(model, examples[:4])
    save_model(after, tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors").backbone.network.state_dict()
    assert all(torch.equal(found[name], after.backbone_state[name]) for name in found)


def test_learn_fine_tunes_after_its_other_stages(
    mini: Miniature, tiny_config: LearnConfig, reference: Learned, tmp_path: Path
) -> None:
    """It goes on from the stages of a run without fine-tuning; the model differs, the calibration does not."""
    out, told = tmp_path / "m.safetensors", set()
    learn(
        mini.annotations,
        mini.images,
        out,
        config=replace(tiny_config, finetune_epochs=1),
        work=reference.work,
        progress=lambda stage, _done, _total: told.add(stage),
    )
    assert told == {"features", "fine-tuning, epoch 1"}
    after, before = load_model(out), load_model(reference.model)
    assert after.card["config"]["finetune_epochs"] == 1
    assert after.classes["car"].threshold == before.classes["car"].threshold
    assert not torch.equal(after.kernels.directions, before.kernels.directions)
