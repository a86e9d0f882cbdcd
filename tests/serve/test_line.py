"""The line before the model: what is batched, what is refused, what is dropped."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack

import pytest

pytest.importorskip("prometheus_client", reason="the extra `serve` is not installed")

from amodal.serve.errors import Busy, Stopping
from amodal.serve.line import Job, Line
from amodal.serve.meters import Meters
from amodal.serve.settings import Settings
from amodal.threads import ModelThread
from helpers.served import Held, job, stub_served, wait_until

Lined = Callable[..., Line]


@pytest.fixture
def held() -> Iterator[Held]:
    held = Held()
    yield held
    held.go.set()


@pytest.fixture
def places() -> Iterator[ExitStack]:
    """Places in line that stay taken until the test ends."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def lined(held: Held) -> Iterator[Lined]:
    """Makes a line before the held model."""
    lines: list[Line] = []

    def make(**settings: float) -> Line:
        line = Line(stub_served(held).scenes, lambda: None, Settings(**settings), Meters())  # type: ignore[arg-type]
        line.start()
        lines.append(line)
        return line

    yield make
    held.go.set()
    for line in lines:
        line.stop()


def test_what_came_while_the_model_was_at_work_is_one_batch(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined(batch_photos=4)
    answers = [places.enter_context(line.place()).put(job())]
    held.at_work.acquire()
    answers += [places.enter_context(line.place()).put(job()) for _ in range(5)]
    held.go.set()
    assert all(len(answer.result(10)) == 1 for answer in answers)
    assert held.batches == [1, 4, 1]


def test_a_batch_has_no_more_objects_than_it_may(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined(batch_photos=10, batch_objects=5)
    answers = [places.enter_context(line.place()).put(job())]
    held.at_work.acquire()
    answers += [places.enter_context(line.place()).put(job(objects)) for objects in (2, 3, 1, 9, 1)]
    held.go.set()
    assert [len(answer.result(10)) for answer in answers] == [1, 2, 3, 1, 9, 1]
    assert held.batches == [1, 2, 1, 1, 1]


def test_a_batch_waits_for_a_request_that_is_on_its_way(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined(wait_ms=5_000)
    held.go.set()
    first, second = places.enter_context(line.place()), places.enter_context(line.place())
    early = first.put(job())
    time.sleep(0.1)
    assert not early.done()
    second.put(job()).result(10)
    assert held.batches == [2]


def test_a_single_request_does_not_wait(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined(wait_ms=60_000)
    held.go.set()
    assert len(places.enter_context(line.place()).put(job()).result(10)) == 1


def test_a_full_line_says_when_there_will_be_room_as_fast_as_it_moves(
    lined: Lined, held: Held, places: ExitStack
) -> None:
    line = lined(queue_photos=5)
    started = time.monotonic()
    answer = places.enter_context(line.place()).put(job())
    held.at_work.acquire()
    threading.Timer(0.5, held.go.set).start()
    answer.result(10)  # at least 0.5 s for a photo, by this measure
    took = time.monotonic() - started
    for _ in range(4):
        places.enter_context(line.place())
    with pytest.raises(Busy) as refused:
        places.enter_context(line.place())
    assert math.ceil(5 * 0.5) <= refused.value.seconds <= math.ceil(5 * took)


def test_a_place_given_back_can_be_taken_again(lined: Lined) -> None:
    line = lined(queue_photos=1)
    for _ in range(3):
        with line.place(), pytest.raises(Busy):
            line.place().__enter__()


def test_photos_that_are_too_many_pixels_together_are_refused(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined(queue_megapixels=1.5 * 64 * 48 / 1e6)
    places.enter_context(line.place()).put(job())
    with pytest.raises(Busy):
        places.enter_context(line.place()).put(job())


def test_whose_client_has_gone_is_not_worked_on(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined()
    places.enter_context(line.place()).put(job())
    held.at_work.acquire()
    gone = places.enter_context(line.place()).put(job(9))
    last = places.enter_context(line.place()).put(job())
    assert gone.cancel()
    held.go.set()
    last.result(10)
    assert held.batches == [1, 1]


def test_who_waits_when_the_server_ends_is_told(lined: Lined, held: Held, places: ExitStack) -> None:
    line = lined()
    at_work = places.enter_context(line.place()).put(job())
    held.at_work.acquire()
    waiting = places.enter_context(line.place()).put(job())
    threading.Timer(0.1, held.go.set).start()
    line.stop()
    assert len(at_work.result(0)) == 1
    assert isinstance(waiting.exception(0), Stopping)


def test_a_model_that_cannot_work_is_not_ready_and_not_alive() -> None:
    def broken() -> None:
        raise RuntimeError("no memory on the device")

    line = Line(stub_served().scenes, broken, Settings(), Meters())
    line.start()
    wait_until(lambda: not line.is_alive)
    assert (line.is_alive, line.is_ready) == (False, False)
    line.stop()


def test_a_mistake_of_ours_in_the_model_s_thread_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    line = Line(lambda jobs: [], lambda: None, Settings(), Meters())
    line.start()
    with line.place() as place:
        place.put(job())
        wait_until(lambda: not line.is_alive)
    assert "zip()" in caplog.text
    line.stop()


def test_the_model_works_in_the_thread_that_loaded_it() -> None:
    thread = ModelThread()
    at_work: list[int] = [thread.submit(threading.get_ident).result()]

    def work(jobs: Sequence[Job]) -> list[Exception]:
        at_work.append(threading.get_ident())
        return [ValueError()] * len(jobs)

    line = Line(work, lambda: at_work.append(threading.get_ident()), Settings(), Meters(), thread)
    line.start()
    with line.place() as place:
        place.put(job()).exception(30)
    line.stop()
    assert len(at_work) == 3
    assert len(set(at_work)) == 1
