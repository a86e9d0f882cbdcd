"""`learn`: photos and boxes in, a compositional model out. Every stage can be resumed; no mask is ever read."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import numpy as np
import torch
from torch import Tensor

from amodal.challenge.backgrounds import BackgroundPart, part_of
from amodal.compnet.finetune import Example, FinetuneSettings, finetune
from amodal.compnet.gather import TrainingObject, gather_backgrounds, gather_objects
from amodal.compnet.learn_class import ClassSettings, learn_class
from amodal.compnet.mixtures import MixtureSettings
from amodal.compnet.model import AGNOSTIC, ClassModel, CompNet, save_model
from amodal.compnet.outliers import fit_outliers, mean_responsibility
from amodal.compnet.templates import Templates
from amodal.compnet.training_set import Selection, SelectionSettings, rows_by_photo, select_objects
from amodal.compnet.vmf import Kernels, fit_kernels
from amodal.compnet.workshop import Tensors, Workshop
from amodal.data.coco import CocoBoxes, read_objects
from amodal.errors import AmodalError, InputError
from amodal.features.backbone import DEFAULT_BACKBONE, Backbone, load_backbone
from amodal.features.lattice import Lattice, Shape, as_xyxy
from amodal.images import PHOTO_SUFFIXES, read_photo
from amodal.progress import Progress

_SAMPLES_PER_OBJECT = 30
_AGNOSTIC_PER_CLASS = 150
_BACKGROUND_PHOTOS = 250


@dataclass(frozen=True)
class LearnConfig:
    """How to learn; the defaults made the shipped model."""

    split: str | None = "train"
    """Learn from photos of this split only (where the file names splits); None takes all."""
    classes: tuple[str, ...] = ()
    """Learn only these; empty means every class with enough boxes."""
    backgrounds: Path | None = None
    """A folder of photos without objects of interest, for the outlier models; without it, what lies between boxes."""
    background_part: BackgroundPart = "all"
    """Which of these; train leaves out those that `amodal challenge --background-part test` pastes onto."""
    backbone: str = DEFAULT_BACKBONE
    """A timm model name."""
    backbone_weights: Path | None = None
    """A safetensors file with the backbone's weights, for machines without network."""
    kernels: int = 256
    """vMF kernels in the dictionary (K)."""
    concentration: float | None = None
    """Their concentration σ; by default the one known to suit the backbone."""
    mixtures: int = 8
    """Mixture components per class (M), fewer for classes of few objects."""
    smoothing_cells: float = 1.0
    """Gaussian smoothing of the templates, in cells."""
    teacher: Literal["grabcut", "guided", "none"] = "grabcut"
    """Image-guided refinement of the training masks."""
    lessons: int = 1
    """How often training masks are refined and templates estimated anew."""
    outliers: int = 6
    """Outlier models β."""
    min_boxes: int = 25
    """Skip classes with fewer boxes of sufficient height."""
    min_height_px: float = 64.0
    """Boxes lower than this are not learned from."""
    max_objects: int = 1200
    """At most so many objects per class."""
    clean_flags: bool = True
    """Whether the file's flags of fully visible objects are used; without them boxes alone say who likely is."""
    finetune_epochs: int = 0
    """Epochs of end-to-end fine-tuning, backbone included."""
    seed: int = 0
    """Same data, same seed, same machine: same model."""

    def __post_init__(self) -> None:
        """Refuse counts below 1 before anything is read."""
        for name in ("kernels", "mixtures", "outliers", "min_boxes", "max_objects"):
            if getattr(self, name) < 1:
                raise InputError("learn", name, f"is {getattr(self, name)}", "expected at least 1")
        if self.concentration is not None and not 0 < self.concentration < float("inf"):
            raise InputError("learn", "concentration", f"is {self.concentration}", "expected a positive number")


@dataclass(frozen=True)
class LearnReport:
    """What was learned from how many objects, and what was skipped."""

    learned: Mapping[str, int]
    visible: Mapping[str, int]
    skipped: Mapping[str, int]
    seconds: float

    def table(self) -> str:
        """One line per class."""
        lines = [f"{'class':<14}{'objects':>8}{'fully visible':>15}"]
        lines += [f"{label:<14}{count:>8}{self.visible[label]:>15}" for label, count in self.learned.items()]
        lines += [f"{label:<14}{count:>8}   skipped: too few boxes" for label, count in self.skipped.items()]
        return "\n".join(lines)


def learn(
    data: Path,
    images: Path,
    out: Path,
    *,
    config: LearnConfig | None = None,
    work: Path | None = None,
    progress: Progress | None = None,
) -> LearnReport:
    """Learn every class of a COCO file with enough boxes, and write the model to `out`.

    Only boxes, labels and flags are read (science §2). `work` keeps finished stages between runs.
    Raises `InputError` for data that cannot be read and `AmodalError` where nothing can be learned.
    """
    started = time.perf_counter()
    config = config or LearnConfig()
    progress = progress or _silent
    boxes = read_objects(data, images=images, bad_boxes="skip")
    split = config.split if any(image.split for image in boxes.images) else None
    selection = _select(boxes, split, config)
    backbone = load_backbone(config.backbone, config.backbone_weights)
    workshop = Workshop.of(work, _ingredients(config, boxes, selection))
    chosen = {int(row) for rows in selection.rows.values() for row in rows}
    rows_of_photo = rows_by_photo(boxes, sorted(chosen))
    photos = [image.path for image in boxes.images]
    objects = gather_objects(backbone, photos, rows_of_photo, boxes.boxes, workshop, progress)
    concentration = config.concentration or backbone.spec.sigma
    kernels = _kernels(objects, config, concentration, workshop, progress)
    outliers = _outliers(backbone, kernels, boxes, split, config, workshop, progress)
    settings = ClassSettings(MixtureSettings(config.mixtures, config.smoothing_cells), config.teacher, config.lessons)
    classes = {}
    for label, rows in selection.rows.items():
        members = [objects[int(row)] for row in rows]
        classes[label] = _class(label, members, kernels, outliers, settings, config.seed, workshop, progress)
    # Weights that came as a file travel with the model: who uses it does not have the file.
    state = _weights(backbone) if config.backbone_weights is not None else {}
    model = CompNet(config.backbone, kernels, classes, outliers, settings.temperature, backbone_state=state)
    if config.finetune_epochs:
        settings_of_tuning = FinetuneSettings(config.finetune_epochs, seed=config.seed)
        model = finetune(model, backbone, _examples(boxes, selection), settings_of_tuning, workshop, progress)
    report = LearnReport(
        {label: len(rows) for label, rows in selection.rows.items()},
        selection.visible,
        selection.skipped,
        time.perf_counter() - started,
    )
    save_model(_with_card(model, boxes, selection, config, report), out)
    return report


def _select(boxes: CocoBoxes, split: str | None, config: LearnConfig) -> Selection:
    """The objects of every learnable class, and for the agnostic model some of every class, skipped ones included."""
    settings = SelectionSettings(config.min_boxes, config.min_height_px, max_objects=config.max_objects)
    every = select_objects(boxes, split, settings, config.seed, clean_flags=config.clean_flags)
    unknown = [label for label in config.classes if label not in boxes.categories]
    if unknown:
        raise InputError("learn", "classes", f"has {unknown[0]!r}", f"expected some of {', '.join(boxes.categories)}")
    rows = {label: found for label, found in every.rows.items() if not config.classes or label in config.classes}
    if not rows:
        counts = ", ".join(f"{label} {count}" for label, count in every.skipped.items()) or "no labelled box"
        raise AmodalError(
            f"no class has {settings.min_boxes} boxes at least {settings.min_height_px:g} px high ({counts}); "
            "add boxes, or lower min-boxes or min-height-px"
        )
    most = min(config.max_objects, _AGNOSTIC_PER_CLASS)
    few = SelectionSettings(1, config.min_height_px, enough_objects=30, max_objects=most)
    mixed = select_objects(boxes, split, few, config.seed, clean_flags=config.clean_flags)
    agnostic = np.concatenate(list(mixed.rows.values()))
    return Selection(
        rows | {AGNOSTIC: agnostic}, dict(every.visible) | {AGNOSTIC: sum(mixed.visible.values())}, every.skipped
    )


def _ingredients(config: LearnConfig, boxes: CocoBoxes, selection: Selection) -> dict[str, Any]:
    """Everything the stages are made from: the recipe of the workshop."""
    given = [*_backgrounds(config), *([config.backbone_weights] if config.backbone_weights else [])]
    return {
        "config": asdict(config) | {"finetune_epochs": 0},  # fine-tuning comes after all stages
        "files": [(image.file_name, _size(image.path), image.split) for image in boxes.images],
        "given": [(str(path), _size(path)) for path in given],
        "chosen": {label: rows.tolist() for label, rows in selection.rows.items()},
        "boxes": np.column_stack([boxes.image_index, boxes.boxes]).tolist(),  # all: backgrounds keep clear of them
    }


def _backgrounds(config: LearnConfig) -> list[Path]:
    if config.backgrounds is None:
        return []
    photos = sorted(path for path in config.backgrounds.rglob("*") if path.suffix.lower() in PHOTO_SUFFIXES)
    return [path for path in photos if config.background_part in ("all", part_of(path.name))]


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _kernels(
    objects: Mapping[int, TrainingObject],
    config: LearnConfig,
    concentration: float,
    workshop: Workshop,
    progress: Progress,
) -> Kernels:
    def compute() -> Tensors:
        generator = torch.Generator().manual_seed(config.seed)
        samples = []
        for row in sorted(objects):
            for view in (objects[row].plain, objects[row].mirrored):
                cells = view.features.flatten(1).T
                chosen = torch.randperm(len(cells), generator=generator)[:_SAMPLES_PER_OBJECT]
                samples.append(torch.nn.functional.normalize(cells[chosen].float(), dim=1))
        found = torch.cat(samples)
        if len(found) < config.kernels:
            raise AmodalError(f"{len(found)} features are too few for {config.kernels} kernels; ask for fewer kernels")
        fitted = fit_kernels(
            found,
            config.kernels,
            concentration,
            generator,
            progress=lambda done, total: progress("dictionary", done, total),
        )
        return {"directions": fitted.directions}

    return Kernels(workshop.stage("kernels", compute)["directions"], concentration)


def _outliers(
    backbone: Backbone,
    kernels: Kernels,
    boxes: CocoBoxes,
    split: str | None,
    config: LearnConfig,
    workshop: Workshop,
    progress: Progress,
) -> Tensor:
    if config.backgrounds is not None:
        photos = _backgrounds(config)
        if not photos:
            raise InputError(str(config.backgrounds), "backgrounds", "holds no photo", "expected .jpg or .png files")
        occupied: Sequence[np.ndarray] = [np.zeros((0, 4))] * len(photos)
    else:
        indices = [i for i, image in enumerate(boxes.images) if split is None or image.split == split]
        indices = list(np.random.default_rng(config.seed).permutation(indices)[:_BACKGROUND_PHOTOS])
        photos = [boxes.images[i].path for i in indices]
        occupied = [boxes.boxes[boxes.image_index == i] for i in indices]
    features = gather_backgrounds(backbone, photos, occupied, config.seed, workshop, progress)
    if not features:
        raise AmodalError("no background was found between the boxes; give a folder of photos with --backgrounds")
    shares = [mean_responsibility(kernels.likelihood(cells[None])) for cells in features]
    return fit_outliers(torch.cat(shares), config.outliers, config.seed)


def _class(
    label: str,
    members: list[TrainingObject],
    kernels: Kernels,
    outliers: Tensor,
    settings: ClassSettings,
    seed: int,
    workshop: Workshop,
    progress: Progress,
) -> ClassModel:
    def told(step: str, done: int, total: int) -> None:
        progress(f"{label}: {step}", done, total)

    def compute() -> Tensors:
        try:
            learned = learn_class(members, kernels, outliers, settings, seed, told)
        except AmodalError as error:
            raise AmodalError(f"class {label}: {error}") from error
        numbers = torch.tensor([learned.threshold, learned.outlier_log_prior], dtype=torch.float64)
        shape = torch.tensor([learned.templates.shape.rows, learned.templates.shape.cols])
        parts = learned.templates
        return {
            "foreground": parts.foreground,
            "context": parts.context,
            "prior": parts.prior,
            "numbers": numbers,
            "shape": shape,
        }

    stage = workshop.stage(f"class-{quote(label, safe='')}", compute)
    rows, cols = (int(value) for value in stage["shape"])
    templates = Templates(Shape(rows, cols), stage["foreground"], stage["context"], stage["prior"])
    threshold, log_prior = (float(value) for value in stage["numbers"])
    return ClassModel(templates, threshold, log_prior)


def _weights(backbone: Backbone) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in backbone.network.state_dict().items()}


def _examples(boxes: CocoBoxes, selection: Selection) -> list[Example]:
    """Every training object once, under its own label."""
    rows = sorted({int(row) for label, found in selection.rows.items() if label != AGNOSTIC for row in found})
    return [
        Example(
            partial(read_photo, boxes.images[boxes.image_index[row]].path),
            Lattice.of_box(as_xyxy(boxes.boxes[row])),
            boxes.labels[row] or AGNOSTIC,
        )
        for row in rows
    ]


def _with_card(
    model: CompNet, boxes: CocoBoxes, selection: Selection, config: LearnConfig, report: LearnReport
) -> CompNet:
    used = {int(boxes.image_index[row]) for rows in selection.rows.values() for row in rows}
    photos = Counter((boxes.images[i].source or "unknown", boxes.images[i].licence or "unknown") for i in used)
    has_flags = boxes.clean is not None or boxes.clean64 is not None
    card = {
        "supervision": "bounding boxes and labels"
        + (" and flags of fully visible objects" if config.clean_flags and has_flags else ""),
        "config": {key: value.name if isinstance(value, Path) else value for key, value in asdict(config).items()},
        "objects": dict(report.learned),
        "fully_visible": dict(report.visible),
        "skipped": dict(report.skipped),
        "photos": [{"source": s, "licence": licence, "photos": n} for (s, licence), n in sorted(photos.items())],
    }
    return replace(model, card=card)


def _silent(_stage: str, _done: int, _total: int) -> None:
    """No one is watching."""
