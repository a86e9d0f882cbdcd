from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from amodal.reasoning.joint import reason
from amodal.reasoning.labels import best_labels, posteriors
from helpers.reasoning import on_picture, picture_size, scenes


@given(scenes(most=4))
@settings(max_examples=50, deadline=None)
def test_posteriors_are_the_normalised_sum_over_all_configurations(evidences):
    order = reason(evidences).order
    size = picture_size(evidences)
    weight = [np.zeros((3, *size)) for _ in evidences]  # F, C, O of each object
    total = np.zeros(size)
    f = [on_picture(e, np.exp(e.foreground.astype(float)), 0.0, size) for e in evidences]
    o = [on_picture(e, np.exp(e.occluded.astype(float)), 0.0, size) for e in evidences]
    c = [on_picture(e, np.exp(e.context.astype(float)), 1.0, size) for e in evidences]
    for owner in (None, *order):
        rank = -1 if owner is None else order.index(owner)
        factors = [
            f[n] if n == owner else c[n] if k < rank else o[n] + c[n]
            for n, k in ((n, order.index(n)) for n in range(len(evidences)))
        ]
        configuration = np.prod(factors, axis=0)
        total += configuration
        for n in range(len(evidences)):
            if n == owner:
                weight[n][0] += configuration
            elif order.index(n) < rank:
                weight[n][1] += configuration
            else:
                weight[n][1] += configuration * c[n] / (o[n] + c[n])
                weight[n][2] += configuration * o[n] / (o[n] + c[n])
    for e, maps, expected in zip(evidences, posteriors(evidences, order), weight, strict=True):
        x0, y0, x1, y1 = e.window
        assert maps.dtype == np.float32
        np.testing.assert_allclose(maps, (expected / total)[:, y0:y1, x0:x1], atol=2e-4)


@given(scenes())
@settings(max_examples=50, deadline=None)
def test_posteriors_sum_to_one(evidences):
    for maps in posteriors(evidences, reason(evidences).order):
        np.testing.assert_allclose(maps.sum(axis=0), 1, atol=1e-5)
        assert maps.min(initial=0) >= 0


@given(scenes())
@settings(max_examples=50, deadline=None)
def test_labels_of_the_whole_picture_are_those_of_its_clusters(evidences):
    result = reason(evidences)
    for n, label in enumerate(best_labels(evidences, result.order)):
        assert np.array_equal(label.modal, result.modal[n])
        assert np.array_equal(label.amodal, result.amodal[n])


@given(scenes())
@settings(max_examples=50, deadline=None)
def test_what_has_to_be_explained_is_visible_or_absent_and_never_hidden(evidences):
    for label in best_labels(evidences, list(range(len(evidences)))):
        assert (label.modal <= label.explained).all()
        assert not (label.explained & label.amodal & ~label.modal).any()
