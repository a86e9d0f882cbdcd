"""A taught network for whole boxes: how it travels in the model file, and what it makes of visible boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from amodal.compnet.model import CompNet, Extension
from amodal.errors import InputError
from amodal.features.chunks import CHUNK
from amodal.features.lattice import as_xyxy
from amodal.student.around import medians, moved_out
from amodal.student.whole_box import BoxNetwork, box_shape, joined, look_around
from amodal.training.files import read_network

EXTENSION = "whole-box"
"""Its name in the model file."""


@dataclass(frozen=True, eq=False)
class BoxCompleter:
    """A network and the settings of its shape that are not the backbone's."""

    network: BoxNetwork
    shape: Mapping[str, Any]

    @torch.inference_mode()
    def whole_boxes(
        self,
        model: CompNet,
        photos: Sequence[UInt8[np.ndarray, "h w 3"]],
        visible: Sequence[Float[np.ndarray, "n 4"]],
        labels: Sequence[Sequence[str | None]],
    ) -> list[Float64[np.ndarray, "n 4"]]:
        """The whole boxes of all objects, XYXY; each contains its visible one and goes no further than the frame.

        One backbone pass per object. A label of None, or one the model does not know, stands for any object.
        """
        looked = look_around(model, photos, visible, labels)
        groups: dict[tuple[int, ...], list[tuple[int, int]]] = defaultdict(list)
        for p, items in enumerate(looked):
            for n, item in enumerate(items):
                groups[tuple(item.hints.shape)].append((p, n))
        found = [np.array(boxes, np.float64).reshape(-1, 4) for boxes in visible]
        for keys in groups.values():
            for chunk in (keys[start : start + CHUNK] for start in range(0, len(keys), CHUNK)):
                logits = self.network(joined([looked[p][n] for p, n in chunk]))
                for (p, n), distances in zip(chunk, medians(torch.sigmoid(logits).numpy()), strict=True):
                    height, width = photos[p].shape[:2]
                    found[p][n] = moved_out(as_xyxy(found[p][n]), distances, (height, width))
        return found


def completer_in(model: CompNet) -> BoxCompleter | None:
    """The completer that travels with a model, if one does.

    Raises:
        InputError: its weights do not fit.
    """
    extension = model.extensions.get(EXTENSION)
    if extension is None:
        return None
    try:
        return _built(model, extension.tensors, extension.settings["shape"])
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        expected = "expected what `amodal learn --student` writes"
        raise InputError("model", EXTENSION, f"lacks or garbles {error}", expected) from error


def trained_completer(model: CompNet, path: Path) -> BoxCompleter:
    """The completer that the training loop wrote."""
    file = read_network(path, EXTENSION)
    return _built(model, file.tensors, file.metadata["shape"])


def as_extension(completer: BoxCompleter, about: Mapping[str, Any]) -> Extension:
    """The completer as a part of a model file; `about`: JSON values on how it was taught."""
    return Extension({"shape": dict(completer.shape), "about": dict(about)}, completer.network.state_dict())


def _built(model: CompNet, tensors: Mapping[str, Tensor], shape: Mapping[str, Any]) -> BoxCompleter:
    network = BoxNetwork(box_shape(model, **shape))
    network.load_state_dict(dict(tensors))
    network.eval().to(memory_format=torch.channels_last)
    return BoxCompleter(network, shape)
