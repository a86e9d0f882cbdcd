"""Scene: what is known about one photo. Every method makes one; pictures, files and metrics read it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from jaxtyping import Float32, UInt8

from amodal import rle
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.order import OrderEdge, OrderGraph

if TYPE_CHECKING:
    import os

__all__ = ["XYXY", "BoxKind", "Instance", "OrderEdge", "OrderGraph", "Posterior", "Scene"]

XYXY = tuple[float, float, float, float]  # half-open pixels: x1 - x0 is the width
BoxKind = Literal["amodal", "visible"]

LEVELS = ("L0", "L1", "L2", "L3")
LEVEL_ENDS = (("L0", 0.01), ("L1", 0.30), ("L2", 0.60))  # upper ends, not included; as in the papers
LAST_SCORED = 0.90


@dataclass(frozen=True, eq=False)
class Posterior:
    """What a method believes about each place in a window of the photo; read-only.

    Attributes:
        box: the window, XYXY photo pixels; may leave the picture.
        maps: P(visible), P(context), P(occluded), [3, h, w] at any resolution; they sum to 1.
    """

    box: XYXY
    maps: Float32[np.ndarray, "3 h w"]

    def __post_init__(self) -> None:
        maps = np.asarray(self.maps, np.float32)
        if maps.ndim != 3 or maps.shape[0] != 3 or maps.size == 0:
            raise InputError("Posterior", "maps", f"found shape {maps.shape}", "expected (3, h, w)")
        total = maps.sum(axis=0, dtype=np.float64)
        if not (np.abs(total - 1) < 1e-3).all() or float(maps.min()) < -1e-6:
            raise InputError("Posterior", "maps", "the values do not sum to 1", "expected probabilities")
        object.__setattr__(self, "box", _four_floats(self.box, "Posterior"))
        object.__setattr__(self, "maps", np.frombuffer(maps.tobytes(), np.float32).reshape(maps.shape))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Posterior):
            return NotImplemented
        return self.box == other.box and np.array_equal(self.maps, other.maps)

    def __hash__(self) -> int:
        return hash((self.box, self.maps.shape, self.maps.tobytes()))

    def __reduce__(self) -> tuple[type[Posterior], tuple[XYXY, np.ndarray]]:
        return Posterior, (self.box, self.maps)


@dataclass(frozen=True)
class Instance:
    """One object of a scene.

    Attributes:
        id: unique in its scene.
        label: class name.
        box: XYXY pixels; may leave the picture. The scene's `boxes_are` says what it holds.
        score: the method's confidence in the object.
        modal: the pixels of it that are seen.
        amodal: the pixels it would cover if nothing stood in front.
        posterior: the maps behind the masks, where the method has them.
        claimed: the visible mask it claimed on its own, before reasoning with its neighbours.
        meta: anything else, by name.
    """

    id: int
    label: str
    box: XYXY
    score: float
    modal: CropMask
    amodal: CropMask
    posterior: Posterior | None = None
    claimed: CropMask | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", int(self.id))
        object.__setattr__(self, "box", _four_floats(self.box, f"object {self.id}"))
        object.__setattr__(self, "score", float(self.score))
        object.__setattr__(self, "meta", MappingProxyType(dict(self.meta)))

    def __reduce__(self) -> tuple[type[Instance], tuple[Any, ...]]:
        # MappingProxyType cannot be pickled.
        values = (self.id, self.label, self.box, self.score, self.modal, self.amodal)
        return Instance, (*values, self.posterior, self.claimed, dict(self.meta))

    @property
    def visible_box(self) -> XYXY | None:
        """The box of the visible part from which `box` was predicted, `meta["visible_box"]`; None where none was."""
        given = self.meta.get("visible_box")
        return None if given is None else _four_floats(given, f"object {self.id}: meta.visible_box")

    @property
    def occluder(self) -> CropMask:
        """The pixels of it that something hides: amodal minus modal."""
        return self.amodal.subtract(self.modal)

    @property
    def occlusion(self) -> float:
        """The hidden part of the object, 0 to 1; 0 when it has no pixel in the frame at all."""
        whole = self.amodal.area
        return (whole - self.modal.area) / whole if whole else 0.0

    @property
    def level(self) -> str | None:
        """Occlusion level "L0" to "L3"; None above 90 %, which is not scored."""
        hidden = self.occlusion
        for name, upper in LEVEL_ENDS:
            if hidden < upper:
                return name
        return "L3" if hidden <= LAST_SCORED else None


@dataclass(frozen=True)
class Scene:
    """The objects of one photo and who stands in front of whom; the value in the middle of everything.

    Making one checks hardly more than types, so that a reader can hold what a file says; `validate` checks
    the rest.

    Attributes:
        height, width: the photo's size in pixels.
        instances: the objects, in no meaningful order.
        order: who is in front of whom, by the objects' ids.
        boxes_are: whether the boxes hold the whole objects or their visible parts.
        image: path or name of the photo.
        method, model: what made this scene.
        exclusive: whether at most one object may own a pixel; False for methods that do not reason between
            objects.
        warnings: what the user should know about this result.
    """

    height: int
    width: int
    instances: tuple[Instance, ...] = ()
    order: OrderGraph = field(default_factory=OrderGraph)
    boxes_are: BoxKind = "amodal"
    image: str | None = None
    method: str = ""
    model: str = ""
    exclusive: bool = True
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        height, width = rle.check_size((self.height, self.width), self._name())
        object.__setattr__(self, "height", height)
        object.__setattr__(self, "width", width)
        object.__setattr__(self, "instances", tuple(self.instances))
        object.__setattr__(self, "warnings", tuple(self.warnings))

    def __len__(self) -> int:
        return len(self.instances)

    @property
    def boxes_said(self) -> str:
        """What the boxes hold, in words; whole ones may have been predicted from visible ones."""
        predicted = any(instance.visible_box is not None for instance in self.instances)
        return f"{self.boxes_are}, predicted from visible" if predicted else self.boxes_are

    def instance(self, id: int) -> Instance:
        """The object with this id.

        Raises:
            InputError: there is none.
        """
        for instance in self.instances:
            if instance.id == id:
                return instance
        raise InputError(self._name(), f"object {id}", "not in this scene", f"it has {self._ids()}")

    def validate(self) -> Scene:
        """Return the scene itself, if it keeps every promise a scene makes.

        Raises:
            InputError: ids not unique, masks of another frame, modal not inside amodal, a pixel with two
                visible owners (where the scene is exclusive), an order between unknown or the same objects or
                both ways round, boxes or scores that are not finite; names the object.
        """
        if self.boxes_are not in get_args(BoxKind):
            found = f"found {self.boxes_are!r}"
            raise InputError(self._name(), "boxes_are", found, "expected 'amodal' or 'visible'")
        ids = self._ids()
        if len(set(ids)) != len(ids):
            twice = next(id for id in ids if ids.count(id) > 1)
            raise InputError(self._name(), f"object {twice}", "found twice", "ids must be unique")
        for instance in self.instances:
            self._validate_instance(instance)
        self.order.validate(ids, self._name())
        if self.exclusive:
            self._validate_owners()
        return self

    def with_instances(self, instances: Sequence[Instance]) -> Scene:
        """The same scene with other objects."""
        return replace(self, instances=tuple(instances))

    def draw(
        self, photo: str | os.PathLike[str] | UInt8[np.ndarray, "h w 3"] | None = None
    ) -> UInt8[np.ndarray, "rows columns 3"]:
        """The photo with masks, hidden outlines and the order on it; without `photo`, `image` is read.

        Small photos are enlarged and huge ones reduced by a whole factor.

        Raises:
            InputError: there is no photo to draw on, or it cannot be read.
        """
        from amodal.draw import draw_scene  # the one arrow that points up, and only when a picture is wanted

        return draw_scene(self, photo)

    def _validate_instance(self, instance: Instance) -> None:
        where, what = self._name(), f"object {instance.id}"
        if not all(math.isfinite(edge) for edge in instance.box):
            raise InputError(where, f"{what}: box", f"found {instance.box}", "expected finite numbers")
        x0, y0, x1, y1 = instance.box
        if x0 >= x1 or y0 >= y1:
            raise InputError(where, f"{what}: box", f"found {instance.box}", "expected x0 < x1 and y0 < y1")
        if not math.isfinite(instance.score):
            raise InputError(where, f"{what}: score", f"found {instance.score}", "expected a finite number")
        for name in ("modal", "amodal", "claimed"):
            mask = getattr(instance, name)
            if mask is not None and (mask.height, mask.width) != (self.height, self.width):
                found = f"found {mask.height} x {mask.width}"
                raise InputError(where, f"{what}: {name}", found, f"expected {self.height} x {self.width}")
        if not instance.amodal.contains(instance.modal):
            outside = instance.modal.subtract(instance.amodal).area
            raise InputError(where, f"{what}: modal", f"{outside} pixels outside amodal", "expected none")

    def _validate_owners(self) -> None:
        """One sweep over all visible strokes: sorted by start, none may begin before the last one's end."""
        parts = [instance.modal.intervals() for instance in self.instances]
        if not parts:
            return
        starts, ends = (np.concatenate(side) for side in zip(*parts, strict=True))
        owners = np.repeat(self._ids(), [len(part[0]) for part in parts])
        order = np.argsort(starts, kind="stable")
        starts, ends, owners = starts[order], ends[order], owners[order]
        clash = np.flatnonzero(starts[1:] < ends[:-1])
        if clash.size:
            first, second = sorted((int(owners[clash[0]]), int(owners[clash[0] + 1])))
            x, y = divmod(int(starts[clash[0] + 1]), self.height)
            found = f"pixel ({x}, {y}) is visible in both"
            raise InputError(self._name(), f"objects {first} and {second}", found, "expected one owner")

    def _ids(self) -> list[int]:
        return [instance.id for instance in self.instances]

    def _name(self) -> str:
        return self.image or "scene"


def _four_floats(box: Sequence[float], where: str) -> XYXY:
    numbers = tuple(float(edge) for edge in box)
    if len(numbers) != 4:
        raise InputError(where, "box", f"found {len(numbers)} numbers", "expected x0, y0, x1, y1")
    return numbers
