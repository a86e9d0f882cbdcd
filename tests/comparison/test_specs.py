"""Methods written as text."""

from __future__ import annotations

import pytest

from amodal.comparison.specs import MethodSpec, parse_spec, parse_specs
from amodal.errors import InputError


def test_a_bare_name_is_a_method_with_the_shipped_model() -> None:
    assert parse_spec("orm") == MethodSpec("orm", "orm")


def test_settings_are_numbers_switches_and_words() -> None:
    spec = parse_spec("orm:rounds=1,refine=none,geometry=false")
    assert dict(spec.settings) == {"rounds": 1, "refine": "none", "geometry": False}
    assert spec.name == "orm rounds=1 refine=none geometry=false"


def test_a_method_may_be_given_a_name_and_a_model() -> None:
    spec = parse_spec("ours=orm:model=models/m.safetensors")
    assert (spec.name, spec.method, spec.model, dict(spec.settings)) == ("ours", "orm", "models/m.safetensors", {})


def test_true_visible_masks_are_no_setting_of_the_method() -> None:
    spec = parse_spec("orm:model=a.safetensors,visible=truth")
    assert spec.sees_truth
    assert not spec.settings


def test_visible_boxes_are_no_setting_of_the_method_but_other_boxes_are() -> None:
    visible, own = parse_specs(["orm:boxes=visible,rounds=1,mask-rcnn:boxes=own"])
    assert (visible.name, visible.visible_boxes, dict(visible.settings)) == (
        "orm rounds=1 boxes=visible",
        True,
        {"rounds": 1},
    )
    assert (own.visible_boxes, dict(own.settings)) == (False, {"boxes": "own"})


def test_commas_part_methods_as_well_as_settings() -> None:
    specs = parse_specs(["box,orm:rounds=1,refine=none,compnet,mine=orm:model=a/m.safetensors,rounds=0", "prior"])
    assert [spec.name for spec in specs] == ["box", "orm rounds=1 refine=none", "compnet", "mine", "prior"]
    assert dict(specs[3].settings) == {"rounds": 0}


def test_a_setting_may_name_a_method() -> None:
    (spec,) = parse_specs(["orm:refine=none,visible_from=compnet"])
    assert dict(spec.settings) == {"refine": "none", "visible_from": "compnet"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("magic", "'magic' is no method, expected one of .*orm"),
        ("orm:rounds", "found 'rounds', expected METHOD"),
        ("asn:boxes=own:model=m.x", "expected commas between settings, as in boxes=own,model=m.x"),
        ("orm:rounds=", "found 'rounds=', expected METHOD"),
        ("orm:rounds=1,rounds=2", "rounds is said twice"),
        ("orm:visible=compnet", "found visible=compnet, expected visible=truth"),
        ("a/b=orm", "found 'a/b', expected up to 60 letters"),
        ("../x=orm", "found '../x', expected up to 60 letters"),
        ("box,box", "'box' found twice"),
        ("", "is empty"),
    ],
)
def test_what_cannot_be_understood_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_specs([text])
