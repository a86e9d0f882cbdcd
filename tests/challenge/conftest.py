"""Drawn things to cut out, read once."""

from __future__ import annotations

import pytest

from amodal.challenge import Backgrounds, ChallengeConfig, Sources, read_backgrounds, read_sources
from helpers.cut_outs import CutOuts, make_cut_outs


@pytest.fixture(scope="session")
def cut_outs(tmp_path_factory: pytest.TempPathFactory) -> CutOuts:
    return make_cut_outs(tmp_path_factory.mktemp("cut_outs"))


@pytest.fixture(scope="session")
def sources(cut_outs: CutOuts) -> Sources:
    """Cars and persons are known, kites are not."""
    return read_sources(cut_outs.annotations, classes=("car", "person"), unknown_path=cut_outs.annotations)


@pytest.fixture(scope="session")
def backgrounds(cut_outs: CutOuts) -> Backgrounds:
    return read_backgrounds(cut_outs.backgrounds)


@pytest.fixture(scope="session")
def config(cut_outs: CutOuts) -> ChallengeConfig:
    """Two shards and a bit."""
    return ChallengeConfig(
        cut_outs.annotations, cut_outs.backgrounds, scenes=50, classes=("car", "person"), workers=1, seed=5
    )
