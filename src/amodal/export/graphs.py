"""The networks of a compositional model as ONNX graphs: number of objects and lattice shape are free in all of them.

Written by torch's exporter of traced modules. Its newer one, `dynamo`, gives the same graph of the backbone after some
minutes where this one takes a second.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor, nn

from amodal.compnet.model import CompNet
from amodal.export.engines import library, sealed
from amodal.features.lattice import SHAPES
from amodal.student.around import HINTS, OFFSETS
from amodal.student.box_completer import BoxCompleter
from amodal.student.hints import told
from amodal.student.model import Student
from amodal.student.surroundings import CHANNELS
from amodal.student.whole_box import Around

OPSET = 17  # what both engines know all operators of; 16 brought RoIAlign as torchvision has it

Axes = Mapping[str, Mapping[int, str]]

_EXAMPLE = SHAPES[len(SHAPES) // 2]  # any would do: rows and columns are free
_OBJECTS = 2
_TINY = 1e-30


class Look(nn.Module):
    """Crops to features, kernel likelihoods, the outlier's word, and finer stages: the graph "look"."""

    def __init__(self, model: CompNet, finer: Sequence[int]) -> None:
        super().__init__()
        self.backbone, self.finer, self.model = model.backbone, tuple(finer), model
        self.directions = nn.Buffer(model.kernels.directions)
        self.outliers = nn.Buffer(model.outliers)

    def forward(self, crops: Tensor) -> tuple[Tensor, ...]:
        """`crops`: uint8 [n, height, width, 3], RGB."""
        features, stages = self.backbone.with_finer(crops.permute(0, 3, 1, 2).float())
        likelihood = self.model.likelihood(features)
        return features, likelihood, self.model.outlier(likelihood), *(stages[stride] for stride in self.finer)


class Maps(nn.Module):
    """Likelihoods and templates of one class to its maps under all mixtures, as in `compnet/maps.py`: graph "maps"."""

    def forward(
        self,
        likelihood: Float[Tensor, "n kernels cells"],
        outlier: Float[Tensor, "n cells"],
        weights: Float[Tensor, "cells kernels both"],
        log_prior: Float[Tensor, "mixtures cells"],
        log_not_prior: Float[Tensor, "mixtures cells"],
        outlier_log_prior: Float[Tensor, " 1"],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """f, c and how well each cell is explained, [n, mixtures, cells]; o does not depend on the photo."""
        both = torch.bmm(likelihood.permute(2, 0, 1), weights).permute(1, 2, 0)  # Eq 5
        ratio = both.clamp_min(_TINY).log() - outlier[:, None]
        mixtures = log_prior.shape[0]
        foreground = ratio[:, :mixtures] + log_prior  # Eq 9, 13
        context = ratio[:, mixtures:] + log_not_prior  # Eq 11, 15
        # Eq 7; ONNX has no logaddexp.
        either = torch.maximum(foreground, context) + torch.log(1 + torch.exp(-(foreground - context).abs()))
        return foreground, context, torch.maximum(either, outlier_log_prior)


class Head(nn.Module):
    """The student: what the graph "look" gave and hints to posteriors, at the student's temperature."""

    def __init__(self, student: Student, finer: Sequence[int]) -> None:
        super().__init__()
        self.network, self.finer, self.temperature = student.network, tuple(finer), student.temperature
        self.strides, self.told = student.finer, student.inputs

    def forward(self, features: Tensor, hints: Tensor, labels: Tensor, *finer: Tensor) -> Tensor:
        """`finer` in the sequence of strides; P(seen), P(hidden), P(absent) [n, 3, fine_rows, fine_cols]."""
        given = dict(zip(self.finer, finer, strict=True))
        network = self.network
        scaled = features * features.shape[1] ** 0.5
        x = network.stem(torch.cat([scaled, told(hints, self.told)], 1))
        x = network.blocks(x + network.label(labels)[:, :, None, None])
        for stride, stage in zip(self.strides, network.stages, strict=True):
            x = nn.functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = stage(torch.cat([x, given[stride]], 1) if stride in given else x)
        return torch.softmax(network.head(x) / self.temperature, 1)


class Further(nn.Module):
    """The network for whole boxes: probabilities that each side lies further out than each distance."""

    def __init__(self, completer: BoxCompleter) -> None:
        super().__init__()
        self.network = completer.network

    def forward(
        self,
        features: Tensor,
        hints: Tensor,
        rows: Tensor,
        cols: Tensor,
        down: Tensor,
        across: Tensor,
        sizes: Tensor,
        labels: Tensor,
    ) -> Tensor:
        """Arguments as in `Around`."""
        return torch.sigmoid(self.network(Around(features, hints, rows, cols, down, across, sizes, labels)))


def finer_strides(model: CompNet, student: Student | None) -> tuple[int, ...]:
    """Of the backbone's finer stages those that the student looks at."""
    wanted = () if student is None else student.finer
    return tuple(stride for stride in wanted if stride in model.backbone.finer_channels)


def write_graphs(
    model: CompNet, student: Student | None, completer: BoxCompleter | None, folder: Path, about: Mapping[str, str]
) -> None:
    """The graphs "look" and "maps", and "student" and "whole-box" where there are such; `about` goes into each."""
    finer = finer_strides(model, student)
    names = [f"stride_{stride}" for stride in finer]
    height, width = _EXAMPLE.crop_size
    crops = torch.zeros((_OBJECTS, height, width, 3), dtype=torch.uint8)
    look = Look(model, finer)
    outputs = ["features", "likelihood", "outlier", *names]
    axes: dict[str, dict[int, str]] = {name: {0: "n"} for name in outputs}
    write_graph(look, {"crops": crops}, outputs, {"crops": {0: "n", 1: "height", 2: "width"}, **axes},
                folder / "look.onnx", about)  # fmt: skip
    with torch.inference_mode():
        features, likelihood, outlier, *stages = (part.clone() for part in look(crops))
    _write_maps(likelihood, outlier, folder / "maps.onnx", about)
    rows, cols = features.shape[2:]
    labels = torch.zeros(_OBJECTS, dtype=torch.int64)
    if student is not None:
        inputs = {
            "features": features,
            "hints": torch.zeros(_OBJECTS, CHANNELS, rows, cols),
            "labels": labels,
            **dict(zip(names, stages, strict=True)),
        }
        sides = {2: "rows", 3: "cols"}
        axes = {"features": {0: "n", **sides}, "hints": {0: "n", **sides}, "labels": {0: "n"}, "posteriors": {0: "n"}}
        axes |= {name: {0: "n", 2: f"rows_{name}", 3: f"cols_{name}"} for name in names}
        write_graph(Head(student, finer), inputs, ["posteriors"], axes, folder / "student.onnx", about)
    if completer is not None:
        offsets = len(OFFSETS)
        inputs = {
            "features": features,
            "hints": torch.zeros(_OBJECTS, HINTS, rows, cols),
            "rows": torch.zeros(_OBJECTS, rows),
            "cols": torch.zeros(_OBJECTS, cols),
            "down": torch.zeros(_OBJECTS, 2, offsets, rows),
            "across": torch.zeros(_OBJECTS, 2, offsets, cols),
            "sizes": torch.zeros(_OBJECTS, 2),
            "labels": labels,
        }
        free = {2: "rows", 3: "cols"}
        axes = {name: {0: "n"} for name in ("sizes", "labels", "further")}
        axes |= {"features": {0: "n", **free}, "hints": {0: "n", **free}, "rows": {0: "n", 1: "rows"},
                 "cols": {0: "n", 1: "cols"}, "down": {0: "n", 3: "rows"}, "across": {0: "n", 3: "cols"}}  # fmt: skip
        write_graph(Further(completer), inputs, ["further"], axes, folder / "whole-box.onnx", about)


def write_graph(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    outputs: Sequence[str],
    axes: Axes,
    path: Path,
    about: Mapping[str, str],
) -> None:
    """One module in float32 as an ONNX file; `axes` names the dimensions that are free."""
    library("onnx")
    quiet = logging.getLogger("torch.onnx")
    level = quiet.level
    quiet.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")  # of what tracing fixes; the tests run other sizes than were traced
            torch.onnx.export(
                module.eval(),
                tuple(inputs.values()),
                str(path),
                input_names=list(inputs),
                output_names=list(outputs),
                dynamic_axes={name: dict(own) for name, own in axes.items()},
                opset_version=OPSET,
                dynamo=False,
            )
    finally:
        quiet.setLevel(level)
    sealed(path, about)


def _write_maps(likelihood: Tensor, outlier: Tensor, path: Path, about: Mapping[str, str]) -> None:
    _, kernels, cells = likelihood.shape
    mixtures = 2
    inputs = {
        "likelihood": likelihood,
        "outlier": outlier,
        "weights": torch.full((cells, kernels, 2 * mixtures), 1 / kernels),
        "log_prior": torch.full((mixtures, cells), -1.0),
        "log_not_prior": torch.full((mixtures, cells), -1.0),
        "outlier_log_prior": torch.zeros(1),
    }
    axes: dict[str, dict[int, str]] = {
        "likelihood": {0: "n", 2: "cells"},
        "outlier": {0: "n", 1: "cells"},
        "weights": {0: "cells", 2: "both"},
        "log_prior": {0: "mixtures", 1: "cells"},
        "log_not_prior": {0: "mixtures", 1: "cells"},
        **{name: {0: "n", 1: "mixtures", 2: "cells"} for name in ("foreground", "context", "explained")},
    }
    write_graph(Maps(), inputs, ["foreground", "context", "explained"], axes, path, about)
