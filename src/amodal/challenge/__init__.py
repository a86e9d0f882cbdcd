"""The Occlusion Challenge: scenes whose truth is exact, because they are made.

Takes cut-outs of fully visible objects (`read_sources`) and photos without objects of interest (`read_backgrounds`);
`compose` proposes a `Record`, `render` makes of it the photo and the true `Scene`, `generate` a folder of them.
"""

from __future__ import annotations

from amodal.challenge.backgrounds import Backgrounds, read_backgrounds
from amodal.challenge.balance import Balance
from amodal.challenge.compose import Place, compose
from amodal.challenge.datasheet import Summary
from amodal.challenge.generate import ChallengeConfig, generate
from amodal.challenge.record import Placed, Record, record_from_json
from amodal.challenge.render import render
from amodal.challenge.sources import CutOut, Sources, read_sources

__all__ = [
    "Backgrounds",
    "Balance",
    "ChallengeConfig",
    "CutOut",
    "Place",
    "Placed",
    "Record",
    "Sources",
    "Summary",
    "compose",
    "generate",
    "read_backgrounds",
    "read_sources",
    "record_from_json",
    "render",
]
