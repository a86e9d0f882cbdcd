"""What registries name and nobody has imported yet; and a start that is not held up by looking for garbage."""

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
    """For work that makes many objects and no cycles, whose end somebody waits for.

    Looking for cycles in hundreds of thousands of small dicts, say, takes longer than all the rest.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def starting() -> Iterator[None]:
    """For a program's imports and what it makes once: it stays, and garbage is looked for in it neither now nor later.

    It holds for the whole process, and for all that is there already.
    """
    with without_collecting():
        yield
        gc.freeze()
