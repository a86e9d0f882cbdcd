from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import Tensor

from amodal.compnet.mixtures import (
    ClassObjects,
    MixtureSettings,
    best_mixture,
    cluster,
    estimate,
    fit_mixtures,
    likelihoods,
    posterior_log_odds,
)
from amodal.compnet.templates import PRIOR_MARGIN, Templates
from amodal.features.lattice import Shape

SHAPE = Shape(4, 6)
ROWS, COLS = SHAPE.padded
KERNELS = 5
SHARP = MixtureSettings(mixtures=2, smoothing_cells=0.0)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def random_objects(count: int, seed: int = 0) -> ClassObjects:
    chance = generator(seed)
    likelihood = torch.rand(count, KERNELS, ROWS, COLS, generator=chance).half()
    foreground = torch.rand(count, ROWS, COLS, generator=chance)
    inside = torch.rand(count, ROWS, COLS, generator=chance)
    return ClassObjects(SHAPE, likelihood, foreground, inside)


def random_templates(mixtures: int, seed: int = 1) -> Templates:
    chance = generator(seed)
    foreground, context = torch.randn(2, mixtures, KERNELS, ROWS, COLS, generator=chance).softmax(2)
    prior = torch.rand(mixtures, ROWS, COLS, generator=chance).clamp(0.01, 0.99)
    return Templates(SHAPE, foreground, context, prior)


def one_hot(kernel_of_cell: Tensor) -> Tensor:
    """Each cell explained by exactly one kernel: [objects, rows, cols] to [objects, kernels, rows, cols]."""
    return torch.nn.functional.one_hot(kernel_of_cell, KERNELS).permute(0, 3, 1, 2).half()


def two_viewpoints(each: int, seed: int = 0) -> tuple[ClassObjects, Tensor]:
    """Cars to the left and to the right: kernel 0 is a front, 1 a rear, the others surroundings.

    One cell in ten is wrong.
    """
    chance = generator(seed)
    truth = torch.arange(2).repeat_interleave(each)
    kernels = torch.randint(2, KERNELS, (2 * each, ROWS, COLS), generator=chance)
    is_object = torch.zeros(2 * each, ROWS, COLS)
    is_object[:, 2:-2, 2:-2] = 1
    half = COLS // 2
    for index, view in enumerate(truth):
        kernels[index, 2:-2, 2:half] = view
        kernels[index, 2:-2, half:-2] = 1 - view
    wrong = torch.rand(kernels.shape, generator=chance) < 0.1
    kernels[wrong] = torch.randint(0, KERNELS, (int(wrong.sum()),), generator=chance)
    shuffle = torch.randperm(2 * each, generator=chance)
    objects = ClassObjects(SHAPE, one_hot(kernels)[shuffle], is_object[shuffle], torch.ones(2 * each, ROWS, COLS))
    return objects, truth[shuffle]


def agreement(found: Tensor, truth: Tensor) -> float:
    same = float((found == truth).float().mean())
    return max(same, 1 - same)


def test_clustering_finds_two_planted_viewpoints() -> None:
    objects, truth = two_viewpoints(20)
    assert agreement(cluster(objects, 2, seed=0), truth) == 1.0


def test_hard_em_recovers_viewpoints_from_a_start_with_errors() -> None:
    objects, truth = two_viewpoints(20)
    start = truth.clone()
    start[::4] = 1 - start[::4]
    templates, assignment = fit_mixtures(objects, start, MixtureSettings(mixtures=2))
    assert bool((assignment == truth).all())
    front_left = templates.foreground[0, 0, 4, 3], templates.foreground[1, 0, 4, 3]
    assert float(front_left[0]) > 0.7  # view 0 has kernel 0 on its left half
    assert float(front_left[1]) < 0.3


def test_hard_em_ends_in_agreement_with_its_templates() -> None:
    objects, truth = two_viewpoints(15, seed=3)
    templates, assignment = fit_mixtures(objects, truth.roll(3), SHARP)
    assert torch.equal(best_mixture(objects, templates), assignment)


def log_likelihood(objects: ClassObjects, templates: Templates, assignment: Tensor) -> float:
    """Σ_n log p(F_n | θ^m(n)) in double precision."""
    total = 0.0
    for index, mixture in enumerate(assignment):
        kernels = objects.likelihood[index].double()
        on_object = (templates.foreground[mixture].double() * kernels).sum(0)
        around = (templates.context[mixture].double() * kernels).sum(0)
        prior = templates.prior[mixture].double()
        total += float((prior * on_object + (1 - prior) * around).log().sum())
    return total


@pytest.mark.parametrize("seed", range(4))
def test_likelihood_of_hard_em_never_falls_without_smoothing(seed: int) -> None:
    """Where every cell is explained by one kernel and the foreground is known, the M step is exact."""
    chance = generator(seed)
    count = 300
    kernels = torch.randint(0, KERNELS, (count, ROWS, COLS), generator=chance)
    is_object = (torch.rand(count, ROWS, COLS, generator=chance) < 0.5).float()
    objects = ClassObjects(SHAPE, one_hot(kernels), is_object, torch.ones(count, ROWS, COLS))
    start = torch.randint(0, 3, (count,), generator=chance)
    reached = []
    for rounds in range(1, 7):
        settings = MixtureSettings(mixtures=3, smoothing_cells=0.0, rounds=rounds)
        templates, assignment = fit_mixtures(objects, start, settings)
        reached.append(log_likelihood(objects, templates, assignment))
    assert len(set(reached)) > 2
    assert reached[-1] > reached[0] + 10
    assert (np.diff(reached) > -0.05).all()  # of some −30,000: α, χ and the prior keep away from zero


def test_likelihoods_agree_with_loops() -> None:
    objects, templates = random_objects(2), random_templates(3)
    foreground, context = likelihoods(objects.likelihood.float(), templates)
    for n, m, r, c in itertools.product(range(2), range(3), range(ROWS), range(COLS)):
        on_object = sum(
            float(templates.foreground[m, k, r, c]) * float(objects.likelihood[n, k, r, c]) for k in range(KERNELS)
        )
        around = sum(
            float(templates.context[m, k, r, c]) * float(objects.likelihood[n, k, r, c]) for k in range(KERNELS)
        )
        assert float(foreground[n, m, r, c]) == pytest.approx(on_object, rel=1e-5)
        assert float(context[n, m, r, c]) == pytest.approx(around, rel=1e-5)


def test_best_mixture_is_the_one_of_greatest_likelihood_inside_the_picture() -> None:
    objects, templates = random_objects(70), random_templates(4)
    best = best_mixture(objects, templates)
    kernels = objects.likelihood.double().numpy()
    foreground, context = templates.foreground.double().numpy(), templates.context.double().numpy()
    prior, inside = templates.prior.double().numpy(), objects.inside.double().numpy()
    for n in range(70):
        scores = [
            (
                np.log(
                    prior[m] * (foreground[m] * kernels[n]).sum(0) + (1 - prior[m]) * (context[m] * kernels[n]).sum(0)
                )
                * inside[n]
            ).sum()
            for m in range(4)
        ]
        assert int(best[n]) == int(np.argmax(scores))


def test_posterior_log_odds_agree_with_bayes() -> None:
    objects, templates = random_objects(70), random_templates(3)
    assignment = torch.arange(70) % 3
    found = posterior_log_odds(objects, templates, assignment)
    for n in (0, 1, 5, 64, 69):
        m, kernels = int(assignment[n]), objects.likelihood[n].double()
        on_object = templates.prior[m] * (templates.foreground[m] * kernels).sum(0)
        around = (1 - templates.prior[m]) * (templates.context[m] * kernels).sum(0)
        posterior = on_object / (on_object + around)
        torch.testing.assert_close(found[n].sigmoid().double(), posterior, atol=1e-5, rtol=1e-4)


def test_templates_without_smoothing_are_weighted_means_of_responsibilities() -> None:
    objects = random_objects(9)
    assignment = torch.tensor([0, 1, 0, 1, 1, 0, 0, 1, 1])
    templates = estimate(objects, assignment, SHARP)
    for m, r, c in itertools.product(range(2), range(0, ROWS, 3), range(0, COLS, 3)):
        object_weights, context_weights, believed, seen = np.zeros(KERNELS), np.zeros(KERNELS), 0.0, 0.0
        for n in np.flatnonzero(assignment == m):
            kernels = objects.likelihood[n, :, r, c].double().numpy()
            foreground, inside = float(objects.foreground[n, r, c]), float(objects.inside[n, r, c])
            object_weights += kernels / kernels.sum() * foreground * inside
            context_weights += kernels / kernels.sum() * (1 - foreground) * inside
            believed += foreground * inside
            seen += inside
        np.testing.assert_allclose(templates.foreground[m, :, r, c], object_weights / object_weights.sum(), atol=2e-3)
        np.testing.assert_allclose(templates.context[m, :, r, c], context_weights / context_weights.sum(), atol=2e-3)
        assert float(templates.prior[m, r, c]) == pytest.approx(believed / seen, rel=1e-4)


@pytest.mark.parametrize("smoothing", [0.0, 1.0])
def test_estimated_templates_are_on_the_simplex_and_never_certain(smoothing: float) -> None:
    objects, _ = two_viewpoints(6)
    objects.inside[:, :2] = 0  # rows that no object has inside the picture
    templates = estimate(objects, torch.arange(12) % 2, MixtureSettings(2, smoothing))
    for weights in (templates.foreground, templates.context):
        assert float(weights.min()) > 0
        torch.testing.assert_close(weights.sum(1), torch.ones(2, ROWS, COLS))
    assert float(templates.prior.min()) == pytest.approx(PRIOR_MARGIN)
    assert float(templates.prior.max()) <= 1 - PRIOR_MARGIN + 1e-7


def test_component_that_lost_its_objects_becomes_that_of_the_whole_class() -> None:
    objects = random_objects(10)
    settings = MixtureSettings(mixtures=3)
    with_empty = estimate(objects, torch.tensor([0, 2] * 5), settings)
    whole = estimate(objects, torch.zeros(10, dtype=torch.long), MixtureSettings(mixtures=1))
    torch.testing.assert_close(with_empty.foreground[1], whole.foreground[0])
    torch.testing.assert_close(with_empty.context[1], whole.context[0])
    torch.testing.assert_close(with_empty.prior[1], whole.prior[0])


def test_no_more_objects_than_components_get_one_each() -> None:
    objects = random_objects(3)
    assert cluster(objects, 8, seed=0).tolist() == [0, 1, 2]
    templates, assignment = fit_mixtures(objects, cluster(objects, 8, seed=0), MixtureSettings())
    assert len(templates.prior) == 8
    assert assignment.shape == (3,)


@pytest.mark.filterwarnings("ignore:Graph is not fully connected")
@pytest.mark.parametrize("kind", ["identical", "nothing seen", "no foreground"])
def test_clustering_survives_degenerate_objects(kind: str) -> None:
    objects = random_objects(12)
    if kind == "identical":
        objects.likelihood[:] = objects.likelihood[:1].clone()
        objects.foreground[:] = 1
    elif kind == "nothing seen":
        objects.likelihood[3] = 0
    else:
        objects.foreground[5] = 0
    found = cluster(objects, 3, seed=0)
    assert found.shape == (12,)
    assert set(found.tolist()) <= {0, 1, 2}


def test_same_seed_gives_the_same_clusters() -> None:
    objects = random_objects(30)
    assert torch.equal(cluster(objects, 4, seed=7), cluster(objects, 4, seed=7))


def test_a_new_belief_changes_only_the_foreground() -> None:
    objects = random_objects(4)
    belief = torch.zeros(4, ROWS, COLS)
    changed = objects.believing(belief)
    assert changed.foreground is belief
    assert changed.likelihood is objects.likelihood
    assert len(changed) == 4


def test_progress_counts_rounds() -> None:
    objects, truth = two_viewpoints(10)
    told: list[tuple[int, int]] = []
    fit_mixtures(objects, truth, SHARP, progress=lambda done, total: told.append((done, total)))
    assert told == [(1, SHARP.rounds)]  # the truth is a fixed point
