"""A street of 13 overlapping objects, 375 × 1242, from the file to the scene: what each step takes, and the limit.

Timed are `orm` with labels given and no refinement, step by step, and the model's best method as a whole, both beside
the limit: the backbone's passes over the very same batches and nothing else.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor

from amodal.bench.machine import peak_mb, resident_mb
from amodal.bench.street import Street, make_street
from amodal.bench.timing import Measurement, ratios, taken_in_turns
from amodal.data.part_rows import row_of
from amodal.features.crops import Pyramid, extract_crop
from amodal.features.lattice import Lattice, as_xyxy
from amodal.images import read_photo
from amodal.methods.assembly import Reasoner
from amodal.methods.compositional import CompositionalSegmenter
from amodal.methods.looking import evidence_of, look
from amodal.scene import Scene
from amodal.segmenter import Segmenter, best_method, load

OBJECTS = 13  # of a KINS photo, on average
_NAME = "inference"


def measure(model: str, seconds: float) -> list[Measurement]:
    """The whole suite, in about so many seconds."""
    base = resident_mb()
    orm = cast(CompositionalSegmenter, load(model, "orm", refine="none"))
    best = best_method(model)
    with tempfile.TemporaryDirectory() as folder:
        street = make_street(OBJECTS, Path(folder))
        steps = _Steps(orm, street)
        calls = steps.calls() | {"whole": steps.whole}
        if best != "orm":
            calls[best] = partial(_segment, load(model, best), street)
        taken = taken_in_turns(calls, seconds, least=2)  # a busy machine shall not take minutes for three
    encode = taken["encode"]
    reasoning, whole = steps.reasoning[-len(taken["whole"]) :], taken["whole"]
    maps = [_less(*each) for each in zip(taken["look"], taken["crops"], taken["backbone"], strict=True)]
    rest = [
        _less(*each) for each in zip(whole, taken["decode"], taken["look"], taken["pixels"], reasoning, strict=True)
    ]
    shown = {
        "decode": taken["decode"],
        "crops": taken["crops"],
        "backbone (the limit)": taken["backbone"],
        "kernels and maps": maps,
        "maps to pixels": taken["pixels"],
        "reasoning": reasoning,
        "masks to runs, and the rest": rest,
        "encode (a row of results)": encode,
        "orm, file to scene": whole,
    }
    found = [_milliseconds(what, values) for what, values in shown.items()]
    limit = [1 / one for one in taken["backbone"]]
    found.append(Measurement.of(_NAME, "the limit, photos a second", limit, "photos/s", "more"))
    found += _against_the_limit("orm", whole, taken["backbone"])
    if best in taken:
        found.append(_milliseconds(f"{best}, file to scene", taken[best]))
        found += _against_the_limit(best, taken[best], taken["backbone"])
    if base is not None:
        found.append(Measurement(_NAME, "memory above the libraries", round(peak_mb() - base, 1), "MB"))
    return found


class _Steps:
    """What `orm` does to one photo, one step at a time; each begins from what the steps before it gave."""

    def __init__(self, segmenter: CompositionalSegmenter, street: Street) -> None:
        self.street, self.reasoning = street, list[float]()
        self.segmenter = replace(segmenter, reasoner=self._watched(segmenter.reasoner))
        self.photo = read_photo(street.path)
        self.lattices = [Lattice.of_box(as_xyxy(row)) for row in street.boxes]
        with _batches_of(segmenter) as batches:
            self.look()
        self.batches = list(batches)
        self.seen = self.look()
        self.scene = _segment(self.segmenter, street)

    def calls(self) -> dict[str, Callable[[], object]]:
        return {
            "decode": partial(read_photo, self.street.path),
            "crops": self.crops,
            "backbone": self.backbone,
            "look": self.look,
            "pixels": self.pixels,
            "encode": self.encode,
        }

    def crops(self) -> None:
        pyramid = Pyramid(self.photo)
        for lattice in self.lattices:
            extract_crop(pyramid, lattice)

    def backbone(self) -> None:
        network = self.segmenter.model.backbone.network
        with torch.inference_mode(), torch.autocast(self.batches[0].device.type, torch.bfloat16):
            for batch in self.batches:
                network(batch)

    def look(self) -> list[Any]:
        return look(self.segmenter.model, [self.photo], [self.street.boxes], [self.street.labels])[0]

    def pixels(self) -> None:
        for one in self.seen:
            evidence_of(self.segmenter.model, one, self.photo)

    def encode(self) -> str:
        return json.dumps(row_of(self.scene, 0, ""))

    def whole(self) -> None:
        _segment(self.segmenter, self.street)

    def _watched(self, reasoner: Reasoner) -> Reasoner:
        def timed(*given: Any) -> Any:
            started = time.perf_counter()
            reasoning = reasoner(*given)
            self.reasoning.append(time.perf_counter() - started)
            return reasoning

        return timed


@contextmanager
def _batches_of(segmenter: CompositionalSegmenter) -> Iterator[list[Tensor]]:
    """Collects what goes into the backbone's network."""
    batches: list[Tensor] = []
    hook = segmenter.model.backbone.network.register_forward_pre_hook(lambda _, inputs: batches.append(inputs[0]))
    try:
        yield batches
    finally:
        hook.remove()


def _segment(segmenter: Segmenter, street: Street) -> Scene:
    return segmenter.segment(street.path, street.boxes, list(street.labels))


def _less(whole: float, *parts: float) -> float:
    """What is left; noise may make it less than nothing."""
    return max(0.0, whole - sum(parts))


def _milliseconds(what: str, seconds: list[float]) -> Measurement:
    return Measurement.of(_NAME, what, [1e3 * one for one in seconds], "ms")


def _against_the_limit(method: str, whole: list[float], backbone: list[float]) -> list[Measurement]:
    shares = [100 * share for share in ratios(backbone, whole)]
    return [
        Measurement.of(_NAME, f"{method}, photos a second", [1 / one for one in whole], "photos/s", "more"),
        Measurement.of(_NAME, f"{method}, share of the limit", shares, "%", "more", digits=1),
    ]
