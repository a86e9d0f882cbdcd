"""What an exported folder says, and what is refused."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest

import amodal
from amodal.errors import AmodalError, InputError
from amodal.export import engines
from amodal.export.folder import read_export
from amodal.export.write import export_model
from amodal.models import shipped, telling_file

PHOTO = np.zeros((60, 80, 3), np.uint8)
BOX = [[10, 10, 50, 50]]


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """The exported model, to be damaged."""
    return shutil.copytree(exported, tmp_path / "copy")


def edit(folder: Path, change: Callable[[dict], object]) -> None:
    head = json.loads((folder / "export.json").read_text())
    change(head)
    (folder / "export.json").write_text(json.dumps(head))


def replace(folder: Path, name: str, content: bytes) -> None:
    """Another file, which export.json vouches for."""
    (folder / name).write_bytes(content)
    said = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    edit(folder, lambda head: head["files"].update({name: said}))


def test_export_json_tells_classes_licence_and_the_source_models_hash(exported: Path):
    head = json.loads((exported / "export.json").read_text())
    assert head["labels"] == ["car", "person", "truck"]
    assert "Apache-2.0" in head["model"]["licence"]
    assert head["model"]["sha256"] == hashlib.sha256(shipped("default").read_bytes()).hexdigest()


def test_every_file_is_named_with_its_size_and_hash(exported: Path):
    files = json.loads((exported / "export.json").read_text())["files"]
    there = {path.name: path.read_bytes() for path in exported.iterdir() if path.name != "export.json"}
    assert files == {
        name: {"bytes": len(own), "sha256": hashlib.sha256(own).hexdigest()} for name, own in there.items()
    }


def test_the_same_model_gives_the_same_graphs(exported: Path, tmp_path: Path):
    export_model("default", tmp_path / "again")
    first, second = (read_export(folder).head["files"] for folder in (exported, tmp_path / "again"))
    assert first == second


def test_the_file_that_tells_of_a_change_is_the_head(exported: Path):
    assert telling_file(exported) == exported / "export.json"


def test_a_changed_graph_is_refused(copy: Path):
    with (copy / "look.onnx").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"\0\0\0\0")
    with pytest.raises(InputError, match=r"look\.onnx: file: is not the file that was exported"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_truncated_graph_is_refused(copy: Path):
    content = (copy / "look.onnx").read_bytes()
    (copy / "look.onnx").write_bytes(content[: len(content) // 2])
    with pytest.raises(InputError, match="is not the file that was exported"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_missing_graph_is_refused(copy: Path):
    (copy / "student.onnx").unlink()
    with pytest.raises(InputError, match=r"student\.onnx: file: cannot be read"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_bytes_that_are_no_graph_are_refused_even_with_the_right_hash(copy: Path):
    replace(copy, "look.onnx", b"not a graph")
    with pytest.raises(InputError, match=r"look\.onnx"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_graph_of_somebody_else_is_refused(copy: Path):
    graph = onnx.load(str(copy / "look.onnx"))
    del graph.metadata_props[:]
    replace(copy, "look.onnx", graph.SerializeToString())
    with pytest.raises(InputError, match="made by `amodal export`"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_graph_that_names_other_files_is_refused(copy: Path):
    graph = onnx.load(str(copy / "look.onnx"))
    tensor = graph.graph.initializer[0]
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    tensor.data_location = onnx.TensorProto.EXTERNAL
    replace(copy, "look.onnx", graph.SerializeToString())
    with pytest.raises(InputError, match="keeps weights in other files"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_graph_with_operators_of_its_own_is_refused(copy: Path):
    graph = onnx.load(str(copy / "look.onnx"))
    graph.graph.node[0].domain = "some.library"
    replace(copy, "look.onnx", graph.SerializeToString())
    with pytest.raises(InputError, match=r"has operators of some\.library"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_an_openvino_graph_with_declarations_is_refused(for_openvino: Path, tmp_path: Path):
    copy = shutil.copytree(for_openvino, tmp_path / "copy")
    text = (copy / "look.xml").read_bytes()
    replace(copy, "look.xml", text.replace(b"?>", b'?><!DOCTYPE net SYSTEM "file:///etc/passwd">', 1))
    with pytest.raises(InputError, match="is no OpenVINO file of ours"):
        amodal.load(copy).segment(PHOTO, BOX)


@pytest.mark.parametrize("name", ["../outside.onnx", "/etc/passwd", "a\\b", ".."])
def test_a_file_outside_the_folder_cannot_be_named(copy: Path, name: str):
    edit(copy, lambda head: head["files"].update({name: {"bytes": 1, "sha256": ""}}))
    with pytest.raises(InputError, match="expected a plain name"):
        amodal.load(copy)


@pytest.mark.parametrize(
    ("field", "value"),
    [("format", "something"), ("version", 99), ("engine", "magic"), ("methods", []), ("model", None), ("files", [])],
)
def test_a_head_that_cannot_be_is_refused_by_its_field(copy: Path, field: str, value: object):
    edit(copy, lambda head: head.update({field: value}))
    with pytest.raises(InputError, match=f"export.json: {field}: "):
        amodal.load(copy)


def test_a_head_that_is_no_json_is_refused(copy: Path):
    (copy / "export.json").write_text("{")
    with pytest.raises(InputError, match="cannot be read"):
        amodal.load(copy)


def test_garbled_templates_are_refused(copy: Path):
    replace(copy, "templates.safetensors", b"\0" * 64)
    with pytest.raises(InputError, match=r"templates\.safetensors"):
        amodal.load(copy).segment(PHOTO, BOX)


def test_a_method_that_was_not_exported_is_refused(tmp_path: Path):
    export_model("default", tmp_path / "orm", method="orm")
    with pytest.raises(InputError, match="expected one of orm, which were exported"):
        amodal.load(tmp_path / "orm", method="student")


def test_a_method_that_no_export_serves_is_refused(exported: Path):
    with pytest.raises(InputError, match="found 'published'"):
        amodal.load(exported, method="published")


def test_a_folder_that_is_there_is_not_written_over(exported: Path):
    with pytest.raises(InputError, match="is there already"):
        export_model("default", exported)


def test_without_the_engine_the_error_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(engines, "import_module", missing)
    with pytest.raises(AmodalError, match=r"pip install 'amodal\[export\]'"):
        export_model("default", tmp_path / "out")
