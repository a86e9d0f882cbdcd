"""The engines that run exported graphs: arrays by name in, arrays by name out."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from amodal.errors import AmodalError, InputError
from amodal.export.folder import FORMAT, ExportedModel, graph_files

Graph = Callable[[Mapping[str, np.ndarray]], dict[str, np.ndarray]]
"""Inputs by name to outputs by name."""

_OURS = "expected a graph made by `amodal export`"


def graph_of(model: ExportedModel, name: str, threads: int | None = None) -> Graph:
    """A graph of an exported model, ready to run.

    `threads`: of the engine; None for OMP_NUM_THREADS where that is set, as for torch, else as many as it likes.

    Raises:
        InputError: a file that is missing, changed, or no graph of ours.
        AmodalError: the engine is not installed.
    """
    files = graph_files(name, model.engine)
    contents = [model.content(file) for file in files]
    where = str(model.folder / files[0])
    wanted = threads if threads is not None else _threads_of_others()
    try:
        run = _onnx if model.engine == "onnx" else _openvino
        return run(*contents, where=where, threads=wanted)
    except AmodalError:
        raise
    except Exception as error:  # on graphs that cannot be the engines raise nearly anything
        raise InputError(where, "graph", f"cannot be used ({error})", _OURS) from error


def library(name: str) -> Any:
    """A library of the extra `export`. Raises `AmodalError`, which says how to install it, where it is missing."""
    try:
        return import_module(name)
    except ImportError as error:
        raise AmodalError(f"{name} is not installed: pip install 'amodal[export]'") from error


def check_onnx(content: bytes, where: str) -> None:
    """Refuse a graph that we have not written, or that names files or operators beyond ONNX's own.

    Raises:
        InputError: what is wrong with it.
    """
    onnx = library("onnx")
    try:
        model = onnx.load_model_from_string(content)
    except Exception as error:  # protobuf's own, of many kinds
        raise InputError(where, "graph", f"is no ONNX file ({error})", _OURS) from error
    said = {entry.key: entry.value for entry in model.metadata_props}
    if said.get("format") != FORMAT:
        raise InputError(where, "format", f"is {said.get('format')!r}", _OURS)
    for graph in _graphs(model.graph):
        if any(tensor.external_data for tensor in graph.initializer):
            raise InputError(where, "graph", "keeps weights in other files", _OURS)
        strange = {node.domain for node in graph.node} - {"", "ai.onnx"}
        if strange:
            raise InputError(where, "graph", f"has operators of {', '.join(sorted(strange))}", _OURS)


def _graphs(graph: Any) -> list[Any]:
    """The graph and those inside its nodes, as loops and branches have them."""
    inner = [own.g for node in graph.node for own in node.attribute if own.HasField("g")]
    return [graph, *(found for own in inner for found in _graphs(own))]


def _onnx(content: bytes, *, where: str, threads: int | None) -> Graph:
    runtime = library("onnxruntime")
    check_onnx(content, where)
    options = runtime.SessionOptions()
    options.log_severity_level = 3  # errors; what it warns of is its own business
    if threads is not None:
        options.intra_op_num_threads = threads
    wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
    providers = [name for name in wanted if name in runtime.get_available_providers()]
    session = runtime.InferenceSession(content, options, providers=providers)
    names = [output.name for output in session.get_outputs()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return dict(zip(names, session.run(names, dict(inputs)), strict=True))

    return run


def _openvino(text: bytes, weights: bytes, *, where: str, threads: int | None) -> Graph:
    openvino = library("openvino")
    if b"<!" in text[:4096] or FORMAT.encode() not in text:  # declarations could name other files
        raise InputError(where, "graph", "is no OpenVINO file of ours", _OURS)
    core = openvino.Core()
    core.set_property({"CACHE_DIR": ""})
    model = core.read_model(text, openvino.Tensor(np.frombuffer(weights, np.uint8)))
    # Some processors would take bfloat16 by themselves.
    settings: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
    if threads is not None:
        settings["INFERENCE_NUM_THREADS"] = threads
    compiled = core.compile_model(model, "CPU", settings)
    # An output may have several names, of which the one that we gave is one.
    outputs = [(output, name) for output in compiled.outputs for name in output.get_names()]

    def run(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        found = compiled(dict(inputs))
        return {name: found[output] for output, name in outputs}

    return run


def _threads_of_others() -> int | None:
    said = os.environ.get("OMP_NUM_THREADS", "")
    return int(said) if said.isdigit() and int(said) > 0 else None


def sealed(path: Path, about: Mapping[str, str]) -> None:
    """Write into an ONNX file whose it is; `about`: more to say."""
    onnx = library("onnx")
    model = onnx.load(str(path))
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {"format": FORMAT, **about})
    path.write_bytes(model.SerializeToString(deterministic=True))
