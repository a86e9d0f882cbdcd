"""The worst objects of the val photos, to look at: what was true, what a method said.

    python experiments/worst_cases/run.py --data DIR --method student --out DIR [--scenes DIR ...] [--limit PHOTOS]

DIR holds `annotations.json` and `images/` of the street data; --scenes names folders of the Occlusion Challenge made of
val objects. Ranked by the IoU of the visible mask, at most two objects of a photo; those lower than 40 px are left out:
a photo shows too little of them to say why. Writes pictures and index.html into --out (photos for research: not to be
passed on) and cases.json beside this file, from which docs/worst-cases.md is rendered together with reasons.json,
written by hand: {"PHOTO ANNOTATION": "why"}. --pictures DIR writes small pictures of those photos alone whose licence,
CC BY or CC BY-SA, allows it.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "splits"))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "real_occlusion"))
from box_sheets import LEAST_HEIGHT_PX
from overlaps import drawn, others
from tiles import tile_of, write_page
from truths import fully_visible, without_geometry

from amodal.comparison import parse_specs
from amodal.comparison.running import run_method
from amodal.data.coco import read_objects
from amodal.data.truth import Truth, read_truth
from amodal.evaluation.levels import UNKNOWN, rounded
from amodal.evaluation.masks import mask_scores
from amodal.evaluation.pairing import pair_all
from amodal.images import read_photo
from amodal.scene import Instance

HERE = Path(__file__).parent
FREE_LICENCES = ("CC BY 2.0", "CC BY-SA 2.0")
PICTURE_PX = 360
MOST_PER_PHOTO = 2


@dataclass(frozen=True, eq=False)
class Case:
    """One object, what is true of it and what was said; IoU in percent, None where truth does not say."""

    kind: str
    photo: str
    annotation: int
    modal: float
    amodal: float | None
    hidden: str
    truth: Truth
    true: Instance
    said: Instance | None

    @property
    def key(self) -> str:
        """What reasons.json calls it by."""
        return f"{self.photo} {self.annotation}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--method", default="student", metavar="SPEC")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--scenes", type=Path, nargs="*", default=[])
    parser.add_argument("--cases", type=int, default=30)
    parser.add_argument("--each", action="store_true", help="as many of every kind of photos, not just the worst")
    parser.add_argument("--pictures", type=Path, help="folder for pictures of photos that may be passed on")
    parser.add_argument("--limit", type=int, help="photos of each kind, to try out; cases.json goes to --out then")
    arguments = parser.parse_args()
    (spec,) = parse_specs([arguments.method])
    kinds = {kind: truths[: arguments.limit] for kind, truths in truths_of(arguments.data, arguments.scenes).items()}
    by_kind = {}
    for kind, truths in kinds.items():
        told = without_geometry(spec) if "-free-" in kind else spec
        run = run_method(told, truths, arguments.out / "predictions" / kind, progress=say)
        for failure in run.failures:
            print(f"{spec.name} failed on {failure.photo}: {failure.reason}")
        by_kind[kind] = list(cases_of(kind, truths, run.scenes))
    if arguments.each:
        share = -(-arguments.cases // len(by_kind))
        chosen = worst([case for own in by_kind.values() for case in worst(own, share)], arguments.cases)
    else:
        chosen = worst([case for own in by_kind.values() for case in own], arguments.cases)
    tiles = [tile_of(read_photo(case.truth.path), case.true, case.said) for case in chosen]
    titles = [f"{n}. {case.kind}: {case.true.label} of {case.key}, {case.modal:.0f} %" for n, case in numbered(chosen)]
    write_page(arguments.out, titles, tiles)
    licences = {
        photo.file_name: (photo.licence, photo.source)
        for photo in read_objects(arguments.data / "annotations.json", images=arguments.data / "images").images
    }
    listed = []
    for (n, case), tile in zip(numbered(chosen), tiles, strict=True):
        licence, source = licences.get(case.photo, ("", ""))
        entry = case_json(case) | {"licence": licence, "source": source}
        if arguments.pictures and free(licence):
            entry["picture"] = picture(arguments.pictures / f"worst-{n:02d}.jpg", tile)
        listed.append(entry)
    result = {
        "command": "python experiments/worst_cases/run.py --data DIR --out DIR --scenes DIR --method "
        + arguments.method,
        "date": date.today().isoformat(),
        "method": spec.method,
        "model": Path(spec.model).name,
        "objects": {kind: len(cases) for kind, cases in by_kind.items()},
        "each": arguments.each,
        "cases": listed,
    }
    file = (arguments.out if arguments.limit else HERE) / "cases.json"
    file.write_text(json.dumps(result, indent=1) + "\n")
    print(f"{len(chosen)} cases in {arguments.out / 'index.html'}, {file}")


def truths_of(street: Path, scenes: Iterable[Path]) -> dict[str, list[Truth]]:
    """By kind of photo."""
    known = {"fully visible": fully_visible(street)}
    known["overlapping, drawn boxes"] = drawn(street, "val", "whole")
    known["overlapping, seen boxes"] = others(street, "val")
    return known | {f"challenge {folder.name}": read_truth(folder / "scenes.json") for folder in scenes}


def cases_of(kind: str, truths: list[Truth], scenes) -> Iterable[Case]:
    scores = mask_scores(truths, scenes, boundary_px=None)
    pairings = pair_all(truths, scenes)
    hidden = scores.groups if kind.startswith("overlapping, drawn") else scores.levels
    for row, (index, id) in enumerate(zip(scores.images.tolist(), scores.ids.tolist(), strict=True)):
        truth = truths[index]
        one = truth.scene.instance(id)
        photo, annotation = truth.scene.image or "", id
        if kind.startswith("challenge"):
            photo, annotation = f"{kind.removeprefix('challenge ')}/{photo}", int(one.meta["source"])
        modal, amodal = rounded(100 * scores.modal_iou[row], 1), rounded(100 * scores.amodal_iou[row], 1)
        said = "" if hidden[row] == UNKNOWN else hidden[row]
        if one.box[3] - one.box[1] < LEAST_HEIGHT_PX:
            continue
        yield Case(kind, photo, annotation, modal or 0.0, amodal, said, truth, one, pairings[index][id])


def worst(cases: list[Case], count: int) -> list[Case]:
    """The worst first; an object is there once, a photo at most twice."""
    chosen: list[Case] = []
    photos: Counter[str] = Counter()
    keys: set[str] = set()
    for case in sorted(cases, key=lambda case: (case.modal, case.key)):
        if len(chosen) < count and photos[case.photo] < MOST_PER_PHOTO and case.key not in keys:
            chosen.append(case)
            photos[case.photo] += 1
            keys.add(case.key)
    return chosen


def numbered(cases: list[Case]) -> list[tuple[int, Case]]:
    return list(enumerate(cases, start=1))


def case_json(case: Case) -> dict:
    return {
        "key": case.key,
        "kind": case.kind,
        "photo": case.photo,
        "annotation": case.annotation,
        "class": case.true.label,
        "modal_iou": case.modal,
        "amodal_iou": case.amodal,
        "hidden": case.hidden,
        "found": case.said is not None,
    }


def free(licence: str) -> bool:
    """Whether pictures made of the photo may be passed on: "CC BY 2.0 (Flickr)" is, "CC BY-NC 2.0 (Flickr)" is not."""
    return licence.partition(" (")[0] in FREE_LICENCES


def picture(path: Path, tile: np.ndarray) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(tile)
    image.thumbnail((2 * PICTURE_PX, PICTURE_PX))
    image.save(path, quality=85)
    return path.name


def say(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
