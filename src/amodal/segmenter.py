"""The one face of all methods, and the registry that finds them by name."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, signature
from re import fullmatch
from typing import Any, Protocol, cast, runtime_checkable

import numpy as np
from numpy.typing import ArrayLike

from amodal.errors import InputError
from amodal.imports import imported
from amodal.masks import CropMask
from amodal.models import exported_methods, has_extension, is_exported
from amodal.scene import BoxKind, Scene

Photo = str | os.PathLike[str] | np.ndarray  # a path, or uint8 [height, width, 3] RGB

# Name -> "module:function". The function takes (model, **settings) and returns a Segmenter; a new method is
# one file and one line here. The module is imported only when its method is asked for.
METHODS: dict[str, str] = {
    "student": "amodal.student.segmenter:load",
    "student-alone": "amodal.student.segmenter:load_alone",
    "orm": "amodal.methods.orm:load",
    "published": "amodal.methods.orm:load_published",
    "nod": "amodal.methods.orm:load_nod",
    "compnet": "amodal.methods.compnet:load",
    "mask-rcnn": "amodal.rivals.maskrcnn:load",
    "bbtp": "amodal.rivals.bbtp:load",
    "pcnet-m": "amodal.rivals.completer:load",
    "amodal-mask-rcnn": "amodal.networks.segmenter:load_amodal_mask_rcnn",
    "orcnn": "amodal.networks.segmenter:load_orcnn",
    "panet": "amodal.networks.segmenter:load_panet",
    "asn": "amodal.networks.segmenter:load_asn",
    "panet-asn": "amodal.networks.segmenter:load_panet_asn",
    "mnc": "amodal.networks.segmenter:load_mnc",
    "fcis": "amodal.networks.segmenter:load_fcis",
    "amodal-mask": "amodal.networks.segmenter:load_amodal_mask",
    "detector": "amodal.networks.segmenter:load_any",
    "box": "amodal.methods.trivial:load_box",
    "prior": "amodal.methods.trivial:load_prior",
}

# The same for the folders of `amodal export`, whose methods have the same settings.
EXPORTED: dict[str, str] = {
    "student": "amodal.export.runtime:load_student",
    "orm": "amodal.export.runtime:load_orm",
    "amodal-mask-rcnn": "amodal.export.network:load_amodal_mask_rcnn",
    "orcnn": "amodal.export.network:load_orcnn",
    "panet": "amodal.export.network:load_panet",
    "asn": "amodal.export.network:load_asn",
    "panet-asn": "amodal.export.network:load_panet_asn",
}

# Methods that can do their large work on a GPU, with a setting `device`.
ON_DEVICE: dict[str, str] = {
    "orm": "amodal.device.segmenter:load_orm",
}

_KINDS = {"int": int, "bool": bool}  # settings of plain kinds, as annotations write them


@runtime_checkable
class Segmenter(Protocol):
    """Photos and boxes in, scenes out."""

    @property
    def name(self) -> str:
        """The method's name, as stored in the results."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes this model knows."""

    def segment(
        self,
        photo: Photo,
        boxes: ArrayLike,
        labels: Sequence[str | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> Scene:
        """One photo with its boxes [n, 4] (XYXY pixels); the same as a batch of one."""

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each; objects without a label are given the most likely class."""


class OnePhoto:
    """For methods that work in batches: one photo is a batch of one."""

    def segment(
        self,
        photo: Photo,
        boxes: ArrayLike,
        labels: Sequence[str | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> Scene:
        """One photo with its boxes [n, 4] (XYXY pixels); the same as a batch of one."""
        return self.segment_batch([photo], [boxes], [labels], boxes_are=boxes_are)[0]

    def segment_batch(
        self,
        photos: Sequence[Photo],
        boxes: Sequence[ArrayLike],
        labels: Sequence[Sequence[str | None] | None] | None = None,
        *,
        boxes_are: BoxKind = "amodal",
    ) -> list[Scene]:
        """Many photos, one scene each: the method's own."""
        raise NotImplementedError


@runtime_checkable
class MaskCompleter(Protocol):
    """Photos and the visible masks of their objects in, scenes with whole masks and order out."""

    def complete_batch(
        self,
        photos: Sequence[Photo],
        visible: Sequence[Sequence[CropMask]],
        labels: Sequence[Sequence[str | None]] | None = None,
        *,
        ids: Sequence[Sequence[int]] | None = None,
    ) -> list[Scene]:
        """Many photos, one scene each; labels and ids are kept."""


def load(
    model: str | os.PathLike[str] = "default", method: str | None = None, *, device: str = "cpu", **settings: Any
) -> Segmenter:
    """Load a method with a model: the shipped one ("default"), a model file, or a folder of `amodal export`.

    `method`: None for the best that the model serves: `student` where it has one, else `orm`.
    `device`: where it works; see `device_of`.

    Raises:
        InputError: no such method, settings the method does not have, a file that is no model, or no such device.
    """
    name = method or best_method(model)
    where = device_of(device, model, name, settings)
    if where != "cpu":
        return load_from(ON_DEVICE, model, name, {**settings, "device": where})
    return load_from(EXPORTED if is_exported(model) else METHODS, model, name, settings)


def device_of(asked: str, model: str | os.PathLike[str], method: str, settings: Mapping[str, Any]) -> str:
    """Where the method works: "cpu", or a GPU as torch names it, "cuda" or "cuda:1".

    `asked`: one of these, or "auto" for a GPU where there is one and the method can use it, with these settings.

    Raises:
        InputError: no such device, or a method that cannot use it.
    """
    if asked == "cpu":
        return asked
    if not fullmatch(r"auto|cuda(:[0-9]{1,4})?", str(asked)):
        raise InputError("load", "device", f"found {asked!r}", "expected cpu, cuda, cuda:NUMBER or auto")
    usable = method in ON_DEVICE and not is_exported(model)
    if asked == "auto":
        return "cuda" if usable and settings.get("refine") == "none" and _gpus() else "cpu"
    if not usable:
        what = "a folder of amodal export" if is_exported(model) else f"method {method!r}"
        expected = f"expected cpu, or a model file with method {', '.join(ON_DEVICE)}: no other has a way for a GPU"
        raise InputError("load", "device", f"found {asked!r} for {what}", expected)
    number = int(asked.partition(":")[2] or 0)
    if number >= _gpus():
        found = f"found {asked!r}, and torch sees {_gpus() or 'no'} GPU of CUDA"
        raise InputError("load", "device", found, "expected cpu, or a machine and a torch with that GPU")
    return asked


def best_method(model: str | os.PathLike[str] = "default") -> str:
    """What `load` takes where no method is named."""
    if is_exported(model):
        return exported_methods(model)[0]
    return "student" if has_extension(model, "student") else "orm"


def load_from(
    methods: Mapping[str, str], model: str | os.PathLike[str], method: str, settings: Mapping[str, Any]
) -> Segmenter:
    """As `load`, from any registry of methods."""
    function = _function(methods, method)
    unknown = [setting for setting in settings if not _takes(function, setting)]
    if unknown:
        known = ", ".join(list(signature(function).parameters)[1:]) or "none"
        raise InputError("load", unknown[0], f"is no setting of method {method!r}", f"expected one of {known}")
    for setting, value in settings.items():
        kind = _KINDS.get(str(getattr(signature(function).parameters.get(setting), "annotation", "")))
        if kind is not None and type(value) is not kind:  # a bool is an int to isinstance
            raise InputError("load", setting, f"found {value!r} for method {method!r}", f"expected {kind.__name__}")
    return cast(Segmenter, function(model, **settings))


def has_setting(method: str, setting: str, device: str = "cpu") -> bool:
    """Whether the method can be told this, where it works on that device.

    Raises:
        InputError: no such method.
    """
    return _takes(_function(METHODS if device == "cpu" else ON_DEVICE, method), setting)


def _gpus() -> int:
    import torch

    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _function(methods: Mapping[str, str], method: str) -> Callable[..., Any]:
    if method not in methods:
        known = ", ".join(sorted(methods))
        raise InputError("load", "method", f"found {method!r}", f"expected one of {known}")
    function: Callable[..., Any] = imported(methods[method])
    return function


def _takes(function: Callable[..., Any], setting: str) -> bool:
    parameters = signature(function).parameters
    takes_any = any(parameter.kind is Parameter.VAR_KEYWORD for parameter in parameters.values())
    return takes_any or setting in list(parameters)[1:]
