"""What every table is made of: the measured file, or the command that would write it, and rows as markdown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def read(path: Path) -> Any:
    """The content of a measured file, None where there is none."""
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def not_yet(command: str) -> str:
    """What stands in place of a table that nothing was measured for."""
    return f"*Not measured yet: `{command}`.*"


def as_table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    """Markdown."""
    rows = [list(head), *map(list, body)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])
