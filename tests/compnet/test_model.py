from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor

from amodal.compnet.model import AGNOSTIC, FORMAT, VERSION, ClassModel, CompNet, load_model, save_model
from amodal.compnet.templates import Templates
from amodal.compnet.vmf import Kernels
from amodal.errors import AmodalError, InputError
from amodal.features.backbone import DEFAULT_BACKBONE
from amodal.features.lattice import SHAPES

KERNELS, CHANNELS, MIXTURES = 4, 112, 2
LABELS = ("car", "traffic light", "a/b.c")


def small_model(backbone_state: dict[str, Tensor] | None = None) -> CompNet:
    generator = torch.Generator().manual_seed(0)
    shape = SHAPES[2]
    rows, cols = shape.padded

    def entry(number: int) -> ClassModel:
        foreground, context = torch.randn(2, MIXTURES, KERNELS, rows, cols, generator=generator).softmax(2)
        prior = torch.rand(MIXTURES, rows, cols, generator=generator)
        return ClassModel(Templates(shape, foreground, context, prior), 0.25 * number, -1.5)

    directions = torch.nn.functional.normalize(torch.randn(KERNELS, CHANNELS, generator=generator), dim=1)
    return CompNet(
        backbone_name=DEFAULT_BACKBONE,
        kernels=Kernels(directions, 15.0),
        classes={label: entry(number) for number, label in enumerate((*LABELS, AGNOSTIC))},
        outliers=torch.rand(3, KERNELS, generator=generator).softmax(1),
        temperature=2.0,
        card={"objects": {"car": 30}, "licence": "none, it is random"},
        backbone_state=backbone_state or {},
    )


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    save_model(small_model(), path)
    return path


def everything(model: CompNet) -> dict[str, Any]:
    values: dict[str, Any] = {"kernels": model.kernels.directions, "outliers": model.outliers}
    for label, entry in model.classes.items():
        parts = entry.templates
        for name in ("foreground", "context", "prior"):
            values[f"{label}.{name}"] = getattr(parts, name)
    return values


def test_what_was_saved_comes_back(file: Path) -> None:
    model, found = small_model(), load_model(file)
    assert sorted(found.labels) == sorted(LABELS)
    assert set(found.classes) == {*LABELS, AGNOSTIC}
    assert found.backbone_name == model.backbone_name
    assert (found.kernels.concentration, found.temperature) == (15.0, 2.0)
    assert found.card == model.card
    for label, entry in model.classes.items():
        other = found.classes[label]
        assert other.templates.shape == entry.templates.shape
        assert (other.threshold, other.outlier_log_prior) == (entry.threshold, entry.outlier_log_prior)
    for name, tensor in everything(model).items():
        torch.testing.assert_close(everything(found)[name], tensor, atol=5e-4, rtol=1e-3)


def test_a_second_round_trip_is_exact(file: Path, tmp_path: Path) -> None:
    once = load_model(file)
    again = tmp_path / "again.safetensors"
    save_model(once, again)
    assert again.read_bytes() == file.read_bytes()
    for name, tensor in everything(load_model(again)).items():
        assert torch.equal(tensor, everything(once)[name])


def test_equal_models_are_equal_files(tmp_path: Path) -> None:
    for number in range(8):
        save_model(small_model(), tmp_path / f"{number}.safetensors")
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_weights_of_the_backbone_travel_with_the_model(tmp_path: Path) -> None:
    state = {"conv.weight": torch.randn(3, 2), "bn.count": torch.tensor(7)}
    save_model(small_model(state), tmp_path / "m.safetensors")
    found = load_model(tmp_path / "m.safetensors").backbone_state
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)


def test_weights_that_are_not_of_the_backbone_are_refused(tmp_path: Path) -> None:
    save_model(small_model({"conv.weight": torch.randn(3, 2)}), tmp_path / "m.safetensors")
    with pytest.raises(AmodalError, match=DEFAULT_BACKBONE):
        _ = load_model(tmp_path / "m.safetensors").backbone


def test_kernels_of_another_backbone_are_refused(file: Path) -> None:
    rewrite(file, tensor("kernels", torch.rand(KERNELS, 7)))
    with pytest.raises(AmodalError, match="7 channels"):
        _ = load_model(file).backbone


def test_an_unknown_backbone_is_refused_by_name(file: Path) -> None:
    rewrite(file, head("backbone", "hf-hub:someone/something"))
    with pytest.raises(AmodalError, match="hf-hub:someone/something"):
        _ = load_model(file).backbone


def test_nothing_is_left_where_the_folder_is_missing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        save_model(small_model(), tmp_path / "none" / "m.safetensors")


Content = tuple[dict[str, str], dict[str, Tensor]]
Change = Callable[[Content], Content]


def rewrite(path: Path, change: Change) -> None:
    """The model file with its metadata or tensors changed."""
    with safe_open(path, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118 - not a dict
        metadata = dict(opened.metadata())
    metadata, tensors = change((metadata, tensors))
    path.write_bytes(save(tensors, metadata=metadata))


def meta(name: str, value: str | None) -> Change:
    def change(content: Content) -> Content:
        kept = {key: text for key, text in content[0].items() if key != name}
        return kept | ({} if value is None else {name: value}), content[1]

    return change


def head(name: str, value: object) -> Change:
    """Change one entry of the JSON; `...` takes it out."""

    def change(content: Content) -> Content:
        entries = json.loads(content[0]["model"]) | {name: value}
        if value is ...:
            del entries[name]
        return content[0] | {"model": json.dumps(entries)}, content[1]

    return change


def of_car(name: str, value: object) -> Change:
    def change(content: Content) -> Content:
        entries = json.loads(content[0]["model"])
        entries["classes"]["car"][name] = value
        return content[0] | {"model": json.dumps(entries)}, content[1]

    return change


def tensor(name: str, value: Tensor | None) -> Change:
    def change(content: Content) -> Content:
        kept = {key: found for key, found in content[1].items() if key != name}
        return content[0], kept | ({} if value is None else {name: value})

    return change


ROWS, COLS = SHAPES[2].padded
PRIOR = torch.full((MIXTURES, ROWS, COLS), 0.5)
MALFORMED: dict[str, tuple[Change, str]] = {
    "no format": (meta("format", None), "format"),
    "another format": (meta("format", "amodal-detector"), "amodal-detector"),
    "no version": (meta("version", None), "version"),
    "another version": (meta("version", str(VERSION + 1)), "version"),
    "no JSON": (meta("model", None), "model"),
    "garbled JSON": (meta("model", '{"classes": {'), "model"),
    "deep JSON": (meta("model", "[" * 100_000), "model"),
    "JSON that is a list": (meta("model", "[1, 2]"), "model"),
    "JSON that is null": (meta("model", "null"), "model"),
    "no classes": (head("classes", ...), "classes"),
    "classes as a list": (head("classes", ["car"]), "model"),
    "empty classes": (head("classes", {}), "classes"),
    "only one unknown class": (head("classes", {"tram": {"shape": [9, 9]}}), "class.tram.prior"),
    "a class that is null": (head("classes", {"car": None}), "model"),
    "no backbone": (head("backbone", ...), "backbone"),
    "no concentration": (head("concentration", ...), "concentration"),
    "negative concentration": (head("concentration", -3), "concentration"),
    "NaN as temperature": (head("temperature", float("nan")), "temperature"),
    "zero as temperature": (head("temperature", 0), "temperature"),
    "text as temperature": (head("temperature", "warm"), "warm"),
    "no card": (head("card", ...), "card"),
    "a number as card": (head("card", 3), "model"),
    "shape of one number": (of_car("shape", [9]), "model"),
    "shape of text": (of_car("shape", "ab"), "model"),
    "another shape": (of_car("shape", [8, 30]), "class.car"),
    "negative shape": (of_car("shape", [-9, -9]), "class.car"),
    "infinite threshold": (of_car("threshold", float("inf")), "car"),
    "threshold of null": (of_car("threshold", None), "model"),
    "no kernels": (tensor("kernels", None), "kernels"),
    "kernels of one dimension": (tensor("kernels", torch.rand(KERNELS)), "kernels"),
    "more kernels than templates": (tensor("kernels", torch.rand(KERNELS + 1, CHANNELS)), "outliers"),
    "empty kernels": (tensor("kernels", torch.rand(0, CHANNELS)), "kernels"),
    "kernels of NaN": (tensor("kernels", torch.full((KERNELS, CHANNELS), float("nan"))), "kernels"),
    "no outliers": (tensor("outliers", None), "outliers"),
    "outliers over other kernels": (tensor("outliers", torch.rand(3, KERNELS + 1)), "outliers"),
    "no prior": (tensor("class.car.prior", None), "class.car.prior"),
    "prior of infinity": (tensor("class.car.prior", PRIOR / 0), "class.car.prior"),
    "foreground of other mixtures": (
        tensor("class.car.foreground", torch.rand(MIXTURES + 1, KERNELS, ROWS, COLS)),
        "class.car.foreground",
    ),
    "context of other cells": (
        tensor("class.car.context", torch.rand(MIXTURES, KERNELS, ROWS, COLS - 1)),
        "class.car.context",
    ),
}


@pytest.mark.parametrize("kind", MALFORMED)
def test_malformed_model_is_refused_with_file_and_field(file: Path, kind: str) -> None:
    change, field = MALFORMED[kind]
    rewrite(file, change)
    with pytest.raises(InputError) as refused:
        load_model(file)
    assert str(file) in str(refused.value)
    assert field in str(refused.value)


def test_model_without_the_class_for_everything_else_is_refused(file: Path) -> None:
    def change(content: Content) -> Content:
        entries = json.loads(content[0]["model"])
        del entries["classes"][AGNOSTIC]
        return content[0] | {"model": json.dumps(entries)}, content[1]

    rewrite(file, change)
    with pytest.raises(InputError, match="any object"):
        load_model(file)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path / "none.safetensors")


def test_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        load_model(tmp_path)


class Bomb:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return (pytest.fail, ("a model file was executed",))


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{}", id="short"),
        pytest.param(b"this is a text about models, not one of them", id="text"),
        pytest.param(b"\xff" * 64, id="absurd header length"),
        pytest.param((2).to_bytes(8, "little") + b"{}", id="no tensors at all"),
        pytest.param(pickle.dumps(Bomb()), id="pickle"),
    ],
)
def test_file_that_is_no_safetensors_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"m\.safetensors"):
        load_model(path)


def test_other_models_in_safetensors_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "m.safetensors"
    path.write_bytes(save({"weight": torch.rand(3)}))
    with pytest.raises(InputError, match=FORMAT):
        load_model(path)


def test_truncated_at_any_place_is_refused(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    short = tmp_path / "short.safetensors"
    for length in [0, 7, 8, 9, 100, *range(200, len(whole), len(whole) // 20), len(whole) - 1]:
        short.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"short\.safetensors"):
            load_model(short)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_spoilt_bytes_give_a_model_or_a_clear_refusal(file: Path, data: st.DataObject) -> None:
    """Most places are in the header, where a byte can mean anything."""
    content = bytearray(file.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, 3000))] = data.draw(st.integers(0, 255))
    spoilt = file.with_name("spoilt.safetensors")
    spoilt.write_bytes(bytes(content))
    try:
        assert load_model(spoilt).labels
    except InputError as refused:
        assert "spoilt.safetensors" in str(refused)
