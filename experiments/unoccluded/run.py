"""mIoU and classification of unoccluded validation objects, true boxes, beside the two trivial rows.

    python experiments/unoccluded/run.py --data DIR [--model FILE ...] [--method student ...] [--held] [--out FILE]

DIR holds `annotations.json` and `images/`. Several models (seeds) give a mean and each seed's figure. Objects are
those flagged fully visible (`clean64`), so their visible mask is their amodal truth. --method adds rows of methods as
`comparison/specs.py` writes them, every one with each of the models. --held adds the hand-drawn cars of
experiments/splits/held_out.json to a column of their own: for models that did not learn from them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "splits"))
from sources import group_of

from amodal.comparison import parse_specs
from amodal.data.coco import CocoBoxes, read_masks, read_objects
from amodal.features.lattice import pixel_window
from amodal.images import read_photo
from amodal.masks import CropMask
from amodal.methods import compnet
from amodal.methods.compositional import CompositionalSegmenter, read_model
from amodal.methods.given import refinement_of
from amodal.methods.looking import Seen, evidence_of, look
from amodal.methods.pixels import cells_to_pixels
from amodal.segmenter import Segmenter, load

Record = dict[str, Any]
HELD_OUT = Path(__file__).resolve().parents[1] / "splits" / "held_out.json"
HAND_DRAWN = "car, hand-drawn"


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", nargs="+", default=["default"])
    parser.add_argument("--split", default="val")
    parser.add_argument("--method", nargs="+", default=[], metavar="SPEC")
    parser.add_argument("--held", action="store_true", help="hand-drawn cars held out of the train split too")
    parser.add_argument("--limit", type=int, help="so many objects, to try out")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    arguments = parser.parse_args()
    boxes, rows = _objects(arguments.data, arguments.split, arguments.held)
    rows = dict(list(rows.items())[:: max(1, len(rows) // (arguments.limit or len(rows)))])
    masks = read_masks(arguments.data / "annotations.json", {int(boxes.ids[row]) for row in rows})
    specs = parse_specs(arguments.method) if arguments.method else ()
    seeds = []
    for model in arguments.model:
        more = {spec.name: load(model, spec.method, **spec.settings) for spec in specs}
        seeds.append(_measure(compnet.load(model), more, boxes, rows, masks, str(model)))
    result = {
        "command": "python experiments/unoccluded/run.py --data DIR --model "
        + " ".join(Path(model).stem for model in arguments.model)
        + f" --split {arguments.split}"
        + (f" --method {' '.join(arguments.method)}" if arguments.method else "")
        + " --held" * arguments.held,
        "models": {Path(model).stem: read_model(model)[0].card.get("config", {}) for model in arguments.model},
        "date": date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "groups": _summary(seeds),
    }
    _print(result["groups"])
    if arguments.limit is None or arguments.out != parser.get_default("out"):
        arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def _objects(data: Path, split: str, held: bool) -> tuple[CocoBoxes, dict[int, tuple[str, ...]]]:
    """All boxes, and the rows of the objects that are measured with the columns in which they count."""
    boxes = read_objects(data / "annotations.json", images=data / "images")
    flags = boxes.clean64 if boxes.clean64 is not None else np.zeros(len(boxes), bool)
    held_out = set(json.loads(HELD_OUT.read_text("utf-8"))["photos"]) if held else set()
    rows: dict[int, tuple[str, ...]] = {}
    for row in np.flatnonzero(flags).tolist():
        photo, label = boxes.images[boxes.image_index[row]], str(boxes.labels[row])
        group = group_of(label, photo.source)
        if photo.split == split:
            columns = {"all", label, group}
            if group == HAND_DRAWN and held:
                columns = columns - {group} | {f"{group} ({split})", f"{group} ({split} + held)"}
            rows[row] = tuple(sorted(columns))
        elif photo.file_name in held_out and group == HAND_DRAWN:
            rows[row] = (f"{group} ({split} + held)",)
    return boxes, rows


def _measure(
    method: CompositionalSegmenter,
    more: dict[str, Segmenter],
    boxes: CocoBoxes,
    rows: dict[int, tuple[str, ...]],
    masks: dict[int, CropMask],
    name: str,
) -> list[Record]:
    """One record per object of a class the model knows."""
    known = [row for row in rows if boxes.labels[row] in method.labels]
    records = []
    for row, photo in track(list(_photos(boxes, known)), description=name):
        label = boxes.labels[row]
        box = boxes.boxes[row : row + 1]
        truth = masks[int(boxes.ids[row])]
        seen = look(method.model, [photo], [box], [[label]])[0][0]
        guess = look(method.model, [photo], [box], [[None]])[0][0]
        found = {"whole box": _box_mask(seen, photo), "prior alone": _prior_mask(method, seen, photo)}
        for refine in ("none", "guided", "grabcut"):
            evidence = evidence_of(method.model, seen, photo, refinement_of(refine))
            reasoning = compnet.alone([evidence], lambda *_: None, None)
            title = "compnet" if refine == "none" else refine
            found[f"{title} modal"] = _mask(reasoning.modal[0], evidence.window, photo)
            found[f"{title} amodal"] = _mask(reasoning.amodal[0], evidence.window, photo)
        for title, other in more.items():
            (answer,) = other.segment(photo, box, [label]).instances
            found |= {f"{title} modal": answer.modal, f"{title} amodal": answer.amodal}
        records.append(
            {
                "label": label,
                "groups": rows[row],
                "iou": {row_name: mask.iou(truth) for row_name, mask in found.items()},
                "right": guess.label == label,
                "guess": guess.label,
            }
        )
    return records


def _photos(boxes: CocoBoxes, rows: list[int]) -> Iterator[tuple[int, np.ndarray]]:
    for row in rows:
        yield row, read_photo(boxes.images[boxes.image_index[row]].path)


def _box_mask(seen: Seen, photo: np.ndarray) -> CropMask:
    return CropMask.from_box(seen.lattice.box, *photo.shape[:2])


def _prior_mask(method: CompositionalSegmenter, seen: Seen, photo: np.ndarray) -> CropMask:
    templates = method.model.classes[seen.label].templates.on(seen.lattice.shape)
    window = pixel_window(seen.lattice.box, photo.shape[1], photo.shape[0])
    prior = templates.prior[seen.mixture][None].numpy()
    return _mask(cells_to_pixels(prior, seen.lattice, window)[0] > 0.5, window, photo)


def _mask(pixels: np.ndarray, window: tuple[int, int, int, int], photo: np.ndarray) -> CropMask:
    return CropMask.from_crop(pixels, window[0], window[1], *photo.shape[:2])


def _summary(seeds: list[list[Record]]) -> dict[str, Record]:
    groups: dict[str, Record] = {}
    names = sorted({name for record in seeds[0] for name in record["groups"]})
    for name in names:
        members = [[r for r in s if name in r["groups"]] for s in seeds]
        entry: Record = {"objects": len(members[0]), "miou": {}}
        for row in members[0][0]["iou"]:
            values = np.array([[100 * r["iou"][row] for r in s] for s in members])
            per_seed = values.mean(1)
            low, high = _bootstrap(values.mean(0))
            entry["miou"][row] = {
                "mean": round(float(per_seed.mean()), 1),
                "seeds": [round(float(v), 1) for v in per_seed],
                "interval_95": [low, high],
            }
        right = np.array([[r["right"] for r in s] for s in members])
        entry["classification"] = {
            "mean": round(float(100 * right.mean()), 1),
            "seeds": [round(float(100 * v), 1) for v in right.mean(1)],
        }
        confusion: dict[str, int] = defaultdict(int)
        for record in members[0]:
            if not record["right"]:
                confusion[f"{record['label']} taken for {record['guess']}"] += 1
        entry["mistakes_first_seed"] = dict(confusion)
        groups[name] = entry
    return groups


def _bootstrap(values: np.ndarray) -> tuple[float, float]:
    """95 % interval of the mean over objects."""
    generator = np.random.default_rng(0)
    means = generator.choice(values, (2000, len(values))).mean(1)
    low, high = np.percentile(means, [2.5, 97.5])
    return round(float(low), 1), round(float(high), 1)


def _print(groups: dict[str, Record]) -> None:
    rows = list(next(iter(groups.values()))["miou"])
    print(f"{'':<18}" + "".join(f"{name:>26}" for name in groups))
    print(f"{'objects':<18}" + "".join(f"{entry['objects']:>26}" for entry in groups.values()))
    for row in rows:
        cells = [
            f"{e['miou'][row]['mean']:.1f} [{e['miou'][row]['interval_95'][0]}, {e['miou'][row]['interval_95'][1]}]"
            for e in groups.values()
        ]
        print(f"{row:<18}" + "".join(f"{cell:>26}" for cell in cells))
    print(f"{'classification':<18}" + "".join(f"{e['classification']['mean']:>26.1f}" for e in groups.values()))
    print({name: e["mistakes_first_seed"] for name, e in groups.items() if e["mistakes_first_seed"]})


if __name__ == "__main__":
    main()
