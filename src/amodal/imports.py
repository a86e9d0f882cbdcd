"""What registries name and nobody has imported yet."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


def imported(target: str) -> Any:
    """What "module:name" names; its module is imported only now."""
    module, _, name = target.partition(":")
    return getattr(import_module(module), name)


@contextmanager
def without_collecting() -> Iterator[None]:
    """For imports that somebody waits for: what they make stays, and looking for garbage in it takes a twentieth."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
