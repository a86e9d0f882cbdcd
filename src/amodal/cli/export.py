"""`amodal export`: a model in, a folder of ONNX or OpenVINO graphs out that runs without torch."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from amodal.cli.exits import DONE
from amodal.cli.objects import from_file
from amodal.cli.photos import find_photos
from amodal.cli.progress import say
from amodal.errors import AmodalError, InputError
from amodal.images import read_photo

if TYPE_CHECKING:
    from amodal.export.quantise import Sample


@dataclass(frozen=True)
class Export:
    """Write a model's networks as ONNX or OpenVINO graphs, which run outside Python and without torch.

    The folder serves wherever a model file does: amodal predict --model FOLDER. It holds the graphs, the templates, and
    export.json, which says the rest: classes, licence, hash of the model, and size and hash of every file.

    Needs pip install 'amodal[export]'. With --int8 convolutions are in whole numbers: faster on most processors, and a
    little less exact; their ranges are measured on photos like those that will be seen.

    Example: amodal export --to onnx --out amodal-onnx
    Example: amodal export own.safetensors --to openvino --int8 --photos photos --boxes boxes.json --out own-int8
    """

    model: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="NAME|FILE")] = "default"
    """The shipped model (default) or the shipped network (detector), or a .safetensors file made by amodal learn or
    amodal train."""
    to: Annotated[Literal["onnx", "openvino"], tyro.conf.arg(metavar="onnx|openvino")] = "onnx"
    """For which engine."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("amodal-export")
    """A new folder."""
    method: Annotated[
        str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: all that the model serves)")
    ] = None
    """Only what this method needs: student or orm of a compositional model."""
    int8: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Convolutions in int8; of compositional models."""
    photos: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="PHOTOS", help_behavior_hint="")] = ()
    """With --int8: photos, and folders of photos, to measure ranges on; without it the six shipped photos."""
    boxes: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """With --photos: boxes of their objects, as predict reads them."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        self._check_use()
        from amodal.export.write import export_model  # brings torch

        samples = self._samples() if self.int8 else []
        report = export_model(self.model, self.out, engine=self.to, method=self.method, samples=samples)
        if self.json:
            print(json.dumps({"folder": str(self.out), **asdict(report)}))
            return DONE
        print(f"methods {', '.join(report.methods)}: graphs {', '.join(report.graphs)}, {report.bytes / 1e6:.1f} MB")
        print(f"folder: {self.out}")
        return DONE

    def _check_use(self) -> None:
        if bool(self.photos) != (self.boxes is not None):
            found = "found one without the other"
            raise InputError("export", "--photos, --boxes", found, "expected photos and the boxes of their objects")
        if self.photos and not self.int8:
            raise InputError("export", "--photos", "found without --int8", "expected --int8, which measures on them")

    def _samples(self) -> list[Sample]:
        from amodal.export.quantise import Sample

        samples: list[Sample] = []
        with _photos_and_boxes(self.photos, self.boxes) as (photos, boxes):
            objects_in = from_file(boxes, photos, None)
            for path in photos:
                try:
                    photo = read_photo(path)
                    objects = objects_in(path, photo)
                except AmodalError as error:
                    say(f"refused: {error}")
                    continue
                samples.append(Sample(photo, objects.boxes, objects.labels))
        if not any(len(sample.labels) for sample in samples):
            raise InputError("export", "--photos", "none has an object", "expected photos with boxes to measure on")
        return samples


@contextmanager
def _photos_and_boxes(photos: tuple[Path, ...], boxes: Path | None) -> Iterator[tuple[list[Path], Path]]:
    """Those that were given, else the shipped ones."""
    if boxes is not None:
        yield list(find_photos(photos)), boxes
        return
    with as_file(files("amodal") / "demo") as folder:
        yield list(find_photos([folder / "photos"])), folder / "boxes.json"
