"""Where a method works: what is asked for, what there is, and what is refused."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import amodal
from amodal import segmenter
from amodal.data.parts import read_parts
from amodal.device.segmenter import load_orm
from amodal.errors import InputError
from amodal.scale.run import predict_many
from amodal.scale.sources import open_sources
from amodal.scale.work import Asked
from amodal.serve.model import load_served
from helpers.command_line import Amodal
from helpers.demo_photos import DEMO
from helpers.many_photos import save_jsonl, save_photos

NONE = {"refine": "none"}


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """One GPU, which is the processor; and what was loaded for it."""
    loaded: list[dict[str, Any]] = []

    def load(model: str, *, device: str, refine: str = "grabcut", rounds: int = 2) -> segmenter.Segmenter:
        loaded.append({"device": device, "refine": refine, "rounds": rounds})
        return load_orm(model, device="cpu", refine=refine, rounds=rounds)

    module = types.ModuleType("gpu_of_this_test")
    module.load = load
    monkeypatch.setitem(sys.modules, "gpu_of_this_test", module)
    monkeypatch.setitem(segmenter.ON_DEVICE, "orm", "gpu_of_this_test:load")
    monkeypatch.setattr(segmenter, "_gpus", lambda: 1)
    return loaded


@pytest.mark.parametrize(
    ("asked", "method", "settings", "found"),
    [
        ("cpu", "student", {}, "cpu"),
        ("cuda", "orm", {}, "cuda"),
        ("cuda:0", "orm", NONE, "cuda:0"),
        ("auto", "orm", NONE, "cuda"),
        ("auto", "orm", {}, "cpu"),
        ("auto", "student", NONE, "cpu"),
    ],
)
def test_a_gpu_is_used_where_it_is_asked_for_or_can_be(
    gpu: list[dict[str, Any]], asked: str, method: str, settings: dict[str, str], found: str
) -> None:
    assert segmenter.device_of(asked, "default", method, settings) == found


@pytest.mark.parametrize(
    ("asked", "method", "said"),
    [
        ("cuda", "student", "found 'cuda' for method 'student', expected cpu, or a model file with method orm"),
        ("cuda", "asn", "found 'cuda' for method 'asn'"),
        ("cuda:1", "orm", "found 'cuda:1', and torch sees 1 GPU"),
        ("mps", "orm", "found 'mps', expected cpu, cuda, cuda:NUMBER or auto"),
        ("cuda:", "orm", "found 'cuda:', expected"),
    ],
)
def test_a_device_that_cannot_be_is_refused(gpu: list[dict[str, Any]], asked: str, method: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        amodal.load(method=method, device=asked)


def test_without_a_gpu_auto_is_the_processor_and_cuda_is_refused(
    amodal: Amodal, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(segmenter, "_gpus", lambda: 0)
    assert segmenter.device_of("auto", "default", "orm", NONE) == "cpu"
    given = [DEMO / "photos", "--boxes", DEMO / "boxes.json", "--method", "orm", "--out", tmp_path / "out"]
    for more in ([], ["--parts", "jsonl"]):
        outcome = amodal("predict", *given, *more, "--device", "cuda")
        assert outcome.code == 2
        assert "device: found 'cuda', and torch sees no GPU" in outcome.err
        assert not (tmp_path / "out").exists()
    assert amodal("serve", "--method", "orm", "--device", "cuda").code == 2


def test_predict_works_on_the_gpu(gpu: list[dict[str, Any]], amodal: Amodal, tmp_path: Path) -> None:
    photo = DEMO / "photos" / "coco_000000476119.jpg"
    given = [photo, "--boxes", DEMO / "boxes.json", "--method", "orm", "--device", "cuda", "--rounds", "1"]
    refused = amodal("predict", *given, "--out", tmp_path / "out")
    assert refused.code == 2
    assert "--refine none" in refused.err
    assert amodal("predict", *given, "--refine", "none", "--out", tmp_path / "out").code == 0
    assert gpu[-1] == {"device": "cuda", "refine": "none", "rounds": 1}
    assert (tmp_path / "out" / "index.html").exists()


def test_parts_are_made_on_the_gpu_by_one_process(gpu: list[dict[str, Any]], tmp_path: Path) -> None:
    saved = save_photos(tmp_path / "photos", 3)
    source = save_jsonl(saved, saved.folder / "all.jsonl")
    asked = Asked(method="orm", settings=NONE, device="cuda")
    predict_many(open_sources([source]), asked, tmp_path / "gpu", workers=0)
    assert gpu == [{"device": "cuda", **NONE, "rounds": 2}]
    predict_many(open_sources([source]), Asked(method="orm", settings=NONE), tmp_path / "cpu", workers=0)
    for one, other in zip(read_parts(tmp_path / "gpu"), read_parts(tmp_path / "cpu"), strict=True):
        assert np.mean([a.amodal.iou(b.amodal) for a, b in zip(one.instances, other.instances, strict=True)]) > 0.98


def test_several_workers_for_one_gpu_are_refused(gpu: list[dict[str, Any]], tmp_path: Path) -> None:
    saved = save_photos(tmp_path / "photos", 1)
    source = save_jsonl(saved, saved.folder / "all.jsonl")
    asked = Asked(method="orm", settings=NONE, device="cuda")
    with pytest.raises(InputError, match="--workers: found 2 with --device cuda, expected 1"):
        predict_many(open_sources([source]), asked, tmp_path / "out", workers=2)
    with pytest.raises(InputError, match="--device: found cuda with --engine ray"):
        predict_many(open_sources([source]), asked, tmp_path / "out", spread=lambda *_: iter(()))


def test_a_service_works_on_the_gpu(gpu: list[dict[str, Any]]) -> None:
    assert load_served("default", "orm", "none", device="cuda", refine="none").segmenter.name == "orm"
    assert gpu == [{"device": "cuda", **NONE, "rounds": 2}]
