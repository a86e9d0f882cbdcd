"""Settings of a network as text, `name=value`, checked against the types of its fields."""

from __future__ import annotations

import ast
import contextlib
import types
from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from amodal.errors import InputError

Settings = TypeVar("Settings")


def with_settings(settings: Settings, changes: Sequence[str], where: str = "--set") -> Settings:
    """The settings with some of them changed, each given as "name=value".

    A value is written as in Python, words without quotes: `channels=96`, `masks=amodal`, `masks=amodal,inmodal`,
    `coding=(1,1)`, `coding=none`, `backbone=resnet50`.

    Raises:
        InputError: no such setting, a value of another kind, or one that the settings themselves refuse.
    """
    hints = get_type_hints(type(settings))
    values: dict[str, Any] = {}
    for change in changes:
        name, equals, text = (part.strip() for part in change.partition("="))
        if not equals:
            raise InputError("train", where, f"found {change!r}", "expected name=value")
        if name not in hints:
            known = ", ".join(field.name for field in fields(settings))  # type: ignore[arg-type]
            raise InputError("train", where, f"no setting {name!r}", f"expected one of {known}")
        value = _fitting(text, hints[name])
        if value is _UNFIT:
            said = _said(hints[name])
            raise InputError("train", f"{where} {name}", f"found {text!r}", f"expected {said}")
        values[name] = value
    return replace(settings, **values)  # type: ignore[type-var]


_UNFIT = object()


def _fitting(text: str, hint: Any) -> Any:
    """The first reading of the text that is of this kind."""
    for value in _readings(text):
        fitted = _fit(value, hint)
        if fitted is not _UNFIT:
            return fitted
    return _UNFIT


def _readings(text: str) -> list[Any]:
    plain = {"none": None, "null": None, "true": True, "false": False}
    found: list[Any] = [plain[text.lower()]] if text.lower() in plain else []
    with contextlib.suppress(ValueError, SyntaxError, MemoryError, RecursionError):  # a word, or several
        found.append(ast.literal_eval(text))
    words = [word.strip() for word in text.strip("()[] ").split(",") if word.strip()]
    return [*found, text, tuple(words)]


def _fit(value: Any, hint: Any) -> Any:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is None or hint is types.NoneType:
        return None if value is None else _UNFIT
    if origin is Literal:
        return value if value in parts else _UNFIT
    if origin in (Union, types.UnionType):
        return next((fitted for part in parts if (fitted := _fit(value, part)) is not _UNFIT), _UNFIT)
    if origin is tuple:
        return _fit_tuple(value, parts)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value if type(value) is hint else _UNFIT


def _fit_tuple(value: Any, parts: tuple[Any, ...]) -> Any:
    """One value stands for a tuple of one."""
    open_ended = len(parts) == 2 and parts[1] is Ellipsis
    listed = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    kinds = (parts[0],) * len(listed) if open_ended else parts
    if len(kinds) != len(listed):
        return _UNFIT
    fitted = tuple(_fit(one, kind) for one, kind in zip(listed, kinds, strict=True))
    return _UNFIT if _UNFIT in fitted else fitted


def _said(hint: Any) -> str:
    """The kind in words: `int`, `amodal or inmodal`, `tuple[int, ...]`."""
    if get_origin(hint) is Literal:
        return " or ".join(map(str, get_args(hint)))
    return hint.__name__ if isinstance(hint, type) and not get_args(hint) else str(hint).replace("typing.", "")
