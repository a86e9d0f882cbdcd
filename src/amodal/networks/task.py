"""Any network of the family as a task for the one training loop: pictures of annotated files in, its own losses out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from amodal.digest import sha256_of
from amodal.errors import InputError
from amodal.networks.parts.batch import Batch, Targets, as_images
from amodal.training.files import NetworkFile, read_network
from amodal.training.truths import Picture, TruthPictures, Variation


class Sized(Protocol):
    """What settings of every network have."""

    @property
    def shortest_px(self) -> int:
        """The shorter side of scaled pictures."""

    @property
    def longest_px(self) -> int:
        """The longer one, at most."""


@dataclass(frozen=True, eq=False)
class Start:
    """A model file to begin from, of the same network; it may have been made with other settings or classes."""

    path: Path
    file: NetworkFile
    digest: str

    @classmethod
    def read(cls, path: Path, name: str) -> Start:
        """Raises `InputError` for a file that is no network, or another one."""
        return cls(path, read_network(path, name), sha256_of(path)[:16])

    def fill(self, module: nn.Module) -> tuple[str, ...]:
        """Take what fits; the names of what does not, which stays as it was built.

        Raises:
            InputError: hardly anything fits.
        """
        needed = module.state_dict()
        taken = {
            name: tensor
            for name, tensor in self.file.tensors.items()
            if name in needed and needed[name].shape == tensor.shape
        }
        if 2 * len(taken) < len(needed):
            found = f"only {len(taken)} of {len(needed)} tensors fit"
            raise InputError(str(self.path), "--init", found, "expected a network of like settings; see --set")
        module.load_state_dict(taken, strict=False)
        return tuple(name for name in needed if name not in taken)


@dataclass(frozen=True, eq=False)
class FamilyTask:
    """A `Task` of the loop.

    Attributes:
        name: of the network, as in `amodal train NAME`.
        network: its class, made from (classes with background, settings, pretrained=).
        settings: a frozen dataclass; goes into the model file as JSON.
        pretrained: begin with the published weights of the backbone.
        varied: pictures are scaled, mirrored and lit at random; False shows them always alike.
        start: begin with the weights of this file.
        say: told in words what of `start` was taken.
    """

    name: str
    network: Callable[..., nn.Module]
    settings: Any
    pictures: TruthPictures
    pretrained: bool = True
    varied: bool = True
    start: Start | None = None
    say: Callable[[str], None] = field(default=lambda said: None)

    def build(self) -> nn.Module:
        """The network; class 0 is the background."""
        fresh = self.pretrained and self.start is None  # a start brings its own backbone
        module = self.network(1 + len(self.pictures.classes), self.settings, pretrained=fresh)
        if self.start is not None:
            new = self.start.fill(module)
            listed = f": {', '.join(new[:6])}{', …' if len(new) > 6 else ''}" if new else ""
            self.say(f"{self.start.path}: its weights are taken, {len(new)} tensors begin anew{listed}")
        return module

    def draw(self, index: int, rng: np.random.Generator) -> Picture:
        """A photo of the current epoch, varied."""
        size = Variation(self.settings.shortest_px, self.settings.longest_px)
        if not self.varied:
            size = Variation(self.settings.shortest_px, self.settings.longest_px, 1.0, 0.0, 0.0)
        return self.pictures.draw(index, size, rng)

    def collate(self, samples: Sequence[Picture]) -> Batch:
        """Pictures with their targets."""
        return as_family_batch(samples)

    def loss(self, module: nn.Module, batch: Batch) -> Mapping[str, Tensor]:
        """The network's own."""
        losses: Mapping[str, Tensor] = module.losses(batch)  # type: ignore[operator]
        return losses

    def metadata(self) -> dict[str, Any]:
        """What the model file says."""
        return {
            "classes": list(self.pictures.classes),
            "settings": asdict(self.settings),
            "pretrained": self.pretrained,
            "varied": self.varied,
            "boxes_are": "amodal",
            "data": self.pictures.describe(),
            **({} if self.start is None else {"start": self.start.digest}),
        }


def as_family_batch(pictures: Sequence[Picture]) -> Batch:
    """Pictures as the networks take them."""
    images = as_images([torch.from_numpy(picture.pixels).permute(2, 0, 1) for picture in pictures])
    return Batch(images, tuple(as_targets(picture) for picture in pictures))


def as_targets(picture: Picture) -> Targets:
    """What is known of a picture, as tensors."""
    return Targets(
        boxes=torch.from_numpy(picture.boxes),
        labels=torch.from_numpy(picture.labels),
        amodal=torch.from_numpy(picture.amodal),
        inmodal=torch.from_numpy(picture.inmodal),
        whole=torch.from_numpy(picture.whole),
        complete=picture.complete,
        seed=picture.seed,
    )
