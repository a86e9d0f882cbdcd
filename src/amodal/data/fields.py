"""JSON read field by field, so that an error can say which field of which file is wrong."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amodal.errors import InputError, size_in_words

MAX_JSON_BYTES = 2 * 2**30


def read_json(path: str | os.PathLike[str], max_bytes: int = MAX_JSON_BYTES) -> Field:
    """Read a JSON file as the `Field` at its root.

    Python's parser lets NaN and Infinity pass; `Field.number` refuses them and says where they are.

    Raises:
        InputError: no such file, larger than `max_bytes`, not UTF-8, not JSON, or nested too deeply.
    """
    where, expected = os.fspath(path), "expected a whole JSON file"
    try:
        with Path(path).open("rb") as stream:
            text = stream.read(max_bytes + 1) if os.fstat(stream.fileno()).st_size <= max_bytes else None
    except (FileNotFoundError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(where, "file", "does not exist", expected) from error
    except OSError as error:
        raise InputError(where, "file", f"cannot be read ({error.strerror})", expected) from error
    if text is None or len(text) > max_bytes:
        raise InputError(where, "file", "is too large", f"expected at most {size_in_words(max_bytes)}")
    try:
        value = json.loads(text.decode("utf-8-sig"))
    except RecursionError as error:
        raise InputError(where, "file", "is nested too deeply", expected) from error
    except ValueError as error:  # JSON and UTF-8 errors are ValueErrors, so is an integer of 5,000 digits
        raise InputError(where, "file", f"is not JSON ({error})", expected) from error
    return Field(where, None, "", value)


@dataclass(frozen=True, slots=True)
class Field:
    """A JSON value that knows its place. Names are put together only when an error needs them."""

    file: str
    parent: Field | None
    key: str | int
    value: Any

    @property
    def name(self) -> str:
        """The way from the root, as in `photos[3].boxes[1].box`; `file` for the root itself."""
        if self.parent is None:
            return str(self.key) or "file"
        if isinstance(self.key, int):
            return f"{self.parent.name if self.parent.named else ''}[{self.key}]"
        return f"{self.parent.name}.{self.key}" if self.parent.named else self.key

    @property
    def named(self) -> bool:
        """False for a root without a name."""
        return self.parent is not None or self.key != ""

    def error(self, found: str, expected: str) -> InputError:
        """The error to raise about this field."""
        return InputError(self.file, self.name, found, f"expected {expected}")

    def under(self, name: str) -> Field:
        """The same value as a root called `name` (a list at the root of a file has no name of its own)."""
        return Field(self.file, None, name, self.value)

    def object(self) -> dict[str, Any]:
        """The value, which must be an object."""
        if not isinstance(self.value, dict):
            raise self.error(f"is {kind_of(self.value)}", "an object")
        return self.value

    def items(self) -> Iterator[Field]:
        """The entries of the value, which must be a list."""
        if not isinstance(self.value, list):
            raise self.error(f"is {kind_of(self.value)}", "a list")
        return (Field(self.file, self, index, value) for index, value in enumerate(self.value))

    def __getitem__(self, key: str) -> Field:
        """The entry `key` of the value, which must be an object that has it."""
        content = self.object()
        if key not in content:
            raise Field(self.file, self, key, None).error("is missing", "a value")
        return Field(self.file, self, key, content[key])

    def get(self, *keys: str) -> Field | None:
        """The entry of the first of `keys` that is there and not null, else None."""
        content = self.object()
        return next((Field(self.file, self, k, content[k]) for k in keys if content.get(k) is not None), None)

    def text(self) -> str:
        """The value, which must be a string."""
        if not isinstance(self.value, str):
            raise self.error(f"is {kind_of(self.value)}", "a string")
        return self.value

    def integer(self, low: int = -(2**63), high: int = 2**63 - 1) -> int:
        """The value, which must be a whole number (1.0 counts) within [low, high]."""
        value = self.value
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.error(f"is {kind_of(self.value)}", "a whole number")
        if not low <= value <= high:
            raise self.error(f"is {shortened(value)}", f"a number from {low} to {high}")
        return value

    def number(self) -> float:
        """The value, which must be a finite number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error(f"is {kind_of(self.value)}", "a number")
        try:
            value = float(self.value)
        except OverflowError:
            value = math.inf
        if not math.isfinite(value):
            raise self.error(f"is {shortened(self.value)}", "a finite number")
        return value

    def flag(self) -> bool:
        """The value, which must be true, false, 0 or 1."""
        if self.value not in (0, 1):
            raise self.error(f"is {shortened(self.value)}", "true or false")
        return bool(self.value)

    def numbers(self, count: int, expected: str) -> tuple[float, ...]:
        """The value, which must be a list of `count` finite numbers, described by `expected`."""
        if not isinstance(self.value, list):
            raise self.error(f"is {kind_of(self.value)}", expected)
        if len(self.value) != count:
            raise self.error(f"has {len(self.value)} numbers", expected)
        return tuple(item.number() for item in self.items())

    def one_of(self, *allowed: str) -> str:
        """The value, which must be one of the strings `allowed`."""
        if self.value not in allowed:
            raise self.error(f"is {shortened(self.value)}", " or ".join(map(repr, allowed)))
        return str(self.value)


def kind_of(value: object) -> str:
    """What a JSON value is, in words."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")


def shortened(value: object) -> str:
    """A JSON value as it may stand in an error message."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 10**30:
        return "a huge number"  # Python refuses to print very long ones
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
