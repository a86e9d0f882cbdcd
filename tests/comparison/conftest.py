"""Two tiny photos in KINS's layout, and methods of which none needs a model."""

from __future__ import annotations

from pathlib import Path

import pytest

from amodal.data.truth import Truth, read_truth
from amodal.segmenter import METHODS
from helpers.amodal_files import write_kins
from helpers.fussy_segmenter import Calls, Fussy


@pytest.fixture
def truths(tmp_path: Path) -> list[Truth]:
    return read_truth(write_kins(tmp_path / "data", "2020"))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Calls:
    """What method `fussy` was asked; `clumsy` is the same but fails on photos of three objects."""
    found: Calls = []
    monkeypatch.setattr("helpers.fussy_segmenter.fussy", lambda _model: Fussy(found), raising=False)
    monkeypatch.setattr("helpers.fussy_segmenter.clumsy", lambda _model: Fussy(found, lambda n: n == 3), raising=False)
    monkeypatch.setitem(METHODS, "fussy", "helpers.fussy_segmenter:fussy")
    monkeypatch.setitem(METHODS, "clumsy", "helpers.fussy_segmenter:clumsy")
    return found
