"""A network of the amodal family as two graphs: "look" for given boxes, "find" for those that it finds itself.

The graphs hold all of the network, its region proposals and suppression too. Around them the code of the family stays
as it is, and that speaks torch: here alone torch is needed at run time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torchvision.models.detection.image_list import ImageList

from amodal.errors import InputError
from amodal.export.engines import Graph, graph_of
from amodal.export.folder import ExportedModel, read_export
from amodal.export.graphs import write_graph
from amodal.methods.given import ALL_CUES
from amodal.methods.masks import How, mask_reasoner
from amodal.networks.files import Loaded, settings_of
from amodal.networks.occluded import Occlusion
from amodal.networks.parts.batch import Batch, Found
from amodal.networks.registry import FAMILY, member
from amodal.networks.segmenter import BoxSource, FamilySegmenter
from amodal.training.files import name_in

EXPORTABLE = ("amodal-mask-rcnn", "orcnn", "panet", "asn", "panet-asn")
"""Those whose number of RoIs may change in a traced graph; the others' code counts RoIs in Python."""

_FIELDS = ("boxes", "labels", "scores", "frames", "amodal", "inmodal", "occluded")
_EXAMPLE_PX = (256, 384)


def is_network(path: Path) -> bool:
    """Whether a model file holds a network of the family."""
    try:
        return name_in(path) in FAMILY
    except InputError:
        return False


def write_network_graphs(loaded: Loaded, folder: Path, about: Mapping[str, str]) -> None:
    """The graphs "look" and "find" of a network.

    Raises:
        InputError: a network that cannot be exported.
    """
    if loaded.name not in EXPORTABLE:
        expected = f"expected one of {', '.join(EXPORTABLE)}"
        raise InputError("export", "network", f"{loaded.name} cannot be exported", expected)
    network = cast(nn.Module, loaded.network)
    picture = torch.full((1, 3, *_EXAMPLE_PX), 127.0)
    boxes = torch.tensor([[10.0, 20.0, 100.0, 200.0], [50.0, 60.0, 300.0, 220.0]])
    outputs = [name for name in _FIELDS if name != "occluded" or _says_occlusion(loaded)]
    free = {2: "height", 3: "width"}
    axes: dict[str, dict[int, str]] = {"picture": free, **{name: {0: "n"} for name in outputs}}
    given: dict[str, dict[int, str]] = {"given": {0: "n"}, "wanted": {0: "n"}}
    with _one_picture():
        inputs = {"picture": picture, "given": boxes, "wanted": torch.tensor([1, 0])}
        write_graph(_Look(network), inputs, outputs, {**axes, **given}, folder / "look.onnx", about)
        write_graph(_Find(network), {"picture": picture}, outputs, axes, folder / "find.onnx", about)


def network_head(loaded: Loaded) -> dict[str, Any]:
    """What export.json says of a network."""
    return {
        "labels": list(loaded.classes),
        "settings": asdict(loaded.settings),
        "occlusion": None if loaded.occlusion is None else loaded.occlusion.to_json(),
    }


def method(name: str) -> Callable[..., FamilySegmenter]:
    """The `load` of an exported network of the family."""

    def load(
        model: str | os.PathLike[str],
        *,
        boxes: BoxSource = "given",
        least_score: float = 0.5,
        reasoning: How = "owners",
        order_cues: str = ALL_CUES,
        keep_posteriors: bool = False,
        threads: int | None = None,
    ) -> FamilySegmenter:
        """An exported network as a method; settings as in `networks/segmenter.py`, `threads` of the engine."""
        exported = read_export(model)
        exported.method(name)
        loaded = _loaded(exported, threads)
        reasoner = mask_reasoner(reasoning, order_cues)
        return FamilySegmenter(loaded, exported.name, boxes, least_score, reasoner, keep_posteriors)

    return load


load_amodal_mask_rcnn = method("amodal-mask-rcnn")
load_orcnn = method("orcnn")
load_panet = method("panet")
load_asn = method("asn")
load_panet_asn = method("panet-asn")


@dataclass(frozen=True)
class ExportedNetwork:
    """The graphs with the face of a network of the family; pictures one at a time."""

    model: ExportedModel
    threads: int | None = None

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """None: what was exported learns no more."""
        raise NotImplementedError

    def find(self, images: ImageList) -> list[Found]:
        """As `AmodalNetwork.find`, of one picture."""
        return [_found(self._find({"picture": images.tensors.numpy()}))]

    def look(self, images: ImageList, boxes: Sequence[Tensor], labels: Sequence[Tensor]) -> list[Found]:
        """As `AmodalNetwork.look`, of one picture."""
        inputs = {"picture": images.tensors.numpy(), "given": boxes[0].numpy(), "wanted": labels[0].numpy()}
        return [_found(self._look(inputs))]

    @cached_property
    def _look(self) -> Graph:
        return graph_of(self.model, "look", self.threads)

    @cached_property
    def _find(self) -> Graph:
        return graph_of(self.model, "find", self.threads)


class _Look(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor, given: Tensor, wanted: Tensor) -> tuple[Tensor, ...]:
        return _flat(self.network.look(_alone(picture), [given], [wanted])[0])


class _Find(nn.Module):
    def __init__(self, network: Any) -> None:
        super().__init__()
        self.network = network

    def forward(self, picture: Tensor) -> tuple[Tensor, ...]:
        return _flat(self.network.find(_alone(picture))[0])


class _OnePart(TorchFunctionMode):
    """A tensor that is split into one part is that part: a traced graph would keep the part's length."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.split and isinstance(args[1], Sequence) and len(args[1]) == 1:
            return (args[0],)
        return func(*args, **(kwargs or {}))


@contextmanager
def _one_picture() -> Iterator[None]:
    with _OnePart():
        yield


def _alone(picture: Tensor) -> ImageList:
    return ImageList(picture, [(picture.shape[2], picture.shape[3])])


def _flat(found: Found) -> tuple[Tensor, ...]:
    parts = (getattr(found, name) for name in _FIELDS)
    # An output that is an input, as given boxes are, would not be an output.
    return tuple(part + 0 for part in parts if part is not None)


def _found(outputs: Mapping[str, Any]) -> Found:
    parts = {name: torch.from_numpy(values.copy()) for name, values in outputs.items()}
    return Found(**{name: parts.get(name) for name in _FIELDS})  # type: ignore[arg-type]


def _says_occlusion(loaded: Loaded) -> bool:
    return bool(getattr(loaded.settings, "occlusion", False))


def _loaded(exported: ExportedModel, threads: int | None) -> Loaded:
    where, head = str(exported.folder), exported.head
    labels, said = head.get("labels"), head.get("occlusion")
    if not isinstance(labels, list) or not labels or not all(isinstance(label, str) for label in labels):
        raise InputError(where, "labels", f"is {labels!r}", "expected a list of names")
    name = exported.methods[0]
    settings = settings_of(member(name), head.get("settings"), where)
    occlusion = None if said is None else Occlusion.from_json(said, where)
    return Loaded(name, ExportedNetwork(exported, threads), tuple(labels), settings, occlusion, head)
