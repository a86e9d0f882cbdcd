from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from amodal.annotate.errors import Forbidden, Invalid
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.photos import put_box_seconds, put_boxed
from amodal.annotate.store.tables import Photo, Sample
from amodal.annotate.workflow import manager
from amodal.annotate.workflow.rounds import reopen, save_mask
from amodal.annotate.workflow.tasks import tasks
from amodal.survey.voting import VOTE
from helpers.annotation import HEIGHT, WIDTH, Team, car, painted, photo, rectangle, set_project, team


@pytest.fixture
def all_of(session: Session) -> Team:
    return team(session)


def drawn(session: Session, all_of: Team, objects: int, seed: int) -> list[list[np.ndarray]]:
    """Objects that all have drawn alike but for some pixels; [annotator][object]."""
    chance = np.random.default_rng(seed)
    street = photo(session, all_of.expert)
    masks: list[list[np.ndarray]] = [[] for _ in all_of.annotators]
    for _ in range(objects):
        one = car(session, all_of.expert, street.id, 0, 0, 40, 30)
        for number, person in enumerate(all_of.annotators):
            mask = np.ones((HEIGHT, WIDTH), bool) & (chance.random((HEIGHT, WIDTH)) < 0.98)
            masks[number].append(mask)
            save_mask(session, person, one.id, painted(mask, seconds=2.0), version=0)
    return masks


def iou(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_table_3_is_the_mean_iou_of_annotators_and_votes(session: Session, all_of: Team) -> None:
    masks = drawn(session, all_of, 4, seed=1)
    votes = [np.sum([masks[k][n] for k in range(3)], axis=0) > 1.5 for n in range(4)]
    everybody = [*masks, votes]
    found = manager.consistency(session, all_of.manager)
    assert found.rows == found.columns == ("Ann 1", "Ann 2", "Ann 3", VOTE)
    for row, one in enumerate(everybody):
        for column, other in enumerate(everybody):
            expected = np.mean([iou(a, b) for a, b in zip(one, other, strict=True)])
            assert found.matrix[row][column] == pytest.approx(expected)


def test_what_only_two_of_three_have_drawn_is_not_compared_yet(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 2, seed=1)
    street = session.scalars(select(Photo.id)).one()
    more = car(session, all_of.expert, street, 0, 0, 40, 20)
    for person in all_of.annotators[:2]:
        save_mask(session, person, more.id, rectangle(0, 0, 20, 20), version=0)
    found = manager.consistency(session, all_of.manager)
    assert {count for row in found.counts for count in row} == {2}


def test_a_second_stage_compares_the_sample_with_the_first(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 4, seed=1)
    assert manager.start_stage(session, all_of.manager, share=0.5, seed=3) == 2
    sample = session.scalars(select(Sample.object_id)).all()
    for id in sample:
        save_mask(session, all_of.annotators[0], id, rectangle(0, 0, 40, 30), version=0)
    found = manager.consistency(session, all_of.manager)
    assert found.rows == ("Ann 1",)
    assert found.columns == ("Ann 1", "Ann 2", "Ann 3", VOTE)
    assert found.counts[0][0] == len(sample)


def test_a_sample_is_the_seeds_and_goes_to_the_same_annotators(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 6, seed=1)
    samples = []
    for seed in (5, 5, 6):
        with session.begin_nested() as savepoint:
            manager.start_stage(session, all_of.manager, share=0.5, seed=seed)
            samples.append(session.scalars(select(Sample.object_id)).all())
            for person in all_of.annotators:
                assert {task.object_id for task in tasks(session, person)[0]} == set(samples[-1])
            savepoint.rollback()
        session.expire_all()
    assert samples[0] == samples[1] != samples[2]


def test_a_second_stage_needs_settled_objects_and_is_the_last(session: Session, all_of: Team) -> None:
    with pytest.raises(Invalid, match="no object is settled yet"):
        manager.start_stage(session, all_of.manager, share=0.5, seed=0)
    drawn(session, all_of, 1, seed=1)
    manager.start_stage(session, all_of.manager, share=0.01, seed=0)
    with pytest.raises(Invalid, match="stage 2 is on already"):
        manager.start_stage(session, all_of.manager, share=0.5, seed=0)


def test_objects_outside_the_sample_are_not_drawn_again(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 4, seed=1)
    manager.start_stage(session, all_of.manager, share=0.5, seed=3)
    outside = min({1, 2, 3, 4} - set(session.scalars(select(Sample.object_id))))
    with pytest.raises(Forbidden, match="not in the sample of stage 2"):
        save_mask(session, all_of.annotators[0], outside, rectangle(0, 0, 9, 9), version=0)


def test_progress_counts_finished_masks_of_everybody(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 2, seed=1)
    late = car(session, all_of.expert, 1)
    save_mask(session, all_of.annotators[0], late.id, rectangle(0, 0, 9, 9, seconds=7.5), version=0)
    put_boxed(session, all_of.expert, 1, boxed=True)
    for seconds in (61.5, 40.0):  # another window, opened before, has measured less
        put_box_seconds(session, all_of.expert, 1, seconds)
    found = manager.progress(session, all_of.manager)
    assert (found.photos, found.stages) == (1, (manager.StageProgress(1, 3, 2),))
    rows = {(one.person, one.pass_): (one.done, one.of, one.seconds) for one in found.people}
    assert rows == {
        ("Eva", "pass1"): (1, 1, 61.5),
        ("Ann 1", "pass2"): (3, 3, 11.5),
        ("Ann 2", "pass2"): (2, 3, 4.0),
        ("Ann 3", "pass2"): (2, 3, 4.0),
    }


def test_agreement_is_told_for_objects_and_classes_and_disputes_stand_first(session: Session, all_of: Team) -> None:
    set_project(session, max_rounds=2)
    street = photo(session, all_of.expert)
    good, again, disputed = (car(session, all_of.expert, street.id, 0, 0, 40, 20) for _ in range(3))
    for one, rounds in ((good, [(20, 20, 20)]), (again, [(10, 20, 40)]), (disputed, [(9, 20, 40), (20, 20, 40)])):
        for widths in rounds:
            for person, width in zip(all_of.annotators, widths, strict=True):
                save_mask(session, person, one.id, rectangle(0, 0, width, 20), version=0)
    found, total = manager.agreements(session, all_of.manager)
    assert total == 3
    truth = {
        one.id: np.mean([min(a, b) / max(a, b) for a, b in combinations(widths, 2)])
        for one, widths in ((good, (20, 20, 20)), (again, (10, 20, 40)), (disputed, (20, 20, 40)))
    }
    assert {one.object_id: one.agreement for one in found} == pytest.approx(truth)
    assert manager.by_class(session, all_of.manager) == {"car": (3, pytest.approx(np.mean(list(truth.values()))))}
    open_, total = manager.disagreements(session, all_of.expert)
    assert ([one.object_id for one in open_], total) == ([disputed.id, again.id], 2)


def test_lists_of_agreement_come_in_pages(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 5, seed=2)
    whole, _ = manager.agreements(session, all_of.manager)
    page, total = manager.agreements(session, all_of.manager, offset=3, limit=1)
    assert (page, total) == (whole[3:4], 5)
    everything, count = manager.disagreements(session, all_of.manager)
    page, total = manager.disagreements(session, all_of.manager, offset=1, limit=2)
    assert (page, total) == (everything[1:3], count)


def test_statistics_are_of_what_is_settled(session: Session, all_of: Team) -> None:
    street = photo(session, all_of.expert)
    front, behind, _ = (car(session, all_of.expert, street.id, 0, 0, 40, 20) for _ in range(3))
    put_order(session, all_of.expert, street.id, version=0, edges=[(front.id, behind.id)])
    photo(session, all_of.expert, "nobody has begun this one.png")
    assert manager.statistics(session, all_of.manager) is None
    for person in all_of.annotators:
        save_mask(session, person, front.id, rectangle(0, 0, 20, 20), version=0)
        save_mask(session, person, behind.id, rectangle(0, 0, 40, 20), version=0)
    found = manager.statistics(session, all_of.manager)
    assert found is not None
    assert (found.photos, found.objects, found.occluded_share, found.mean_occlusion) == (1, 2, 0.5, 0.5)
    assert found.coverage == pytest.approx(40 * 20 / (HEIGHT * WIDTH))
    assert found.match_numbers == (0, 2, 0, 0, 0, 0, 0)
    assert found.occlusion_orders == (0, 1, 0, 0, 0, 0, 0)
    assert found.points_per_polygon == 4
    assert manager.statistics_document(found) is not None


def test_the_managers_page_is_not_for_annotators(session: Session, all_of: Team) -> None:
    for person in all_of.annotators[:1]:
        for page in (manager.progress, manager.agreements, manager.disagreements, manager.consistency,
                     manager.statistics):  # fmt: skip
            with pytest.raises(Forbidden):
                page(session, person)
        for begin in (manager.start_stage, manager.plan_stage):
            with pytest.raises(Forbidden):
                begin(session, person, share=0.5, seed=0)


def test_agreement_needs_several_annotators_who_called_their_masks_done(session: Session) -> None:
    alone = team(session, annotators=1)
    one = car(session, alone.expert, photo(session, alone.expert).id)
    save_mask(session, alone.annotators[0], one.id, rectangle(0, 0, 20, 20), version=0)
    assert manager.agreements(session, alone.manager) == ([], 0)
    assert manager.by_class(session, alone.manager) == {}


def test_agreement_leaves_an_object_out_while_a_mask_of_it_is_drawn_on(session: Session, all_of: Team) -> None:
    one = car(session, all_of.expert, photo(session, all_of.expert).id)
    for person in all_of.annotators:
        save_mask(session, person, one.id, rectangle(0, 0, 20, 20), version=0)
    reopen(session, all_of.expert, one.id, version=1)
    assert manager.agreements(session, all_of.manager)[1] == 1
    ann = all_of.annotators[0]
    save_mask(session, ann, one.id, rectangle(0, 0, 19, 20, state="draft"), version=1)
    assert manager.agreements(session, all_of.manager) == ([], 0)
    save_mask(session, ann, one.id, rectangle(0, 0, 19, 20), version=2)
    (found,), _ = manager.agreements(session, all_of.manager)
    assert found.agreement == pytest.approx((19 / 20 + 19 / 20 + 1) / 3)


def test_agreement_of_the_round_before_stays_while_the_next_is_drawn(session: Session, all_of: Team) -> None:
    one = car(session, all_of.expert, photo(session, all_of.expert).id)
    for person, width in zip(all_of.annotators, (5, 10, 20), strict=True):
        save_mask(session, person, one.id, rectangle(0, 0, width, 20), version=0)
    before = manager.agreements(session, all_of.manager)
    ann = all_of.annotators[0]
    for version, state in enumerate(("done", "draft")):
        save_mask(session, ann, one.id, rectangle(0, 0, 20, 20, state=state), version=version)
    assert manager.agreements(session, all_of.manager) == before


def test_what_the_first_stage_did_is_told_apart_once_the_second_is_on(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 4, seed=1)
    before = manager.agreements(session, all_of.manager), manager.consistency(session, all_of.manager)
    manager.start_stage(session, all_of.manager, share=1, seed=0)
    ann = all_of.annotators[0]
    save_mask(session, ann, 1, rectangle(0, 0, 40, 30, seconds=5.0), version=0)
    found = manager.progress(session, all_of.manager)
    assert found.stages == (manager.StageProgress(1, 4, 4), manager.StageProgress(2, 4, 0))
    rows = {(one.person, one.stage): (one.done, one.of, one.seconds) for one in found.people if one.pass_ == "pass2"}
    assert rows[ann.name, 1] == (4, 4, 8.0) and rows[ann.name, 2] == (1, 4, 5.0)
    first = (
        manager.agreements(session, all_of.manager, stage=1),
        manager.consistency(session, all_of.manager, stage=1),
    )
    assert first == before
    assert manager.by_class(session, all_of.manager, stage=1)["car"][0] == 4


def test_no_stage_is_told_that_has_not_begun(session: Session, all_of: Team) -> None:
    with pytest.raises(Invalid, match="found 2, expected one that has begun"):
        manager.agreements(session, all_of.manager, stage=2)


def test_the_plan_of_a_second_stage_is_what_its_beginning_does(session: Session, all_of: Team) -> None:
    drawn(session, all_of, 6, seed=1)
    late = car(session, all_of.expert, 1)
    save_mask(session, all_of.annotators[0], late.id, rectangle(0, 0, 9, 9), version=0)
    all_of.annotators[2].active = False
    plan = manager.plan_stage(session, all_of.manager, share=0.5, seed=5)
    assert (plan.objects, plan.settled, plan.unsettled) == (3, 6, 1)
    assert plan.people == tuple(manager.Share(f"Ann {number}", number != 3, 3) for number in (1, 2, 3))
    assert manager.start_stage(session, all_of.manager, share=0.5, seed=5) == plan.objects
    with pytest.raises(Invalid, match="stage 2 is on already"):
        manager.plan_stage(session, all_of.manager, share=0.5, seed=5)
