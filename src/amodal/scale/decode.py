"""Photos decoded in threads ahead of whoever works on them; Pillow lets go of the interpreter while it decodes."""

from __future__ import annotations

import io
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from amodal.data.boxes import BoxedPhoto, check_photo_size
from amodal.errors import AmodalError
from amodal.images import read_photo_from
from amodal.scale.jobs import Failure, PhotoJob

AHEAD = 8  # photos decoded and waiting, of each thread: more than a batch needs, few enough for memory


@dataclass(frozen=True, eq=False)
class Loaded:
    """A decoded photo; its boxes are checked against its size."""

    job: PhotoJob
    photo: UInt8[np.ndarray, "h w 3"]
    boxed: BoxedPhoto | None


def loaded_ahead(jobs: Iterable[PhotoJob], threads: int) -> Iterator[Loaded | Failure]:
    """Each photo decoded, or why it is not, in the order given; each thread has at most `AHEAD` and one more."""
    pool = ThreadPoolExecutor(threads, "decode")
    waiting: deque[Future[Loaded | Failure]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(load, job))
            if len(waiting) >= (AHEAD + 1) * threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def load(job: PhotoJob) -> Loaded | Failure:
    """Decode one photo and check its boxes."""
    if job.problem:
        return Failure.of(job, job.problem)
    try:
        photo = read_photo_from(io.BytesIO(job.place.read()), job.name)
        return Loaded(job, photo, None if job.boxed is None else _checked(job.boxed, job.name, photo))
    except AmodalError as error:
        return Failure.of(job, str(error))
    except MemoryError:
        return Failure.of(job, f"{job.name}: photo: does not fit into memory")


def _checked(boxed: BoxedPhoto, name: str, photo: UInt8[np.ndarray, "h w 3"]) -> BoxedPhoto:
    height, width = photo.shape[:2]
    return check_photo_size(
        BoxedPhoto(Path(name), boxed.width, boxed.height, boxed.boxes, boxed.labels, boxed.ids, boxed.boxes_are),
        width,
        height,
    )
