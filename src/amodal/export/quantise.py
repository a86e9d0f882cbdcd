"""Convolutions in int8: their ranges are measured on photos, then onnxruntime rewrites the graphs.

Weights have a scale for each channel; kernels, templates and all that follows stay float32.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from amodal.export import engines
from amodal.export.engines import library, sealed
from amodal.export.folder import read_export
from amodal.export.looking import Looker
from amodal.methods.given import read_input
from amodal.segmenter import Photo

GRAPHS = ("look", "student", "whole-box")
"""Those with convolutions."""
FLOAT_CONVOLUTIONS = {"look": 8}
"""The first convolutions of a graph that stay float32: stem and first blocks of EfficientNet-Lite0. Their channels
differ so much in range that one scale for all loses most (features agree to a cosine of .81 without, .99 with)."""
_MOST_BATCHES = 64  # of each graph: ranges settle early, and all of them are held in memory


@dataclass(frozen=True)
class Sample:
    """A photo and the boxes of its objects, by which ranges are measured."""

    photo: Photo
    boxes: ArrayLike
    labels: Sequence[str | None]


def quantise(folder: Path, methods: Sequence[str], samples: Sequence[Sample]) -> None:
    """Rewrite the ONNX graphs of an exported folder that have convolutions; export.json is then out of date.

    Raises:
        InputError: samples that cannot be used.
    """
    quantization = library("onnxruntime.quantization")
    onnx = library("onnx")
    for name, batches in _recorded(folder, methods, samples).items():
        path = folder / f"{name}.onnx"
        about = {entry.key: entry.value for entry in onnx.load(str(path)).metadata_props}
        with tempfile.TemporaryDirectory() as place:
            prepared = Path(place) / "prepared.onnx"
            quantization.shape_inference.quant_pre_process(str(path), str(prepared), skip_symbolic_shape=True)
            nodes = onnx.load(str(prepared)).graph.node
            convolutions = [node.name for node in nodes if node.op_type == "Conv"]
            quantization.quantize_static(
                str(prepared),
                str(path),
                _reader(batches),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=["Conv"],
                nodes_to_exclude=convolutions[: FLOAT_CONVOLUTIONS.get(name, 0)],
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
        sealed(path, about)


def _recorded(
    folder: Path, methods: Sequence[str], samples: Sequence[Sample]
) -> dict[str, list[Mapping[str, np.ndarray]]]:
    """What each graph is given when the samples are looked at."""
    exported = read_export(folder)
    looker = Looker(exported)
    kept: dict[str, list[Mapping[str, np.ndarray]]] = {name: [] for name in GRAPHS if exported.has(name)}

    def recording(name: str) -> engines.Graph:
        run = engines.graph_of(exported, name)

        def record(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            if len(kept[name]) < _MOST_BATCHES:
                kept[name].append(inputs)
            return run(inputs)

        return record

    for name in kept:
        looker.__dict__["_" + name.replace("-", "_")] = recording(name)  # in place of what would be read when needed
    for sample in samples:
        given = read_input([sample.photo], [sample.boxes], [list(sample.labels)], "amodal")
        seen = looker.look(*given)
        if "student" in methods:
            looker.student_posteriors(seen)
            if looker.completes:
                looker.whole_boxes(*given)
    return {name: batches for name, batches in kept.items() if batches}


def _reader(batches: Sequence[Mapping[str, np.ndarray]]) -> Any:
    class Reader(library("onnxruntime.quantization").CalibrationDataReader):  # type: ignore[misc]
        def __init__(self) -> None:
            self._left = iter(batches)

        def get_next(self) -> Mapping[str, np.ndarray] | None:
            return next(self._left, None)

    return Reader()
