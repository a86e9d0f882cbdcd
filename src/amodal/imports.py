"""What registries name and nobody has imported yet."""

from __future__ import annotations

from importlib import import_module
from typing import Any


def imported(target: str) -> Any:
    """What "module:name" names; its module is imported only now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)
