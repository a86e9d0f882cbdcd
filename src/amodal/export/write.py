"""`export_model`: a model file in, a folder out that needs neither that file nor torch."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save

from amodal.compnet.maps import CLASS_SHARPNESS
from amodal.compnet.model import AGNOSTIC, CompNet
from amodal.compnet.templates import PRIOR_MARGIN
from amodal.data.write import new_folder, write_bytes_atomically, write_text_atomically
from amodal.digest import sha256_of
from amodal.errors import InputError
from amodal.export.engines import library
from amodal.export.folder import ENGINES, FORMAT, HEAD, TEMPLATES, VERSION, listed
from amodal.export.graphs import finer_strides, write_graphs
from amodal.export.network import is_network, network_head, write_network_graphs
from amodal.export.quantise import Sample, quantise
from amodal.methods.compositional import read_model
from amodal.models import file_of, shipped
from amodal.networks.files import read_member
from amodal.networks.segmenter import SHIPPED
from amodal.student.box_completer import completer_in
from amodal.student.model import student_in

_LICENCE = "Apache-2.0 (the shipped models; of others whatever their makers say)"


@dataclass(frozen=True)
class Report:
    """What was written.

    Attributes:
        methods: that the folder serves, the best one first.
        graphs: names of the networks in it.
        bytes: of all files.
    """

    methods: tuple[str, ...]
    graphs: tuple[str, ...]
    bytes: int


def export_model(
    model: str | os.PathLike[str],
    out: Path,
    *,
    engine: str = "onnx",
    method: str | None = None,
    samples: Sequence[Sample] = (),
) -> Report:
    """Write the graphs of a model into the new folder `out`.

    Args:
        model: "default", "detector" (the shipped network), or a file made by `amodal learn` or `amodal train`.
        out: a new folder, or an empty one.
        engine: "onnx" or "openvino".
        method: the only one wanted; None for all that the model can serve.
        samples: photos with boxes by which convolutions are turned to int8; without any they stay float32.

    Raises:
        InputError: no such model or engine, a method that it does not have, or `out` is there already.
        AmodalError: a library is missing.
    """
    if engine not in ENGINES:
        raise InputError("export", "engine", f"found {engine!r}", f"expected one of {', '.join(ENGINES)}")
    for name in ("onnx", "onnxruntime", *(("openvino",) if engine == "openvino" else ())):
        library(name)
    path = shipped(SHIPPED) if os.fspath(model) == SHIPPED else file_of(model)
    build = _network if is_network(path) else _compositional
    if samples and build is _network:
        raise InputError(str(path), "int8", "is a network of the amodal family", "expected a model of learn")
    with new_folder(out) as folder:
        head = build(path, method, folder)
        if samples:
            _write_head(head, "onnx", folder)
            quantise(folder, head["methods"], samples)
        head["precision"] = "int8 convolutions" if samples else "float32"
        if engine == "openvino":
            _converted(folder)
        _write_head(head, engine, folder)
        total = sum(file.stat().st_size for file in folder.iterdir())
    return Report(tuple(head["methods"]), tuple(head["parts"]["graphs"]), total)


def _compositional(path: Path, method: str | None, folder: Path) -> dict[str, Any]:
    model, name = read_model(path)
    student = student_in(model)
    served = [*([] if student is None else ["student"]), "orm"]
    if method is not None and method not in served:
        expected = f"expected one of {', '.join(served)}"
        raise InputError(str(path), "--method", f"found {method!r}, which this model does not export", expected)
    if method == "orm":
        student = None
    completer = None if student is None else completer_in(model)
    about = {"source": name, "sha256": sha256_of(path)}
    write_graphs(model, student, completer, folder, about)
    write_bytes_atomically(folder / TEMPLATES, _templates(model))
    return {
        **_about(path, name, model.card),
        "methods": served if method is None else [method],
        "labels": list(model.labels),
        "agnostic": AGNOSTIC,
        "classes": {
            label: {
                "shape": [entry.templates.shape.rows, entry.templates.shape.cols],
                "threshold": entry.threshold,
                "outlier_log_prior": entry.outlier_log_prior,
            }
            for label, entry in model.classes.items()
        },
        "temperature": model.temperature,
        "class_sharpness": CLASS_SHARPNESS,
        "prior_margin": PRIOR_MARGIN,
        "backbone": {"name": model.backbone_name, "licence": model.backbone.spec.licence},
        "cell_offset": model.backbone.spec.cell_offset,
        "student": None if student is None else {
            "finer": [f"stride_{stride}" for stride in finer_strides(model, student)],
            "label": student.inputs.label,
        },
        "parts": {"graphs": sorted(file.stem for file in folder.glob("*.onnx")), "templates": TEMPLATES},
    }  # fmt: skip


def _network(path: Path, method: str | None, folder: Path) -> dict[str, Any]:
    loaded = read_member(path)
    if method is not None and method != loaded.name:
        raise InputError(str(path), "--method", f"found {method!r}", f"expected {loaded.name}, the network in the file")
    write_network_graphs(loaded, folder, {"source": path.stem, "sha256": sha256_of(path)})
    return {
        **_about(path, path.stem, {key: loaded.metadata[key] for key in ("data", "photos") if key in loaded.metadata}),
        "methods": [loaded.name],
        **network_head(loaded),
        "parts": {"graphs": sorted(file.stem for file in folder.glob("*.onnx"))},
    }


def _about(path: Path, name: str, card: Mapping[str, Any]) -> dict[str, Any]:
    from amodal import __version__

    return {
        "model": {"name": name, "sha256": sha256_of(path), "licence": _LICENCE, "learned_from": card.get("photos")},
        "made_by": {"amodal": __version__, "torch": torch.__version__},
    }


def _templates(model: CompNet) -> bytes:
    """As the model file keeps them: half precision, each class on its own lattice."""
    tensors = {
        f"class.{label}.{part}": getattr(entry.templates, part).half().numpy().astype(np.float16)
        for label, entry in model.classes.items()
        for part in ("foreground", "context", "prior")
    }
    return save({name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()})


def _converted(folder: Path) -> None:
    """Every ONNX graph as OpenVINO's, weights as precise as they were."""
    openvino = library("openvino")
    for path in sorted(folder.glob("*.onnx")):
        model = openvino.convert_model(str(path))
        model.set_rt_info(FORMAT, "format")
        openvino.save_model(model, str(path.with_suffix(".xml")), compress_to_fp16=False)
        del model
        path.unlink()


def _write_head(head: Mapping[str, Any], engine: str, folder: Path) -> None:
    (folder / HEAD).unlink(missing_ok=True)
    whole = {"format": FORMAT, "version": VERSION, "engine": engine, **head, "files": listed(folder)}
    write_text_atomically(folder / HEAD, json.dumps(whole, indent=1, sort_keys=True) + "\n")
