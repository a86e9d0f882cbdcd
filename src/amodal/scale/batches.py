"""Which photos are worked on together: crops of one shape should fill the backbone's batches, not too many for memory.

Every method sends crops of one lattice shape (there are 15) through the backbone together, of all photos of a batch;
these are the size buckets. A batch is closed by what its photos hold, and never reaches beyond its unit: the same unit
gives the same batches, on whatever machine and however often.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from amodal.scale.decode import Loaded

CROPS = 64  # of 15 shapes a street shows about six: then ten of each
CROPS_OF_A_GPU = 512  # it is as fast with few, and would only wait more often
PIXELS = 32_000_000  # 96 MB decoded, and as much again for the methods' pyramids
PHOTOS = 32


def batches_of(loaded: Iterable[Loaded], crops: int = CROPS) -> Iterator[list[Loaded]]:
    """Photos in the order given, of so many crops at a time; a photo too large for any batch is one by itself."""
    batch: list[Loaded] = []
    for photo in loaded:
        if batch and _overfull([*batch, photo], crops):
            yield batch
            batch = []
        batch.append(photo)
    if batch:
        yield batch


def _overfull(batch: list[Loaded], most: int) -> bool:
    crops = sum(0 if one.boxed is None else len(one.boxed.boxes) for one in batch)
    pixels = sum(one.photo.shape[0] * one.photo.shape[1] for one in batch)
    return len(batch) > PHOTOS or crops > most or pixels > PIXELS
