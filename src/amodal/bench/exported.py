"""The model outside PyTorch: one photo by exported graphs, engine by engine, in turns with PyTorch."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from amodal.bench.server import need
from amodal.bench.street import Street, make_street
from amodal.bench.timing import Measurement, Skipped, ratios, taken_in_turns
from amodal.models import is_exported
from amodal.segmenter import Segmenter, best_method, load

OBJECTS = 7
_NAME = "export"
_ENGINES = {"onnx": "onnxruntime", "openvino": "OpenVINO"}


def measure(model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds; writing the graphs comes on top."""
    need("export", "onnx", "onnxruntime")
    if is_exported(model):
        raise Skipped(f"{model} is exported already: expected a model file, to have PyTorch beside it")
    engines = [engine for engine in _ENGINES if engine == "onnx" or find_spec(engine)]
    method = best_method(model)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        street = make_street(OBJECTS, folder)
        calls = {"PyTorch": _call(load(model, method), street)}
        calls |= {_ENGINES[engine]: _exported(model, engine, method, folder, street) for engine in engines}
        taken = taken_in_turns(calls, seconds)
    found = [
        Measurement.of(_NAME, f"{method}, {what}", [1e3 * one for one in values], "ms")
        for what, values in taken.items()
    ]
    for engine in (_ENGINES[name] for name in engines):
        found.append(Measurement.of(_NAME, f"{engine} / PyTorch", ratios(taken[engine], taken["PyTorch"]), "ratio"))
    return found


def _exported(model: str, engine: str, method: str, folder: Path, street: Street) -> Callable[[], object]:
    from amodal.export.write import export_model

    export_model(model, folder / engine, engine=engine, method=method)
    return _call(load(folder / engine, method), street)


def _call(segmenter: Segmenter, street: Street) -> Callable[[], object]:
    return partial(segmenter.segment, street.path, street.boxes, list(street.labels))
