from __future__ import annotations

import sys
import types

import pytest

import amodal
from amodal import segmenter
from amodal.errors import InputError


def test_an_unknown_method_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match=r"method: found 'magic', expected one of .*compnet.*orm"):
        amodal.load(method="magic")


def test_every_known_method_has_a_module_and_a_function():
    for place in segmenter.METHODS.values():
        module, colon, function = place.partition(":")
        assert module.startswith(("amodal.methods.", "amodal.networks.", "amodal.rivals.", "amodal.student."))
        assert colon
        assert function.isidentifier()


def test_load_hands_model_and_settings_to_the_method(monkeypatch):
    module = types.ModuleType("method_of_this_test")
    module.load = lambda model, **settings: (model, settings)
    monkeypatch.setitem(sys.modules, "method_of_this_test", module)
    found = segmenter.load_from({"own": "method_of_this_test:load"}, "a.safetensors", "own", {"rounds": 3})
    assert found == ("a.safetensors", {"rounds": 3})


def test_whatever_has_the_four_members_is_a_segmenter():
    class Whole:
        name, labels = "whole", ("car",)

        def segment(self, photo, boxes, labels=None, *, boxes_are="amodal"): ...

        def segment_batch(self, photos, boxes, labels=None, *, boxes_are="amodal"): ...

    assert isinstance(Whole(), segmenter.Segmenter)
    assert not isinstance(object(), segmenter.Segmenter)


def test_a_method_says_which_settings_it_has() -> None:
    assert segmenter.has_setting("orm", "keep_posteriors") and segmenter.has_setting("mask-rcnn", "boxes")
    assert not segmenter.has_setting("mask-rcnn", "keep_posteriors") and not segmenter.has_setting("mask-rcnn", "model")


@pytest.mark.parametrize(("setting", "value"), [("rounds", "x"), ("rounds", True), ("geometry", 1)])
def test_a_setting_of_the_wrong_kind_is_refused_before_work(setting: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{setting}: found {value!r} for method 'orm', expected"):
        amodal.load(method="orm", **{setting: value})
