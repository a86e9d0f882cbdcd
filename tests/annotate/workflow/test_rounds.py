from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from amodal.annotate.errors import Conflict, Forbidden, Invalid, Missing
from amodal.annotate.store.checks import mask_of
from amodal.annotate.store.consensus import standing
from amodal.annotate.store.masks import Drawn, own_mask
from amodal.annotate.store.objects import delete_object
from amodal.annotate.store.orders import put_order
from amodal.annotate.store.people import change_person
from amodal.annotate.store.photos import put_boxed
from amodal.annotate.store.revisions import revisions_of
from amodal.annotate.store.tables import Consensus, Object
from amodal.annotate.workflow.rounds import conclude_all, reopen, save_mask, settle
from amodal.annotate.workflow.scenes import scene_of
from amodal.annotate.workflow.tasks import next_task, tasks
from amodal.masks import CropMask
from helpers.annotation import HEIGHT, WIDTH, Team, car, photo, rectangle, set_project, team


@pytest.fixture
def all_of(session: Session) -> Team:
    return team(session)


@pytest.fixture
def one(session: Session, all_of: Team) -> Object:
    return car(session, all_of.expert, photo(session, all_of.expert).id)


def draw(session: Session, all_of: Team, one: Object, *widths: float, version: int = 0, state: str = "done") -> None:
    """Every annotator draws a rectangle of its width."""
    for person, width in zip(all_of.annotators, widths, strict=False):
        save_mask(session, person, one.id, rectangle(0, 0, width, 20, state), version=version)


def stands(session: Session, one: Object, stage: int = 1) -> Consensus:
    row = standing(session, one.id, stage)
    assert row is not None
    return row


def box(x1: int) -> CropMask:
    return CropMask.from_box((0, 0, x1, 20), HEIGHT, WIDTH)


def test_masks_that_agree_are_settled_by_the_vote(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 18, 19, 20)
    row = stands(session, one)
    assert (row.state, row.round, row.choice, row.author_id) == ("agreed", 1, "vote", None)
    assert row.agreement == pytest.approx((18 / 19 + 18 / 20 + 19 / 20) / 3)
    assert row.amodal is not None and mask_of(row.amodal, one.photo) == box(19)


def test_nothing_is_decided_before_all_have_finished(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 18, 19)
    save_mask(session, all_of.annotators[2], one.id, rectangle(0, 0, 20, 20, "draft"), version=0)
    assert standing(session, one.id, 1) is None


def test_masks_that_disagree_are_drawn_again_and_then_go_to_the_expert(
    session: Session, all_of: Team, one: Object
) -> None:
    set_project(session, max_rounds=2)
    draw(session, all_of, one, 10, 20, 40)
    assert (stands(session, one).state, stands(session, one).round) == ("open", 2)
    assert own_mask(session, all_of.annotators[0], one.id, 1, 1) is not None, "the first round's masks stay"
    draw(session, all_of, one, 10, 20, 40)
    assert (stands(session, one).state, stands(session, one).round) == ("disputed", 2)
    with pytest.raises(Forbidden, match="waits for the expert"):
        draw(session, all_of, one, 12, version=1)
    found, total = tasks(session, all_of.expert, "settle")
    assert (total, found[0].object_id) == (1, one.id)


def test_a_second_round_can_end_in_agreement(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 10, 20, 40)
    draw(session, all_of, one, 20, 20, 21)
    assert (stands(session, one).state, stands(session, one).round) == ("agreed", 2)


def test_a_finished_mask_may_change_until_the_round_ends(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 10)
    draw(session, all_of, one, 20, version=1)
    for person in all_of.annotators[1:]:
        save_mask(session, person, one.id, rectangle(0, 0, 20, 20), version=0)
    assert stands(session, one).agreement == 1
    with pytest.raises(Forbidden, match="is agreed; the expert can open it again"):
        draw(session, all_of, one, 5, version=2)


def test_who_works_alone_may_change_what_is_done(session: Session) -> None:
    all_of = team(session, annotators=1)
    one = car(session, all_of.expert, photo(session, all_of.expert).id)
    draw(session, all_of, one, 10)
    draw(session, all_of, one, 12, version=1, state="draft")
    assert stands(session, one).state == "open"
    draw(session, all_of, one, 14, version=2)
    row = stands(session, one)
    assert row.state == "agreed" and row.amodal is not None and mask_of(row.amodal, one.photo) == box(14)


@pytest.mark.parametrize("choice", ["vote", "mask", "drawn"])
def test_the_expert_settles_by_the_vote_by_a_mask_or_by_drawing(
    session: Session, all_of: Team, one: Object, choice: str
) -> None:
    draw(session, all_of, one, 10, 20, 40)
    mask = own_mask(session, all_of.annotators[0], one.id, 1, 1)
    assert mask is not None
    row = settle(
        session, all_of.expert, one.id, choice=choice, version=1, mask_id=mask.id, amodal=box(33).to_coco_rle()
    )
    expected = {"vote": box(20), "mask": box(10), "drawn": box(33)}[choice]
    assert row.amodal is not None and mask_of(row.amodal, one.photo) == expected
    assert (row.state, row.author_id, row.choice) == ("settled", all_of.expert.id, choice)


def test_only_the_expert_settles_and_only_what_can_be(session: Session, all_of: Team, one: Object) -> None:
    with pytest.raises(Invalid, match="there is no vote"):
        settle(session, all_of.expert, one.id, choice="vote", version=0)
    draw(session, all_of, one, 10, 20, 40)
    for person in (all_of.manager, *all_of.annotators):
        with pytest.raises(Forbidden, match="needs the role expert"):
            settle(session, person, one.id, choice="vote", version=1)
    with pytest.raises(Missing, match="has no mask 99"):
        settle(session, all_of.expert, one.id, choice="mask", version=1, mask_id=99)
    with pytest.raises(Conflict):
        settle(session, all_of.expert, one.id, choice="vote", version=0)


def test_what_is_settled_can_be_opened_again_and_all_of_it_is_kept(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 20, 20, 20)
    reopen(session, all_of.expert, one.id, version=1)
    draw(session, all_of, one, 18, version=1)
    row = stands(session, one)
    assert row.state == "agreed" and row.agreement == pytest.approx((0.9 + 0.9 + 1) / 3)
    states = [kept.payload["state"] for kept in revisions_of(session, "consensus", row.id)]
    assert states == ["agreed", "open", "agreed"]


def test_an_object_has_as_many_annotators_as_the_project_says(session: Session, all_of: Team, one: Object) -> None:
    set_project(session, annotators_per_object=2)
    first, second, third = all_of.annotators
    for person in (first, second):
        task = next_task(session, person)
        assert task is not None and task.object_id == one.id
    assert next_task(session, third) is None
    with pytest.raises(Forbidden, match="has its 2 annotators already"):
        save_mask(session, third, one.id, rectangle(0, 0, 9, 9), version=0)


def test_who_is_switched_off_makes_room_unless_the_mask_is_done(session: Session, all_of: Team, one: Object) -> None:
    set_project(session, annotators_per_object=2)
    first, second, third = all_of.annotators
    save_mask(session, first, one.id, rectangle(0, 0, 20, 20), version=0)
    save_mask(session, second, one.id, rectangle(0, 0, 20, 20, "draft"), version=0)
    change_person(session, all_of.manager, second.id, active=False)
    task = next_task(session, third)
    assert task is not None and task.object_id == one.id
    save_mask(session, third, one.id, rectangle(0, 0, 20, 20), version=0)
    assert stands(session, one).state == "agreed"


def test_an_object_whose_places_are_kept_by_finished_masks_is_offered_to_nobody(
    session: Session, all_of: Team, one: Object
) -> None:
    set_project(session, annotators_per_object=2)
    first, second, third = all_of.annotators
    save_mask(session, first, one.id, rectangle(0, 0, 20, 20), version=0)
    save_mask(session, second, one.id, rectangle(0, 0, 20, 20, "draft"), version=0)
    change_person(session, all_of.manager, first.id, active=False)
    assert next_task(session, third) is None


def test_who_left_after_a_round_makes_room_in_the_next(session: Session, all_of: Team, one: Object) -> None:
    set_project(session, annotators_per_object=2)
    first, _, third = all_of.annotators
    draw(session, all_of, one, 10, 40)
    change_person(session, all_of.manager, first.id, active=False)
    task = next_task(session, third)
    assert task is not None and (task.object_id, task.round) == (one.id, 2)


def test_fewer_annotators_per_object_conclude_what_waits(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 20, 20)
    set_project(session, annotators_per_object=2)
    assert conclude_all(session) == 1
    assert stands(session, one).state == "agreed"


def test_the_queue_has_what_was_begun_first_then_what_must_be_drawn_again(session: Session, all_of: Team) -> None:
    street = photo(session, all_of.expert)
    new, again, begun = (car(session, all_of.expert, street.id) for _ in range(3))
    draw(session, all_of, again, 5, 20, 40)
    draw(session, all_of, begun, 5, state="draft")
    found, total = tasks(session, all_of.annotators[0])
    assert [(task.object_id, task.state, task.round) for task in found] == [
        (begun.id, "draft", 1),
        (again.id, "open", 2),
        (new.id, "open", 1),
    ]
    assert total == 3


def test_the_expert_is_asked_for_photos_until_they_are_called_done_begun_ones_first(
    session: Session, all_of: Team
) -> None:
    empty, begun, done, without = (photo(session, all_of.expert, f"{name}.png") for name in "abcd")
    for street in (begun, done):
        car(session, all_of.expert, street.id)
    for street in (done, without):
        put_boxed(session, all_of.expert, street.id, boxed=True)
    found, _ = tasks(session, all_of.expert, "pass1")
    assert [(task.photo_id, task.state) for task in found] == [(begun.id, "draft"), (empty.id, "open")]
    put_boxed(session, all_of.expert, done.id, boxed=False)
    assert [task.photo_id for task in tasks(session, all_of.expert, "pass1")[0]] == [begun.id, done.id, empty.id]


def test_only_the_expert_calls_boxes_done_and_every_turn_is_kept(session: Session, all_of: Team) -> None:
    street = photo(session, all_of.expert)
    with pytest.raises(Forbidden):
        put_boxed(session, all_of.annotators[0], street.id, boxed=True)
    for boxed in (True, True, False):
        put_boxed(session, all_of.expert, street.id, boxed=boxed)
    kept = [(one.version, one.payload["boxed"]) for one in revisions_of(session, "photo", street.id)]
    assert kept == [(1, False), (2, True), (3, False)]


def test_nobody_sees_a_queue_of_another_role(session: Session, all_of: Team) -> None:
    with pytest.raises(Forbidden):
        tasks(session, all_of.annotators[0], "settle")
    with pytest.raises(Forbidden):
        tasks(session, all_of.expert, "pass2")
    assert tasks(session, all_of.manager) == ([], 0)


def test_a_deleted_object_is_nobodys_task(session: Session, all_of: Team, one: Object) -> None:
    delete_object(session, all_of.expert, one.id, version=1)
    assert tasks(session, all_of.annotators[0]) == ([], 0)
    with pytest.raises(Missing):
        save_mask(session, all_of.annotators[0], one.id, rectangle(0, 0, 9, 9), version=0)


def test_visible_masks_follow_from_whole_ones_and_the_order(session: Session, all_of: Team) -> None:
    street = photo(session, all_of.expert)
    front, behind = car(session, all_of.expert, street.id), car(session, all_of.expert, street.id, 0, 0, 40, 20)
    draw(session, all_of, behind, 40, 40, 40)  # the hidden one is drawn first
    draw(session, all_of, front, 20, 20, 20)
    put_order(session, all_of.expert, street.id, version=0, edges=[(front.id, behind.id)])
    scene = scene_of(session, street.id).validate()
    assert scene.instance(front.id).modal == box(20)
    assert scene.instance(behind.id).modal == CropMask.from_box((20, 0, 40, 20), HEIGHT, WIDTH)
    assert scene.instance(behind.id).occlusion == 0.5
    assert scene.order.in_front_of(front.id, behind.id)
    put_order(session, all_of.expert, street.id, version=1, edges=[(behind.id, front.id)])
    assert scene_of(session, street.id).validate().instance(front.id).modal.is_empty


def test_most_corrections_of_the_visible_mask_win(session: Session, all_of: Team, one: Object) -> None:
    whole, seen = box(20).to_coco_rle(), box(8).to_coco_rle()
    for person, inmodal in zip(all_of.annotators, (seen, seen, None), strict=True):
        save_mask(session, person, one.id, Drawn(amodal=whole, inmodal=inmodal, state="done"), version=0)
    assert scene_of(session, one.photo_id).instance(one.id).modal == box(8)


def test_fewer_rounds_send_an_object_of_a_later_one_to_the_expert(session: Session, all_of: Team, one: Object) -> None:
    draw(session, all_of, one, 10, 20, 40)  # they disagree, so a second round begins
    set_project(session, max_rounds=1)
    assert conclude_all(session) == 1
    assert stands(session, one).state == "disputed"
    assert [task.object_id for task in tasks(session, all_of.expert, "settle")[0]] == [one.id]
    settled = settle(session, all_of.expert, one.id, choice="vote", version=stands(session, one).version)
    assert settled.state == "settled"
