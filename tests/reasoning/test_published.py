from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from amodal.reasoning import Evidence, Reasoning
from amodal.reasoning.published import compete, reason
from helpers.reasoning import on_picture, picture_size, scenes


def assert_sound(evidences: Sequence[Evidence], result: Reasoning) -> None:
    size = picture_size(evidences)
    owners = np.zeros(size, int)
    for evidence, modal, amodal in zip(evidences, result.modal, result.amodal, strict=True):
        assert not (modal & ~amodal).any()
        owners += on_picture(evidence, modal.astype(int), 0, size)
    assert owners.max(initial=0) <= 1
    rank = {n: k for k, n in enumerate(result.order)}
    assert sorted(rank) == list(range(len(evidences)))
    assert all(rank[i] < rank[j] and p >= 0.5 for i, j, p in result.edges)


def fresh_noise(evidences: Sequence[Evidence]):
    def rescore(i: int, visible: np.ndarray) -> Evidence:
        e = evidences[i]
        mark = int(abs(float(e.foreground.sum())) * 1000) + int(visible.sum())
        f = np.random.default_rng(mark).normal(scale=2.0, size=visible.shape).astype(np.float32)
        return replace(e, foreground=f)

    return rescore


@given(scenes(), st.booleans())
@settings(max_examples=100, deadline=None)
def test_one_owner_per_pixel_modal_inside_amodal_and_order_without_cycles(evidences, correct):
    assert_sound(evidences, reason(evidences, rescore=fresh_noise(evidences) if correct else None))


@given(scenes(), st.randoms(use_true_random=False), st.booleans())
@settings(max_examples=100, deadline=None)
def test_result_does_not_depend_on_the_order_in_which_objects_are_given(evidences, random, correct):
    shuffled = list(range(len(evidences)))
    random.shuffle(shuffled)
    others = [evidences[n] for n in shuffled]
    first = reason(evidences, rescore=fresh_noise(evidences) if correct else None)
    second = reason(others, rescore=fresh_noise(others) if correct else None)

    def described(given, result):
        return sorted(
            (e.window, e.foreground.tobytes(), modal.tobytes(), amodal.tobytes())
            for e, modal, amodal in zip(given, result.modal, result.amodal, strict=True)
        )

    assert described(evidences, first) == described(others, second)
    if len({e.foreground.tobytes() for e in evidences}) == len(evidences):
        assert {(shuffled[i], shuffled[j], p) for i, j, p in second.edges} == set(first.edges)


@given(scenes())
@settings(max_examples=100, deadline=None)
def test_competition_alone_gives_each_pixel_to_the_largest_foreground_of_those_that_claim_it(evidences):
    result = compete(evidences)
    assert_sound(evidences, result)
    assert result.edges == ()
    size = picture_size(evidences)
    claims = [
        on_picture(
            e,
            np.where((e.foreground > e.occluded) & (e.foreground > e.context), e.foreground, -99),
            -99,
            size,
        )
        for e in evidences
    ]
    expected = np.max(claims, axis=0)
    for e, claim, modal in zip(evidences, claims, result.modal, strict=True):
        owned = on_picture(e, modal, False, size)
        assert (claim[owned] == expected[owned]).all()
        alone = (claim == expected) & (claim > -99) & (np.sum(np.array(claims) == expected, axis=0) == 1)
        assert owned[alone].all()


@given(scenes(most=2))
@settings(max_examples=100, deadline=None)
def test_for_a_pair_the_whole_conflict_goes_to_whom_more_pixels_voted_for(evidences):
    if len(evidences) < 2:
        return
    result = reason(evidences)
    size = picture_size(evidences)
    own = [on_picture(e, (e.foreground > e.occluded) & (e.foreground > e.context), False, size) for e in evidences]
    f = [on_picture(e, e.foreground, -np.inf, size) for e in evidences]
    conflict = own[0] & own[1]
    votes = [int((conflict & (f[0] > f[1])).sum()), int((conflict & (f[1] > f[0])).sum())]
    if votes[0] == votes[1]:
        assert result.edges == ()
        return
    front = int(np.argmax(votes))
    assert [edge[:2] for edge in result.edges] == [(front, 1 - front)]
    assert on_picture(evidences[front], result.modal[front], False, size)[conflict].all()
    assert not on_picture(evidences[1 - front], result.modal[1 - front], False, size)[conflict].any()


def plain(box: tuple[int, int, int, int], strength: float) -> Evidence:
    f = np.full((box[3] - box[1], box[2] - box[0]), strength, np.float32)
    return Evidence(box, f, f * 0, f * 0 - 3, tuple(map(float, box)))


def test_what_the_loser_loses_counts_as_hidden():
    result = reason([plain((0, 0, 8, 6), 2), plain((4, 0, 12, 6), 3)])
    assert not result.modal[0][:, 4:].any()
    assert result.amodal[0].all()
    assert result.modal[1].all()


def test_tied_votes_leave_no_edge_and_still_one_owner():
    evidences = [plain((0, 0, 8, 6), 2), plain((4, 0, 12, 6), 2)]
    result = reason(evidences)
    assert_sound(evidences, result)
    assert result.edges == ()


def test_geometry_decides_a_tied_vote():
    evidences = [plain((0, 0, 8, 6), 2), plain((4, 0, 12, 6), 2)]
    result = reason(evidences, pair_log_odds=lambda i, j, _: float(j - i))
    assert [edge[:2] for edge in result.edges] == [(0, 1)]


def test_a_cycle_is_reported_and_broken_at_its_weakest_edge():
    evidences = []
    for n, height in ((0, 9), (1, 6), (2, 3)):  # 0 beats 1 on nine rows, 1 beats 2 on six, 2 beats 0 on three
        del height
        f, o, c = (np.full((9, 9), v, np.float32) for v in (-9.0, -9.0, 0.0))
        evidences.append([f, o, c, n])
    for front, behind, columns, rows in ((0, 1, 0, 9), (1, 2, 3, 6), (2, 0, 6, 3)):
        for n, strength in ((front, 4.0), (behind, 3.0)):
            part = (slice(0, rows), slice(columns, columns + 3))
            evidences[n][0][part], evidences[n][1][part], evidences[n][2][part] = strength, 0, -6
    given = [Evidence((0, 0, 9, 9), f, o, c, (0, 0, 9, 9.0 + n)) for f, o, c, n in evidences]
    result = reason(given)
    assert [edge[:2] for edge in result.edges] == [(0, 1), (1, 2)]
    assert result.cycles == ((0, 1, 2),)
    assert_sound(given, result)


def test_self_correction_scores_the_loser_again_where_it_is_visible_and_takes_what_it_says():
    evidences = [plain((0, 0, 8, 6), 2), plain((4, 0, 12, 6), 3)]
    smaller = replace(evidences[0], foreground=evidences[0].foreground.copy())
    smaller.foreground[:, 6:] = -9
    smaller.occluded[:, 6:] = -9
    seen: list[tuple[int, np.ndarray]] = []

    def rescore(i: int, visible: np.ndarray) -> Evidence:
        seen.append((i, visible))
        return smaller

    result = reason(evidences, rescore=rescore, rounds=1)
    assert [i for i, _ in seen] == [0]
    assert seen[0][1][:, :4].all()
    assert not seen[0][1][:, 4:].any()
    assert result.amodal[0][:, :6].all()
    assert not result.amodal[0][:, 6:].any()


def test_rounds_change_nothing_for_a_single_object():
    evidence = plain((0, 0, 5, 5), 1)
    result = reason([evidence], rescore=lambda i, visible: pytest.fail("nobody hides it"))
    assert result.evidences == (evidence,)


def test_no_objects_give_an_empty_result():
    assert reason([]).modal == ()
    assert compete([]).modal == ()
