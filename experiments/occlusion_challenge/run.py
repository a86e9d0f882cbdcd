"""The Occlusion Challenge: every method on pasted scenes whose truth is exact. Tables 2 and 3 of the paper, ours.

    python experiments/occlusion_challenge/run.py --data DIR --backgrounds DIR --models DIR --work DIR

--models holds what `train.sh` beside this file makes: for every seed N compnet-seedN, mask-rcnn-seedN, bbtp-seedN,
pcnet-m-seedN and student-seedN, all .safetensors; the student's rows are left out where its file is not there. So are
those of the amodal family (asn-seed0, amodal-mask-rcnn-seed0), made by `experiments/network_family`; they are asked on
mixed scenes alone. Scenes and predictions are kept in --work; a stopped run goes on where it was.
Objects are those of the val split, backgrounds and textures those of the test part. No network has seen either;
`amodal learn` takes all backgrounds for its outlier models, the test part too (without: backgrounds_unseen.json).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "splits"))
from sources import group_of

from amodal.challenge import ChallengeConfig, Summary, generate
from amodal.comparison import Comparison, compare, parse_specs
from amodal.data.coco import read_objects
from amodal.data.truth import Truth, read_truth

HERE = Path(__file__).parent
# As many scenes as give 150 scored objects in every level: `two` has one of L1, L2 or L3 in each scene.
SCENES = {"two": 456, "four": 300, "two-unknown": 360}
MODELS = ("compnet", "mask-rcnn", "bbtp", "pcnet-m", "student", "amodal-mask-rcnn", "asn")
AMODAL = ("amodal-mask-rcnn", "asn")
CLASSES = {"cars": ("car",), "mixed": ("car", "person", "truck")}


@dataclass(frozen=True)
class Part:
    """A set of scenes, the seeds of the models that are asked, whether the ablations are, a share of the scenes."""

    objects: str
    layout: str
    seeds: tuple[int, ...]
    ablated: bool
    share: float = 1.0

    @property
    def name(self) -> str:
        return f"{self.objects} {self.layout}"


PARTS = (
    Part("cars", "free", (0, 1, 2), True),
    Part("mixed", "free", (0,), False),
    Part("cars", "ground", (0,), False, share=0.5),
)

# Geometry is told apart: on layout `free` it says nothing by construction, so the default's prior would only mislead.
EVERY_SEED = {
    "compnet": "compnet:model={compnet}",
    "published iter 2": "published:model={compnet}",
    "joint iter 2": "orm:model={compnet},refine=none,geometry={geometry}",
    "Mask R-CNN": "mask-rcnn:model={mask-rcnn}",
    "BBTP": "bbtp:model={bbtp}",
    "PCNet-M true masks": "pcnet-m:model={pcnet-m},visible=truth",
    "student": "student:model={student},geometry={geometry}",
}
# Given boxes of what is seen instead of boxes of the whole.
SEEN_BOXES = {
    "box (seen boxes)": "box:boxes=visible",
    "joint refined (seen boxes)": "orm:model={compnet},geometry={geometry},boxes=visible",
    "student (seen boxes)": "student:model={student},geometry={geometry},boxes=visible",
}
FIRST_SEED = {
    "box": "box",
    "prior": "prior:model={compnet}",
    "joint refined": "orm:model={compnet},geometry={geometry}",
    "PCNet-M after Mask R-CNN": "pcnet-m:model={pcnet-m},visible_from=mask-rcnn,visible_model={mask-rcnn}",
}
ABLATED = {
    "NOD": "nod:model={compnet}",
    "published iter 1": "published:model={compnet},rounds=1",
    "joint iter 1": "orm:model={compnet},refine=none,rounds=1,geometry={geometry}",
}
# Trained on street scenes of all three classes, with amodal and inmodal masks as supervision.
FAMILY = {
    "amodal Mask R-CNN": "amodal-mask-rcnn:model={amodal-mask-rcnn},reasoning=none",
    "ASN": "asn:model={asn},reasoning=none",
    "ASN then ORM": "asn:model={asn},reasoning=owners,order_cues=appearance",
}
ROWS = (
    *("box", "prior", "compnet", "NOD", "published iter 1", "published iter 2", "joint iter 1", "joint iter 2"),
    *("joint refined", "student", "Mask R-CNN", "BBTP", "PCNet-M true masks", "PCNet-M after Mask R-CNN"),
    *FAMILY,
    *SEEN_BOXES,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="annotations.json and images/")
    parser.add_argument("--backgrounds", type=Path, required=True)
    parser.add_argument("--models", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", default=[part.name for part in PARTS], help="as 'cars free'")
    parser.add_argument("--scenarios", nargs="+", default=list(SCENES), choices=list(SCENES))
    parser.add_argument("--seeds", nargs="+", type=int, help="of those the part has")
    parser.add_argument("--only", nargs="+", help="only these rows, as 'joint iter 2'; the others stay as measured")
    parser.add_argument("--out", type=Path, default=HERE / "result.json")
    arguments = parser.parse_args()
    measured = {
        part.name: {scenario: measure(part, scenario, arguments) for scenario in arguments.scenarios}
        for part in PARTS
        if part.name in arguments.parts
    }
    if arguments.seeds:
        return
    known = _known_parts(arguments.out)
    result = {
        "command": "python experiments/occlusion_challenge/run.py --data DIR --backgrounds DIR --models DIR --work DIR",
        "date": date.today().isoformat(),
        "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        "values": "mIoU and shares in percent; mean over seeds, `spread` their largest difference",
        # Parts, scenarios and rows may be measured one by one.
        "parts": known | {name: _with_new(known.get(name, {}), found) for name, found in measured.items()},
    }
    arguments.out.write_text(json.dumps(result, indent=1) + "\n")


def _known_parts(path: Path) -> dict:
    return json.loads(path.read_text())["parts"] if path.is_file() else {}


def _with_new(known: dict, measured: dict) -> dict:
    """Scenario by scenario, what was measured now over what was measured before, row by row."""
    made = dict(known)
    for scenario, found in measured.items():
        before = known.get(scenario, {})
        made[scenario] = before | found
        made[scenario] |= {key: before.get(key, {}) | found[key] for key in ("methods", "untold") if key in found}
    return made


def measure(part: Part, scenario: str, arguments: argparse.Namespace) -> dict:
    """One set of scenes: made, every method run over it with the model of every seed, and scored."""
    folder = arguments.work / f"{part.objects}-{part.layout}-{scenario}"
    summary, truths = scenes_of(part, scenario, folder, arguments.data, arguments.backgrounds)
    by_seed = {}
    for seed in part.seeds:
        if arguments.seeds is None or seed in arguments.seeds:
            rows = rows_of(part, seed, arguments.models, arguments.only)
            if rows:
                by_seed[seed] = compare(truths, parse_specs(rows), folder / f"seed{seed}", progress=say)
    if arguments.seeds:
        return {}
    unlabelled = untold(part, truths, arguments.models, folder, arguments.only) if part.objects == "mixed" else {}
    first = by_seed[part.seeds[0]]
    made = {"scenes": summary.scenes, "levels": dict(summary.levels), "rules": first.to_json()["rules"]}
    return made | table_of(by_seed) | unlabelled


def scenes_of(
    part: Part, scenario: str, folder: Path, data: Path, backgrounds: Path, split: str = "val"
) -> tuple[Summary, list[Truth]]:
    """The scenes, made where they are not there yet; cars are told apart by where their outlines come from."""
    config = ChallengeConfig(
        objects=data / "annotations.json",
        images=data / "images",
        backgrounds=backgrounds,
        scenario=scenario,  # unknown occluders are textures alone: nearly all whole objects are of trained classes
        layout=part.layout,
        scenes=round(part.share * SCENES[scenario]),
        seed=1,
        split=split,
        classes=CLASSES[part.objects],
        background_part="test",
        background_names="camvid_*" if part.layout == "ground" else "*",  # perspective wants a street
    )
    summary = generate(config, folder)
    boxes = read_objects(data / "annotations.json", images=data / "images")
    names = {
        str(id): group_of(label, boxes.images[index].source)
        for id, label, index in zip(boxes.ids, boxes.labels, boxes.image_index, strict=True)
        if label == "car"
    }
    return summary, [
        replace(
            truth,
            groups={
                one.id: names[one.meta["source"]]
                for one in truth.scene.instances
                if one.meta["known"] and one.meta["source"] in names
            },
        )
        for truth in read_truth(folder / "scenes.json")
    ]


def untold(part: Part, truths: Sequence[Truth], models: Path, folder: Path, only: Sequence[str] | None) -> dict:
    """Classes by level before and after self-correction, and calibration, where methods are not told the class."""
    seed, geometry = part.seeds[0], str(part.layout != "free").lower()
    model, taught = (models / f"{name}-seed{seed}.safetensors" for name in ("compnet", "student"))
    specs = {
        "before": f"compnet:model={model}",
        "after": f"orm:model={model},refine=none,keep_posteriors=true,geometry={geometry}",
    }
    if taught.is_file():
        specs["student"] = f"student:model={taught},keep_posteriors=true,geometry={geometry}"
    rows = [f"{name}={spec}" for name, spec in specs.items() if not only or name in only]
    if not rows:
        return {}
    methods = compare(truths, parse_specs(rows), folder / "untold", labels="none", progress=say).to_json()["methods"]
    kept = ("classes", "calibration")
    return {"untold": {row["name"]: {key: row[key] for key in kept if key in row} for row in methods}}


def rows_of(part: Part, seed: int, models: Path, only: Sequence[str] | None) -> list[str]:
    first = seed == part.seeds[0]
    specs = EVERY_SEED | (FIRST_SEED | SEEN_BOXES if first else {}) | (ABLATED if first and part.ablated else {})
    files = {name: models / f"{name}-seed{seed}.safetensors" for name in MODELS}
    specs |= FAMILY if first and part.objects == "mixed" else {}
    optional = [f"{{{name}}}" for name in ("student", *AMODAL) if not files[name].is_file()]
    specs = {name: spec for name, spec in specs.items() if not any(model in spec for model in optional)}
    geometry = str(part.layout != "free").lower()
    return [
        f"{name}={specs[name].format(geometry=geometry, **files)}"
        for name in ROWS
        if name in specs and (not only or name in only)
    ]


def table_of(by_seed: dict[int, Comparison]) -> dict:
    """Rows by method: masks and order, averaged over the seeds that were asked."""
    found: dict[str, list[dict]] = {}
    for comparison in by_seed.values():
        for row in comparison.to_json()["methods"]:
            found.setdefault(row["name"], []).append(row)
    return {
        "data": next(iter(by_seed.values())).to_json()["data"],
        "methods": {n: mean_of(r) for n, r in found.items()},
    }


def mean_of(rows: Sequence[dict]) -> dict:
    """Plain means over seeds, number by number; intervals are the first seed's."""
    masks = {
        what: {
            "levels": {level: mean([row["masks"][what]["levels"][level] for row in rows]) for level in first["levels"]},
            "counts": first["counts"],
            "mean_levels": mean([row["masks"][what]["mean_levels"] for row in rows]),
            "mean_objects": mean([row["masks"][what]["mean_objects"] for row in rows]),
            "spread": spread([row["masks"][what]["mean_objects"] for row in rows]),
            "interval_95": first["intervals_95"]["mean_objects"],
        }
        for what, first in rows[0]["masks"].items()
    }
    keys = ("precision", "recall", "f1", "accuracy", "undecided")
    order = {
        pairs: {key: mean([row["order"][pairs][key] for row in rows]) for key in keys if key in first}
        | {"pairs": first["pairs"], "interval_95": first["intervals_95"]["accuracy"]}
        for pairs, first in rows[0].get("order", {}).items()
    }
    per_class = {
        label: {what: rows[0]["masks"][what]["per_class"][label]["mean_objects"] for what in rows[0]["masks"]}
        for label in rows[0]["masks"]["modal"].get("per_class", {})
        if all(label in rows[0]["masks"][what].get("per_class", {}) for what in rows[0]["masks"])
    }
    groups = {
        name: {
            what: {
                "mean_objects": mean([row["groups"][name][what]["mean_objects"] for row in rows]),
                "levels": {
                    level: mean([row["groups"][name][what]["levels"][level] for row in rows]) for level in own["levels"]
                },
                "objects": own["objects"],
                "interval_95": own["intervals_95"]["mean_objects"],
            }
            for what, own in masks_of.items()
        }
        for name, masks_of in rows[0].get("groups", {}).items()
    }
    made = {
        "seeds": len(rows),
        "date": date.today().isoformat(),
        "masks": masks,
        "order": order,
        "per_class": per_class,
        "groups": groups,
    }
    return made | {"seconds_per_photo": mean([row["seconds_per_photo"] for row in rows])}


def mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(float(np.mean(known)), 3) if known else None


def spread(values: Sequence[float]) -> float:
    return round(max(values) - min(values), 2)


def say(stage: str, done: int, total: int) -> None:
    if done == total:
        print(f"{stage}: {done} of {total}", flush=True)


if __name__ == "__main__":
    main()
