"""The thread that a model works in."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor


def model_thread() -> ThreadPoolExecutor:
    """The one thread that loads a model and works with it, where a program has others too.

    Each thread that computes with torch has helpers of its own. Where two threads have, though only one works, the
    helpers are more than the processor's cores, and then OpenMP lets them sleep after each of many short
    calculations: a photo takes a fifth longer (`benchmarks/serve`).
    """
    return ThreadPoolExecutor(1, "model")
