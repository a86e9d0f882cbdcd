from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from amodal.annotate.api.problems import TooMany
from amodal.annotate.api.proposer import MOST_WAITING, Proposer
from amodal.annotate.help.propose import Given, Helper, load_helper
from amodal.errors import InputError
from amodal.scene import Scene
from amodal.segmenter import METHODS
from helpers.annotate_client import save_photos


@pytest.fixture(autouse=True)
def stub(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in ("student", "orm"):
        monkeypatch.setitem(METHODS, method, "helpers.stub_segmenter:load")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    return save_photos(tmp_path) / "a.png"


def test_objects_keep_their_ids_classes_and_boxes(photo: Path) -> None:
    given = [Given(17, "car", (5, 5, 40, 40)), Given(4, "tram", (20, 10, 60, 55))]
    scene = load_helper().scene_of(photo, given)
    assert [(one.id, one.label, one.box) for one in scene.instances] == [(one.id, one.label, one.box) for one in given]
    assert [(edge.front, edge.behind) for edge in scene.order.edges] == [(4, 17)]


def test_a_method_is_loaded_once(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proposer = Proposer()
    proposer.propose(None, photo, [Given(1, "car", (5, 5, 40, 40))])
    monkeypatch.setitem(METHODS, "student", "nowhere:load")
    assert proposer.propose(None, photo, [Given(1, "car", (5, 5, 40, 40))])[0] == "stub"


@pytest.mark.parametrize("method", ["magic", "pcnet-m", "../x", ""])
def test_methods_that_are_none_or_begin_with_masks_are_refused(method: str) -> None:
    with pytest.raises(InputError, match="expected one of"):
        load_helper(method=method)


def test_nobody_waits_in_a_long_queue(photo: Path) -> None:
    proposer = Proposer()
    for _ in range(MOST_WAITING):
        proposer._places.acquire()
    with pytest.raises(TooMany):
        proposer.propose(None, photo, [])


def test_whoever_asks_one_thread_loads_and_works(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()

    class Noting(Helper):
        def scene_of(self, photo: Path, objects: Sequence[Given]) -> Scene:
            threads.add(threading.get_ident())
            return super().scene_of(photo, objects)

    def load(*asked: str) -> Noting:
        threads.add(threading.get_ident())
        return Noting(**vars(load_helper(*asked)))

    monkeypatch.setattr("amodal.annotate.api.proposer.load_helper", load)
    proposer = Proposer()
    with ThreadPoolExecutor(2) as askers:
        given = [Given(1, "car", (5, 5, 40, 40))]
        for asked in [askers.submit(proposer.propose, None, photo, given) for _ in range(2)]:
            asked.result(30)
    assert len(threads) == 1
