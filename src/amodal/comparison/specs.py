"""Which methods to compare, written as text: `orm`, `orm:rounds=1,refine=none`, `ours=orm:model=m.safetensors`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from amodal.errors import InputError
from amodal.segmenter import METHODS

Setting = str | int | float | bool
WRITTEN = "expected METHOD, METHOD:setting=value,… or NAME=METHOD:…"
_NAME = re.compile(r"[\w =.+()-]{1,60}")
_SECOND_SETTING = re.compile(r":\s*(\w+\s*=)")  # in a value: a colon for a comma


@dataclass(frozen=True)
class MethodSpec:
    """One row of the tables.

    Attributes:
        name: the row's title, unique in a comparison, fit to be a file's name.
        method: a name in the registry of methods.
        model: "default" or a model file.
        settings: what else the method is told.
        sees_truth: the method completes the true visible masks instead of finding them (`visible=truth`).
        visible_boxes: the method is given boxes of what is truly seen, not of whole objects (`boxes=visible`).
    """

    name: str
    method: str
    model: str = "default"
    settings: Mapping[str, Setting] = field(default_factory=dict)
    sees_truth: bool = False
    visible_boxes: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        if not _NAME.fullmatch(self.name) or self.name.strip(" .") != self.name:
            expected = "expected up to 60 letters, digits and any of _=.+()- and blanks"
            raise InputError("methods", "name", f"found {self.name!r}", expected)


def parse_spec(text: str, methods: Mapping[str, str] = METHODS) -> MethodSpec:
    """One method as text. Without a name it is called by what it says, with file names shortened to their stems.

    Raises:
        InputError: no such method, or a setting without a value.
    """
    head, colon, tail = text.strip().partition(":")
    name, equals, method = head.partition("=")
    name, method = (name.strip(), method.strip()) if equals else ("", head.strip())
    if method not in methods:
        raise InputError("methods", repr(text), f"{method!r} is no method", f"expected one of {', '.join(methods)}")
    settings: dict[str, Setting] = {}
    for part in tail.split(",") if colon else ():
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not (key and equals and value):
            raise InputError("methods", repr(text), f"found {part!r}", WRITTEN)
        if _SECOND_SETTING.search(value):
            meant = _SECOND_SETTING.sub(r",\1", part.strip())
            raise InputError(
                "methods", repr(text), f"found {part!r}", f"expected commas between settings, as in {meant}"
            )
        if key in settings:
            raise InputError("methods", repr(text), f"{key} is said twice", "expected each setting once")
        settings[key] = _value(value)
    model = str(settings.pop("model", "default"))
    sees_truth = settings.get("visible") == "truth"
    if sees_truth:
        del settings["visible"]
    elif "visible" in settings:
        raise InputError("methods", repr(text), f"found visible={settings['visible']}", "expected visible=truth")
    visible_boxes = settings.get("boxes") == "visible"
    if visible_boxes:
        del settings["boxes"]  # other values are settings of methods
    told = ["visible=truth"] * sees_truth + ["boxes=visible"] * visible_boxes
    return MethodSpec(name or _title(method, model, settings, told), method, model, settings, sees_truth, visible_boxes)


def parse_specs(texts: Sequence[str], methods: Mapping[str, str] = METHODS) -> tuple[MethodSpec, ...]:
    """Several methods, apart or joined by commas: `orm:rounds=1,refine=none,compnet` are two.

    A comma opens a new method where a known method's name follows (or NAME=METHOD: with its colon).

    Raises:
        InputError: none at all, a broken one, or two of one name.
    """
    found = tuple(parse_spec(text, methods) for joined in texts for text in _apart(joined, methods))
    if not found:
        raise InputError("methods", "list", "is empty", WRITTEN)
    names = [spec.name.casefold() for spec in found]  # some file systems do not tell A from a
    for spec, name in zip(found, names, strict=True):
        if names.count(name) > 1:
            raise InputError("methods", "name", f"{spec.name!r} found twice", "expected NAME=METHOD:… with other names")
    return found


def _apart(joined: str, methods: Mapping[str, str]) -> list[str]:
    parts: list[str] = []
    for chunk in filter(str.strip, joined.split(",")):
        if parts and ":" in parts[-1] and not _opens(chunk.strip(), methods):
            parts[-1] += f",{chunk}"
        else:
            parts.append(chunk)
    return parts


def _opens(chunk: str, methods: Mapping[str, str]) -> bool:
    head, colon, _ = chunk.partition(":")
    method = head.rpartition("=")[2].strip()
    if "=" in head and not colon:
        return False  # visible_from=orm is a setting
    return method in methods or "=" not in chunk


def _value(text: str) -> Setting:
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _title(method: str, model: str, settings: Mapping[str, Setting], told: Sequence[str]) -> str:
    said = [f"{key}={str(value).lower() if isinstance(value, bool) else value}" for key, value in settings.items()]
    said += told
    if model != "default":
        said.append(re.split(r"[/\\]", model)[-1].removesuffix(".safetensors"))
    words = " ".join([method, *said])
    return re.sub(r"[^\w =.+()-]", "-", words)[:60].strip(" .")
