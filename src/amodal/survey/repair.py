"""The repaired copy of a file: what `check` found out, done. The file itself is never touched."""

from __future__ import annotations

import copy
import json
import math
import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from amodal.data.fields import Field
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.survey.findings import Findings, Problem

REMOVED = "removed_by_repair"


def write_repaired(root: Field, findings: Findings, out: str | os.PathLike[str]) -> Field:
    """Write the copy. Entries that cannot stay stand under `removed_by_repair` with their place and what they were.

    Returns what is in the copy, under the name of the file that was checked: its photos are found where they were.

    Raises:
        InputError: `out` is the file itself, or cannot be written.
    """
    if Path(out).exists() and Path(out).samefile(root.file):
        raise InputError(os.fspath(out), "file", "is the file that was checked", "expected another name for the copy")
    content = _finite(repaired(root.value, findings))
    write_text_atomically(out, json.dumps(content, ensure_ascii=False) + "\n")
    return Field(root.file, None, root.name, content)


def outcome(before: Findings, after: Findings) -> str:
    """What a repair has mended and what is left, by a check of the file and one of its copy."""
    then, now = (Counter((one.kind, one.photo) for one in findings.problems) for findings in (before, after))
    said = f"{(then - now).total()} of {then.total()} problems mended, {now.total()} left"
    kinds = ", ".join(f"{count} {kind}" for kind, count in after.kinds.items())
    came = (now - then).total()
    return said + (f" ({came} of them new)" if came else "") + (f": {kinds}" if kinds else "")


def repaired(content: Any, findings: Findings) -> Any:
    """The content with its changes and without its removals; the content given is left as it is."""
    result = copy.deepcopy(content)
    for path, value in findings.changes.items():
        _at(result, path[:-1])[path[-1]] = value
    reasons: dict[str, list[Problem]] = {}
    for problem in findings.problems:
        reasons.setdefault(_entry_of(problem.field), []).append(problem)
    removed = []
    for path in sorted(findings.removals, key=_sequence, reverse=True):
        name = _name(path)
        because = [one.found for one in reasons.get(_entry_of(name), []) if one.field.startswith(name)]
        removed.append({"place": name, "because": because, "entry": _at(content, path)})  # as it was before any change
        del _at(result, path[:-1])[path[-1]]
    if removed and isinstance(result, dict):
        result[REMOVED] = [*result.get(REMOVED, []), *reversed(removed)]
    return result


def taken_out(content: Any, findings: Findings) -> list[str]:
    """How to call each entry that the repaired copy does without: an annotation by its id, else by its place."""
    return [_called(content, path) for path in sorted(findings.removals, key=_sequence)]


def _called(content: Any, path: tuple[str | int, ...]) -> str:
    if path[0] != "annotations":
        return _name(path)
    annotation = _at(content, path[:2])
    number = annotation.get("id") if isinstance(annotation, dict) else None
    if not isinstance(number, int | str):
        return _name(path)
    return f"{number}, region {path[3]}" if len(path) > 3 else str(number)


def _at(content: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        content = content[key]
    return content


def _entry_of(field: str) -> str:
    """`annotations[3]` of all that is inside it."""
    return field.partition("]")[0]


def _sequence(path: tuple[str | int, ...]) -> tuple[tuple[int, str], ...]:
    """Numbers as numbers, so that entry 10 is taken out before entry 9."""
    return tuple((key, "") if isinstance(key, int) else (-1, key) for key in path)


def _name(path: tuple[str | int, ...]) -> str:
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def _finite(value: Any) -> Any:
    """JSON knows no NaN: what is left of them, in fields that nobody reads and in entries taken out, becomes text."""
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, Mapping):
        return {key: _finite(one) for key, one in value.items()}
    return [_finite(one) for one in value] if isinstance(value, list) else value
