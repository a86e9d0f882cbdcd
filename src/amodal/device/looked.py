"""Objects looked at once on a device: maps under every component of every class, and the choice among them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from amodal.compnet.maps import CLASS_SHARPNESS, ClassMaps, PackedTemplates, class_maps, outlier_log_likelihood
from amodal.compnet.maps import posteriors as cell_posteriors
from amodal.compnet.model import CompNet
from amodal.compnet.vmf import Kernels
from amodal.device.crops import Photos
from amodal.device.layout import Thing
from amodal.device.wire import Wire
from amodal.features.lattice import SHAPES, Shape
from amodal.methods.looking import candidates_for

BUCKETS = (8, 32, 128)
"""Crops a pass, where passes are compiled: each size of each of the 15 shapes is a graph of its own."""

Candidates = tuple[str, ...]
Reading = tuple[str, int]
"""What an object may be taken for: class and mixture."""


@dataclass(frozen=True, eq=False)
class Looked:
    """Objects of one lattice shape that may be of the same classes, each class with all its mixtures in a row.

    Attributes:
        numbers: theirs in the batch; `objects` the same on the device, [n].
        readings: what each of them may be taken for.
        maps: f, c and what they explain, [n, readings, cells]; o, [readings, cells].
        thresholds: of each reading's class; [readings, 1].
        first_of_class: the first reading of each class, and the number of all.
        inside: the share of each cell inside the picture; [n, cells].
    """

    numbers: tuple[int, ...]
    objects: Int64[Tensor, " n"]
    readings: tuple[Reading, ...]
    maps: ClassMaps
    thresholds: Float[Tensor, "readings 1"]
    first_of_class: tuple[int, ...]
    inside: Float[Tensor, "n cells"]

    def choose(self, weight: Float[Tensor, "n cells"]) -> tuple[Int64[Tensor, " n"], Float[Tensor, " n"]]:
        """The best reading where each cell counts so much, and how sure its class is."""
        scores = self.maps.score(weight)
        of_class = [
            scores[:, begin:end].amax(1)
            for begin, end in zip(self.first_of_class[:-1], self.first_of_class[1:], strict=True)
        ]
        sure = torch.softmax(CLASS_SHARPNESS * torch.stack(of_class, 1), 1).amax(1)
        return scores.argmax(1), sure

    def posteriors(self, reading: Int64[Tensor, " n"], temperature: float) -> Float[Tensor, "n_cells 3"]:
        """P(F), P(O), P(C) of each cell of each object, one object's cells behind the other's."""
        row = torch.arange(len(reading), device=reading.device)
        foreground, context = self.maps.foreground[row, reading], self.maps.context[row, reading]
        occluded = self.maps.occluded[reading]
        found = cell_posteriors(foreground, occluded, context + self.thresholds[reading], 0.0, temperature)
        return found.transpose(1, 2).reshape(-1, 3)


class DeviceModel:
    """A compositional model on a device: its backbone, its kernels, and templates as they are asked for.

    `compiled`: passes go through `torch.compile`, with batches filled up to `BUCKETS`. `bfloat16`: in the backbone.
    `features_of` is a pass: uint8 crops [n, h, w, 3] to unit feature vectors [n, channels, rows, cols].
    """

    def __init__(self, model: CompNet, wire: Wire, *, compiled: bool, bfloat16: bool) -> None:
        self.model = model
        self._wire = wire
        self.is_compiled = compiled
        self._bfloat16 = bfloat16
        self._backbone = model.backbone.to(wire.device).to(memory_format=torch.channels_last)
        self._kernels = Kernels(model.kernels.directions.to(wire.device), model.kernels.concentration)
        self._outliers = model.outliers.to(wire.device)
        self._templates: dict[tuple[str, Shape], PackedTemplates] = {}
        self.features_of: Callable[[Tensor], Tensor] = self._features
        if compiled:
            _allow_graphs(len(BUCKETS))
            self.features_of = torch.compile(self._features, dynamic=False)

    def look(self, photos: Sequence[np.ndarray], things: Sequence[Thing]) -> list[Looked]:
        """All objects of a batch, each through the backbone once."""
        cut = Photos(photos, things, self._backbone.spec.cell_offset, self._wire)
        of_shape: dict[Shape, list[int]] = {}
        for n, thing in enumerate(things):
            of_shape.setdefault(thing.lattice.shape, []).append(n)
        found = []
        for shape, numbers in of_shape.items():
            likelihood = torch.cat([
                self._likelihood(cut, numbers[start : start + size], shape, size)
                for start, size in self._batches(len(numbers))
            ])  # fmt: skip
            found += self._looked(photos, things, numbers, shape, likelihood)
        return found

    def _features(self, crops: Tensor) -> Tensor:
        with torch.autocast(crops.device.type, torch.bfloat16, enabled=self._bfloat16):
            features: Tensor = self._backbone(crops.permute(0, 3, 1, 2).float())
        return features

    def _likelihood(self, cut: Photos, numbers: Sequence[int], shape: Shape, size: int) -> Tensor:
        """Of every kernel at every cell, [n, kernels, cells]; the batch is filled up with its last object."""
        filled = [*numbers, *[numbers[-1]] * (size - len(numbers) if self.is_compiled else 0)]
        features = self.features_of(cut.crops(filled, shape))[: len(numbers)]
        return self._kernels.likelihood(features).flatten(2)

    def _batches(self, count: int) -> list[tuple[int, int]]:
        """Where each pass begins, and of how many crops it is."""
        most = BUCKETS[-1] if self._wire.device.type != "cpu" else self._backbone.chunk
        if not self.is_compiled:
            return [(start, min(most, count - start)) for start in range(0, count, most)]
        whole = [(start, BUCKETS[-1]) for start in range(0, count - BUCKETS[-1] + 1, BUCKETS[-1])]
        left = count - len(whole) * BUCKETS[-1]
        return whole if not left else [*whole, (count - left, next(size for size in BUCKETS if size >= left))]

    def _looked(
        self,
        photos: Sequence[np.ndarray],
        things: Sequence[Thing],
        numbers: Sequence[int],
        shape: Shape,
        likelihood: Float[Tensor, "n kernels cells"],
    ) -> list[Looked]:
        """The objects of one shape, by the classes they may have."""
        outlier = outlier_log_likelihood(likelihood, self._outliers)
        shares = np.stack([things[n].lattice.cells_inside(*photos[things[n].photo].shape[1::-1]) for n in numbers])
        inside = self._wire.up(shares).flatten(1)
        places: dict[Candidates, list[int]] = {}
        for place, n in enumerate(numbers):
            places.setdefault(candidates_for(self.model, things[n].label), []).append(place)
        found = []
        for candidates, own in places.items():
            chosen = self._wire.up(np.array(own, np.int64))
            theirs = (likelihood, outlier) if len(places) == 1 else (likelihood[chosen], outlier[chosen])
            maps = [self._maps(label, shape, *theirs) for label in candidates]
            mixtures = [len(one.occluded) for one in maps]
            thresholds = [self.model.classes[label].threshold for label in candidates]
            theirs_in_batch = tuple(numbers[place] for place in own)
            found.append(
                Looked(
                    numbers=theirs_in_batch,
                    objects=self._wire.up(np.array(theirs_in_batch, np.int64)),
                    readings=tuple(
                        (label, mixture)
                        for label, count in zip(candidates, mixtures, strict=True)
                        for mixture in range(count)
                    ),
                    maps=_together(maps),
                    thresholds=self._wire.up(np.repeat(np.array(thresholds, np.float32), mixtures)[:, None]),
                    first_of_class=tuple(np.cumsum([0, *mixtures]).tolist()),
                    inside=inside[chosen],
                )
            )
        return found

    def _maps(self, label: str, shape: Shape, likelihood: Tensor, outlier: Tensor) -> ClassMaps:
        if (label, shape) not in self._templates:
            packed = PackedTemplates.of(self.model.classes[label].templates.on(shape))
            parts = (packed.weights, packed.log_prior, packed.log_not_prior)
            self._templates[label, shape] = PackedTemplates(*(part.to(self._wire.device) for part in parts))
        templates = self._templates[label, shape]
        return class_maps(likelihood, outlier, templates, self.model.classes[label].outlier_log_prior)


def _together(maps: Sequence[ClassMaps]) -> ClassMaps:
    """The mixtures of several classes in a row."""
    return ClassMaps(
        foreground=torch.cat([one.foreground for one in maps], 1),
        context=torch.cat([one.context for one in maps], 1),
        occluded=torch.cat([one.occluded for one in maps]),
        explained=torch.cat([one.explained for one in maps], 1),
    )


def _allow_graphs(buckets: int) -> None:
    """torch.compile gives up, and runs uncompiled, after eight sizes of one function unless it is told otherwise."""
    from torch._dynamo import config

    config.recompile_limit = max(config.recompile_limit, buckets * len(SHAPES) + 1)
