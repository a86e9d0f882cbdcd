"""Work spread over the processes of a Ray cluster, by Ray Data: one on this machine, or one of many machines.

Ray holds no results and no photos: workers read and write in a folder that all machines share, and a worker that dies,
or a machine that goes, is told by Ray, which gives what it had in its hands to another.
"""

from __future__ import annotations

import logging
import os
import pickle
import platform
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

from amodal.errors import AmodalError, InputError
from amodal.processor import cores
from amodal.spread import Item, Result, Spread

WINDOW = 32
"""Items of a worker that Ray knows of at once. Workers wait for the last one at the end of a window, half an item each
on average, and start anew; a source of a hundred million photos never lies in memory as a whole."""
MOST_ATTEMPTS = 3
STORE = 2**28  # bytes of Ray's own memory on this machine: what it is handed is small
SECONDS_FOR_AN_ANSWER = 5.0


@contextmanager
def ray_cluster(workers: int | None = None, address: str | None = None) -> Iterator[Spread]:
    """Start a cluster on this machine, or go to one that runs; what was started here is ended at the end.

    Args:
        workers: processes; one a core of this machine, or one a processor that the cluster has, unless given.
        address: of a running cluster, as `ray start` tells it; else what RAY_ADDRESS says, else one is started.

    Raises:
        InputError: no such cluster, or it has too few processors.
        AmodalError: ray is not installed.
    """
    ray = _ray()
    address = address or os.environ.get("RAY_ADDRESS")
    there = ray.is_initialized()
    with _answering(address) if address not in (None, "local") else nullcontext():
        if not there:
            _connect(ray, address, workers)
    try:
        have = int(ray.cluster_resources().get("CPU", 0))
        wanted = have if workers is None else workers
        if not 1 <= wanted <= have:
            raise InputError(
                "ray", "--workers", f"found {wanted}", f"expected 1 to {have}, as the cluster has processors"
            )
        yield partial(_spread, ray, wanted)
    finally:
        if not there:
            ray.shutdown()


def _ray() -> Any:
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # what matters is raised in Python too
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise AmodalError("--engine ray needs Ray Data: pip install 'amodal[scale]'") from error
    return ray


def _connect(ray: Any, address: str | None, workers: int | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    if address in (None, "local"):
        workers = cores() if workers is None else workers
        if workers < 1:
            raise InputError("ray", "--workers", f"found {workers}", "expected 1 or more")
        # Ray runs whatever it is sent; a cluster that is started here asks for a token, as Ray 2.60 has it.
        at_home = {"include_dashboard": False, "object_store_memory": STORE}
        ray.init(address="local", num_cpus=workers, **at_home, **quiet)
        return
    ray.init(address=address, **quiet)


@contextmanager
def _answering(address: str) -> Iterator[None]:
    try:
        if (host := urlsplit(f"//{address}")).port:  # Ray itself would go on asking for minutes
            socket.create_connection((host.hostname, host.port), SECONDS_FOR_AN_ANSWER).close()
        yield
    except (OSError, RuntimeError, ValueError) as error:
        found = f"no answer ({str(error).splitlines()[0]})"
        expected = "expected a cluster that runs: see `ray start --head`"
        raise InputError("ray", f"--ray-address {address}", found, expected) from error


def _spread(
    ray: Any, workers: int, items: Iterable[Item], make: Callable[[], Callable[[Item], Result]]
) -> Iterator[Result]:
    from amodal import __version__

    waiting = enumerate(items)
    attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(_Attempts).remote()
    constructor = (pickle.dumps(make), os.getcwd(), __version__, attempts)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # what goes wrong is raised, and said once
    while window := list(islice(waiting, WINDOW * workers)):
        rows = [{"number": number, "item": pickle.dumps(item)} for number, item in window]
        data = ray.data.from_items(rows, override_num_blocks=len(rows)).map(
            _Hands,
            fn_constructor_args=constructor,
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(rows)), max_tasks_in_flight_per_actor=1),
            num_cpus=1,
        )
        try:
            for row in data.iter_rows():
                result, error = pickle.loads(row["result"])  # noqa: S301 - of our own worker, as all that Ray sends
                if error is not None:
                    raise error
                yield result
        except ray.exceptions.RayError as error:
            raise AmodalError(f"Ray: {_last_words(error)}") from error


def _last_words(error: Exception) -> str:
    """What was raised in the end; before it Ray tells where."""
    return next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), type(error).__name__)


class _Attempts:
    """How often each item was begun. Ray begins it anew for ever when its worker has died; a few times is enough."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        self._begun[number] += 1
        return self._begun[number]

    def end(self, number: int) -> None:
        self._begun.pop(number, None)  # it may have begun anew itself


class _Hands:
    """A worker. What is wrong in a way that people can mend is sent back; all else Ray tells."""

    def __init__(self, make: bytes, folder: str, version: str, attempts: Any) -> None:
        self._make, self._folder, self._version, self._attempts = make, folder, version, attempts
        self._do: Callable[[Any], Any] | None = None

    def __call__(self, row: dict[str, Any]) -> dict[str, bytes]:
        ray = _ray()
        try:
            if ray.get(self._attempts.begin.remote(row["number"])) > MOST_ATTEMPTS:
                raise AmodalError(f"{MOST_ATTEMPTS} workers died one after the other, each at the same piece of work")
            if self._do is None:
                self._do = self._made()
            answer: tuple[Any, AmodalError | None] = self._do(pickle.loads(row["item"])), None  # noqa: S301 - see above
        except AmodalError as error:
            answer = None, error
        self._attempts.end.remote(row["number"])
        return {"result": pickle.dumps(answer)}

    def _made(self) -> Callable[[Any], Any]:
        """Where the command was given, so that paths mean the same; by the same program."""
        from amodal import __version__

        where = platform.node()
        if __version__ != self._version:
            raise InputError(where, "amodal", f"is of version {__version__}", f"expected {self._version} as here")
        try:
            os.chdir(self._folder)
        except OSError as error:
            expected = "expected the folder of the command on each machine"
            raise InputError(where, self._folder, "is not there", expected) from error
        make: Callable[[], Callable[[Any], Any]] = pickle.loads(self._make)  # noqa: S301 - see above
        return make()
