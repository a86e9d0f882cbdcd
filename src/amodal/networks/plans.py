"""What `amodal train` makes of a network's name, a preset and settings: a budget and a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from amodal.errors import InputError
from amodal.networks.parts.settings import PUBLISHED
from amodal.networks.registry import member
from amodal.networks.settings_text import with_settings
from amodal.networks.task import FamilyTask, Start
from amodal.training.config import TrainConfig
from amodal.training.truths import read_pictures

KINS_CLASSES = ("cyclist", "pedestrian", "car", "tram", "truck", "van", "misc")
"""The seven that the paper trains on; person-sitting is left out."""


@dataclass(frozen=True)
class Preset:
    """A way of training known by name: budget, settings of the network as far as it has them, and classes."""

    config: TrainConfig
    settings: Mapping[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] | None = None


PRESETS: Mapping[str, Preset] = {
    "small": Preset(TrainConfig(steps=2000, batch=4, rate=1e-3, keep_every=200)),
    # A minute or two, to see whether everything is in place.
    "tiny": Preset(
        TrainConfig(steps=60, batch=2, rate=1e-3, keep_every=20),
        {"shortest_px": 128, "longest_px": 192, "channels": 32},
    ),
    # [S2 §5]; warm-up and decay are Detectron's, which the authors built on.
    "kins": Preset(
        TrainConfig(
            steps=24_000,
            batch=8,
            rate=0.02,
            pretrained_rate=1.0,
            optimiser="sgd",
            weight_decay=1e-4,
            warm_up=500 / 24_000,
            clip=35.0,
            keep_every=500,
            drops=(20_000, 22_000),
        ),
        PUBLISHED,
        KINS_CLASSES,
    ),
}
DEFAULT_PRESET = "small"


@dataclass(frozen=True)
class Choices:
    """What the user chose of a network and its data.

    Attributes:
        data: annotated files or folders, of any format we know.
        images: folder of photos for each, or none to find them.
        split: of data sets that have splits; None for all.
        classes: to tell apart; None for the preset's, or else all that have examples.
        preset: a name of `PRESETS`.
        settings: of the network, each "name=value".
        start: model file of the same network to begin from.
        seed: chooses the sequence of photos.
        rare_share: classes that a smaller share of the photos hold are shown more often.
        say: told in words what was taken from `start`.
    """

    data: tuple[Path, ...]
    images: tuple[Path, ...] = ()
    split: str | None = "train"
    classes: tuple[str, ...] | None = None
    preset: str = DEFAULT_PRESET
    settings: tuple[str, ...] = ()
    start: Path | None = None
    seed: int = 0
    rare_share: float = 0.0
    say: Callable[[str], None] = field(default=lambda said: None)


def preset_named(name: str) -> Preset:
    """Raises `InputError` for an unknown one."""
    if name not in PRESETS:
        raise InputError("train", "--preset", f"found {name!r}", f"expected one of {', '.join(PRESETS)}")
    return PRESETS[name]


def family_config(preset: str, steps: int | None = None) -> TrainConfig:
    """The preset's budget; with another number of steps, its drops move along."""
    config = preset_named(preset).config
    if steps is None or steps == config.steps:
        return config
    drops = dict.fromkeys(max(1, round(drop * steps / config.steps)) for drop in config.drops)
    return replace(config, steps=steps, drops=tuple(drops))


def family_task(name: str, choices: Choices) -> FamilyTask:
    """The network's task on this data.

    Raises:
        InputError: unknown network, preset or setting, data that cannot be read, a class without examples, a file to
            begin from that is another network's.
    """
    settings = settings_of(name, choices.preset, choices.settings)
    start = None if choices.start is None else Start.read(choices.start, name)
    pictures = read_pictures(
        choices.data,
        choices.images,
        split=choices.split,
        classes=choices.classes or preset_named(choices.preset).classes,
        order_seed=choices.seed,
        rare_share=choices.rare_share,
    )
    return FamilyTask(name, member(name).network, settings, pictures, start=start, say=choices.say)


def settings_of(name: str, preset: str = DEFAULT_PRESET, changes: Sequence[str] = ()) -> Any:
    """A network's settings: its defaults, the preset's as far as it has them, then the user's."""
    settings = member(name).settings()
    known = {one.name for one in fields(settings)}
    own = {key: value for key, value in preset_named(preset).settings.items() if key in known}
    return with_settings(replace(settings, **own), changes)
