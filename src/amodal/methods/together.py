"""A batch of photos of which one cannot be used: the others do not suffer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def done_together(
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
    borne: type[Exception] = Exception,
) -> list[Result | Exception]:
    """What `work` makes of all items at once, in their order; or, where that raises, of each by itself.

    What an item raises by itself stands in its place, if it is one of the errors that are `borne`.
    """
    try:
        return list(work(items))
    except borne as error:
        if len(items) == 1:
            return [error]
        return [result for item in items for result in done_together([item], work, borne)]
