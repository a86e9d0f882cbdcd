"""`--engine`: whether work is done on this machine or spread over those of a Ray cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from amodal.errors import InputError
from amodal.spread import Spread

Engine = Literal["local", "ray"]


def check_engine(engine: Engine, address: str | None) -> None:
    """Refuse an address that nobody will go to."""
    if address is not None and engine != "ray":
        raise InputError("options", "--ray-address", f"found it with --engine {engine}", "expected --engine ray")


@contextmanager
def engine_of(engine: Engine, workers: int | None, address: str | None) -> Iterator[Spread | None]:
    """What spreads the work; None where the work does so itself, on this machine."""
    check_engine(engine, address)
    if engine == "local":
        yield None
        return
    from amodal.scale.cluster import ray_cluster

    with ray_cluster(workers, address) as spread:
        yield spread
