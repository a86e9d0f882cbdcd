"""How work is handed out, to processes or to machines: who has the work need not know."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Spread(Protocol):
    """Does many things elsewhere; `amodal.scale.cluster` has one."""

    def __call__(self, items: Iterable[Item], make: Callable[[], Callable[[Item], Result]]) -> Iterator[Result]:
        """Results as they come, in any order; an item whose worker died is done again, so doing it twice must be well.

        Items, results and `make` are sent between processes. `make` is called once in each worker and gives what is
        called with item after item.
        """
