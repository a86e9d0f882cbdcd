"""Method `orm` on a device: the Segmenter, from photos and boxes to scenes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, UInt8
from numpy.typing import ArrayLike

from amodal.compnet.model import AGNOSTIC
from amodal.device.batch import CLAIMED, VISIBLE, WHOLE, Outcome, run_batch
from amodal.device.layout import Layout, Thing, lay_out
from amodal.device.looked import DeviceModel, Reading
from amodal.device.orders import Orders, edges_of, orders_from
from amodal.device.pixels import first_pixels
from amodal.device.wire import Wire
from amodal.errors import InputError
from amodal.masks import CropMask, masks_of_windows
from amodal.methods.compositional import read_model
from amodal.methods.given import ALL_CUES, Refine, SegmenterInput, cues_of, read_input
from amodal.methods.scenes import named_label, warnings_of
from amodal.reasoning import PairOrder
from amodal.scene import BoxKind, Instance, OrderEdge, OrderGraph, Scene
from amodal.segmenter import OnePhoto, Photo

MOST_PIXELS = 1 << 25
"""Of the windows of what goes to the device together: some hundred bytes each while it is reasoned about."""


def load_orm(
    model: str | os.PathLike[str] = "default",
    *,
    device: str = "cuda",
    refine: Refine = "grabcut",
    rounds: int = 2,
    order_cues: str = ALL_CUES,
    geometry: bool = True,
    compiled: bool | None = None,
    bfloat16: bool = True,
) -> DeviceSegmenter:
    """Method `orm` on a device.

    Args:
        model: "default" or a model file.
        device: as torch names it.
        refine: none; there is no refinement on a device, and the usual one has to be declined by name.
        rounds: of self-correction at most.
        order_cues: what speaks of who is in front, of appearance, geometry and class, separated by commas.
        geometry: False leaves geometry out, whatever `order_cues` names.
        compiled: send the backbone through torch.compile; on a GPU unless told otherwise.
        bfloat16: let the backbone calculate in it.

    Raises:
        InputError: a refinement, or a device that is not there.
    """
    if refine != "none":
        expected = "expected none (--refine none): refinements run on the processor, object by object"
        raise InputError("load", "refine", f"found {refine!r} with device {device!r}", expected)
    compnet, name = read_model(model)
    wire = Wire(torch.device(device))
    on_gpu = wire.device.type == "cuda"
    on_device = DeviceModel(compnet, wire, compiled=on_gpu if compiled is None else compiled, bfloat16=bfloat16)
    pair_order = PairOrder.of(cues_of(order_cues, geometry), "compositional")
    return DeviceSegmenter(on_device, name, wire, pair_order, rounds)


@dataclass(frozen=True, eq=False)
class DeviceSegmenter(OnePhoto):
    """Photos and boxes in, scenes out; all large work on the device of `wire`."""

    model: DeviceModel
    model_name: str
    wire: Wire
    pair_order: PairOrder
    rounds: int
    name: str = "orm"

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes the model tells apart."""
        return self.model.model.labels

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; an object without a label is given the most likely class.

        Raises `InputError` for photos, boxes or labels that cannot be used.
        """
        given = read_input(photos, boxes, labels, boxes_are)
        scenes: list[Scene] = []
        with self.wire.at_work():
            for part in _parts(given):
                own = SegmenterInput(given.pictures[part], given.boxes[part], given.labels[part])
                scenes += self._scenes(photos[part], own, boxes_are)
        return scenes

    def _scenes(self, photos: Sequence[Photo], given: SegmenterInput, boxes_are: BoxKind) -> list[Scene]:
        sizes = [picture.shape[:2] for picture in given.pictures]
        layout = lay_out(sizes, given.boxes, given.labels)
        instances: list[list[Instance]] = [[] for _ in photos]
        edges: list[list[tuple[int, int, float]]] = [[] for _ in photos]
        if layout.things:
            heights = [height for height, _ in sizes]

            def decide(says: np.ndarray, readings: Sequence[Reading]) -> Orders:
                names = [_name(thing, one) for thing, one in zip(layout.things, readings, strict=True)]
                return orders_from(says, layout, self.pair_order, names, heights)

            outcome = run_batch(self.model, given.pictures, layout, decide, self.rounds, self.wire)
            masks = _masks(outcome, layout, sizes)
            for n, (thing, taken_for) in enumerate(zip(layout.things, outcome.readings, strict=True)):
                instances[thing.photo].append(_instance(thing, taken_for, *(kind[n] for kind in masks)))
            for photo, own in enumerate(edges_of(outcome.orders, layout, _windows(outcome.bits & WHOLE, layout))):
                edges[photo] = own
        return [
            Scene(
                height=size[0],
                width=size[1],
                instances=tuple(sorted(own, key=lambda one: one.id)),
                order=OrderGraph(tuple(OrderEdge(a, b, p) for a, b, p in relations)),
                boxes_are=boxes_are,
                image=None if isinstance(photo, np.ndarray) else os.fspath(photo),
                method=self.name,
                model=self.model_name,
                warnings=warnings_of(names, self.labels),
            )
            for photo, size, own, relations, names in zip(photos, sizes, instances, edges, given.labels, strict=True)
        ]


def _parts(given: SegmenterInput) -> Iterator[slice]:
    """Photos that go to the device together: as many as its memory surely has room for, one at least."""
    begin, held = 0, 0.0
    for end, (picture, boxes) in enumerate(zip(given.pictures, given.boxes, strict=True)):
        height, width = picture.shape[:2]
        corners = np.clip(boxes, 0, [width, height, width, height])
        pixels = float(np.prod(corners[:, 2:] - corners[:, :2], axis=1).sum())
        if end > begin and held + pixels > MOST_PIXELS:
            yield slice(begin, end)
            begin, held = end, 0.0
        held += pixels
    yield slice(begin, len(given.pictures))


def _windows(bits: UInt8[np.ndarray, " pixels"], layout: Layout) -> list[Bool[np.ndarray, "h w"]]:
    """Pixels of which any bit is set, window by window."""
    ends = zip(first_pixels(layout.windows).tolist(), layout.windows.tolist(), strict=True)
    pixels = bits > 0
    return [
        pixels[first : first + (x1 - x0) * (y1 - y0)].reshape(x1 - x0, y1 - y0).T for first, (x0, y0, x1, y1) in ends
    ]


def _masks(outcome: Outcome, layout: Layout, sizes: Sequence[tuple[int, int]]) -> list[list[CropMask]]:
    """The visible masks of all objects, the whole ones, and what they would have claimed alone."""
    frames = np.array([sizes[thing.photo] for thing in layout.things], np.int64)
    kinds = (VISIBLE, WHOLE, CLAIMED)
    return [masks_of_windows((outcome.bits & bit) > 0, layout.windows, frames) for bit in kinds]


def _instance(
    thing: Thing, taken_for: tuple[Reading, float], modal: CropMask, amodal: CropMask, claimed: CropMask
) -> Instance:
    reading, sure = taken_for
    return Instance(
        id=thing.given,
        label=_name(thing, reading),
        box=thing.lattice.box,
        score=sure,
        modal=modal,
        amodal=amodal,
        claimed=claimed,
        meta={"mixture": reading[1]},
    )


def _name(thing: Thing, reading: Reading) -> str:
    return named_label(reading[0], thing.label, AGNOSTIC)
