"""The thread that a model works in."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class ModelThread:
    """The one thread that loads a model and works with it, where a program has others too.

    Each thread that computes with torch has helpers of its own. Where two threads have, though only one works, the
    helpers are more than the processor's cores, and then OpenMP lets them sleep after each of many short
    calculations: a photo takes a fifth longer (`benchmarks/serve`).

    Unlike those of an executor it keeps no program from ending.
    """

    def __init__(self) -> None:
        self._asked: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        """What the work will give, once all that was asked for before is done."""
        given: Future[T] = Future()
        self._asked.put(lambda: _do(given, lambda: work(*args, **kwargs)))
        return given

    def end(self) -> None:
        """Wait until all is done that was asked for; nothing may be asked for afterwards."""
        self._asked.put(None)
        self._thread.join()

    def _run(self) -> None:
        while (work := self._asked.get()) is not None:
            work()


def _do(given: Future[Any], work: Callable[[], Any]) -> None:
    if not given.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:
        given.set_exception(error)
    else:
        given.set_result(result)
