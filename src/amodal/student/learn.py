"""`teach_student`: a compositional model and the boxes it was learned from in, the same model with a student out."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from amodal.challenge import read_backgrounds
from amodal.challenge.backgrounds import BackgroundPart
from amodal.compnet.model import AGNOSTIC, CompNet, load_model, save_model
from amodal.compnet.refine import REFINEMENTS
from amodal.compnet.training_set import SelectionSettings, rows_by_photo, select_objects
from amodal.compnet.workshop import Workshop
from amodal.data.coco import CocoBoxes, read_objects
from amodal.errors import AmodalError
from amodal.progress import Progress
from amodal.student.box_completer import EXTENSION as BOXES
from amodal.student.calibrate import calibrated
from amodal.student.config import StudentConfig
from amodal.student.lessons import Lessons, cut_outs_of
from amodal.student.model import EXTENSION, as_extension, trained_student
from amodal.student.task import StudentTask
from amodal.student.teacher import Pupil, pupil_of, teach
from amodal.student.whole_box_task import DEFAULTS as BOX_DEFAULTS
from amodal.student.whole_box_task import teach_boxes
from amodal.training.loop import TrainConfig, train


def teach_student(
    model: Path,
    data: Path,
    images: Path,
    backgrounds: Path,
    *,
    split: str | None = "train",
    background_part: BackgroundPart = "all",
    clean_flags: bool = True,
    min_height_px: float = 64.0,
    config: StudentConfig | None = None,
    seed: int = 0,
    work: Path | None = None,
    progress: Progress | None = None,
) -> float:
    """Teach a student and write it into the model's file; seconds of training are returned.

    Boxes, labels and (with `clean_flags`) the flags of fully visible objects are read, no masks. `work` keeps the
    teacher's masks and checkpoints: the same call, stopped at any moment, goes on where it was.

    Raises `InputError` for files that cannot be used, `AmodalError` where there is nothing to learn from.
    """
    config = config or StudentConfig()
    progress = progress or _silent
    compnet = replace(load_model(model), extensions={})
    boxes = read_objects(data, images=images, bad_boxes="skip")
    recipe = {
        "model": _digest(compnet),
        "annotations": boxes_digest(boxes),
        "split": split,
        "backgrounds": background_part,
        "clean_flags": clean_flags,
        "teacher": config.teacher,
    }
    pupils = find_pupils(compnet, boxes, split, config.teacher, recipe, clean_flags, min_height_px, work, progress)
    cut_outs = cut_outs_of(pupils, config.least_tightness, config.least_sureness)
    lessons = Lessons(pupils, read_backgrounds(backgrounds, part=background_part), cut_outs)
    task = StudentTask(compnet, lessons, config.inputs, {"widths": config.widths}, recipe)
    budget = TrainConfig(steps=config.steps, batch=config.batch, seed=seed, rate=config.rate)
    with TemporaryDirectory() as folder:
        taught = train(task, budget, Path(folder) / "student.safetensors", work, progress)
        student = calibrated(trained_student(compnet, taught.path), task, config.calibration_lessons, seed, progress)
    extension = as_extension(student, {**asdict(config), "seed": seed})
    extensions = {EXTENSION: extension}
    save_model(replace(compnet, extensions=extensions), model)
    if not config.box_steps:
        return taught.seconds
    boxes_budget = replace(BOX_DEFAULTS, steps=config.box_steps, seed=seed)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "whole-box.safetensors"
        extensions[BOXES] = teach_boxes(compnet, lessons, recipe, file, work, progress, boxes_budget)
    save_model(replace(compnet, extensions=extensions), model)
    return taught.seconds + float(extensions[BOXES].settings["about"]["seconds"])


def find_pupils(
    model: CompNet,
    boxes: CocoBoxes,
    split: str | None,
    teacher: str,
    recipe: dict[str, Any],
    clean_flags: bool,
    min_height_px: float,
    work: Path | None,
    progress: Progress,
) -> list[Pupil]:
    """The fully visible objects of the model's classes, with the teacher's masks."""
    known = split if any(image.split for image in boxes.images) else None
    settings = SelectionSettings(1, min_height_px, enough_objects=1)
    selection = select_objects(boxes, known, settings, 0, clean_flags=clean_flags)
    rows = sorted(
        int(row)
        for label, found in selection.rows.items()
        if label in model.labels
        for row in found[: selection.visible[label]]
    )
    if not rows:
        raise AmodalError(f"no fully visible object of {', '.join(model.labels)} to teach a student with")
    everyone = rows_by_photo(boxes, np.flatnonzero(~boxes.is_crowd).tolist())
    labels = [label or AGNOSTIC for label in boxes.labels]
    paths = [image.path for image in boxes.images]
    taught = teach(
        model,
        paths,
        rows_by_photo(boxes, rows),
        boxes.boxes,
        labels,
        REFINEMENTS.get(teacher),
        Workshop.of(work, {**recipe, "rows": rows}),
        progress,
    )
    return [
        pupil_of(paths[photo], row, everyone[photo], boxes.boxes, labels, taught[row])
        for row, photo in ((row, boxes.image_index[row]) for row in rows)
    ]


def boxes_digest(boxes: CocoBoxes) -> str:
    """Of all that is read of an annotation file."""
    digest = hashlib.sha256(np.ascontiguousarray(boxes.boxes).tobytes())
    for image in boxes.images:
        digest.update(f"{image.file_name} {image.split} ".encode())
    digest.update(repr((boxes.labels, list(boxes.image_index))).encode())
    return digest.hexdigest()[:16]


def _digest(model: CompNet) -> str:
    digest = hashlib.sha256(model.kernels.directions.numpy().tobytes())
    for label, entry in model.classes.items():
        digest.update(label.encode() + entry.templates.prior.numpy().tobytes())
    return digest.hexdigest()[:16]


def _silent(_stage: str, _done: int, _total: int) -> None:
    pass
