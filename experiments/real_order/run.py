"""Who is in front in real photos: pairs judged by eye, by boxes, by appearance, by both, and as published.

    python experiments/real_order/run.py --data DIR [--model FILE]

DIR holds `annotations.json` and `images/`; boxes are those of the visible parts, labels are given. The backbone sees
every object once. Writes result.json beside this file. Settings are chosen on the train pairs; val pairs are only
measured. Beware: the model learned from the train photos too, so appearance looks better on train than it is.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from importlib.resources import files
from math import inf, log
from pathlib import Path

import numpy as np
from rich.progress import track

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "order_prior"))
from judged import counts, front_first, kind, larger_box, lower_edge, read_pairs
from uncertainty import average, calibration_error, resampled_photos

from amodal.compnet.model import CompNet
from amodal.data.coco import read_objects
from amodal.images import read_photo
from amodal.methods.compositional import read_model, refinement_of
from amodal.methods.looking import Seen, evidence_of, look, look_again
from amodal.reasoning import Evidence, PairGeometry, Reasoning, joint, published
from amodal.reasoning.cluster import start_cluster

LEAST_HEIGHT_PX = 32
WEIGHTS = (0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)
LIMITS = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, inf)
COIN_TOSS = 0.02
"""An edge of lower log-odds, .50 to two digits, decides nothing: like a missing edge it is called undecided."""
GEOMETRY = PairGeometry()
BOTH = "both (default)"

Reasoner = Callable[..., Reasoning]
Verdict = tuple[float, float]
"""1 where the true front is put in front, -1 where behind, 0 where undecided; log-odds for the true order."""


@dataclass
class Photo:
    """One photo's objects after their only backbone pass; evidence and reasoning are made once for what is asked."""

    model: CompNet
    pixels: np.ndarray
    ids: list[int]
    seen: list[Seen]
    made: dict[tuple[object, ...], Evidence] = field(default_factory=dict)
    reasoned: dict[tuple[object, ...], Reasoning] = field(default_factory=dict)

    def evidence(self, n: int, seen: Seen, refine: str) -> Evidence:
        key = (n, seen.label, seen.mixture, refine)
        if key not in self.made:
            self.made[key] = evidence_of(self.model, seen, self.pixels, refinement_of(refine), absolute=True)
        return self.made[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("result.json"))
    arguments = parser.parse_args()
    start = time.perf_counter()
    splits = {split: read_pairs(split) for split in ("train", "val")}
    photos = look_at_photos(arguments.data, arguments.model, [pair for pairs in splits.values() for pair in pairs])
    verdicts = {split: {False: [], True: []} for split in splits}
    for split, pairs in splits.items():
        for everybody in (False, True):
            verdicts[split][everybody] = [by_methods(photos[p["image"]], p, everybody) for p in track(pairs, split)]
    model_file = str(files("amodal") / "models" / "default.safetensors")
    model_file = model_file if arguments.model == "default" else arguments.model
    result = {
        "command": "python experiments/real_order/run.py --data DIR",
        "date": date.today().isoformat(),
        "machine": {"cpu": cpu_model(), "cores": os.cpu_count()},
        "model": Path(model_file).stem,
        "model_sha256": hashlib.sha256(Path(model_file).read_bytes()).hexdigest()[:16],
        "n": {split: counts(pairs) for split, pairs in splits.items()},
        "beware": "The model learned from the boxes of the train photos, the prior from the train pairs.",
        "settings": {"evidence_weight": joint.JointSettings().evidence_weight}
        | {"max_pair_log_odds": joint.JointSettings().max_pair_log_odds},
        "chosen_on_train": choose(splits["train"], photos),
        "boxes_of_the_pair_alone": {s: by_kind(splits[s], splits["train"], verdicts[s][False]) for s in splits},
        f"all_boxes_of_{LEAST_HEIGHT_PX}_px_height": {
            s: by_kind(splits[s], splits["train"], verdicts[s][True]) for s in splits
        },
        "seconds": round(time.perf_counter() - start),
    }
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", json.dumps(result, indent=1))
    arguments.out.write_text(text + "\n")
    show(result)


def look_at_photos(data: Path, model_name: str, pairs: Sequence[dict]) -> dict[str, Photo]:
    model, _ = read_model(model_name)
    boxes = read_objects(data / "annotations.json", images=data / "images")
    judged = {pair[key] for pair in pairs for key in "ab"}
    rows: dict[str, list[int]] = {pair["image"]: [] for pair in pairs}
    for row, (_, y0, _, y1) in enumerate(boxes.boxes):
        name = boxes.images[boxes.image_index[row]].path.name
        is_wanted = y1 - y0 >= LEAST_HEIGHT_PX and not boxes.is_crowd[row]
        if name in rows and (is_wanted or int(boxes.ids[row]) in judged):
            rows[name].append(row)
    photos = {}
    for name, own in track(rows.items(), "looking"):
        pixels = read_photo(data / "images" / name)
        seen = look(model, [pixels], [boxes.boxes[own]], [[boxes.labels[row] for row in own]])[0]
        photos[name] = Photo(model, pixels, [int(boxes.ids[row]) for row in own], seen)
    return photos


def by_methods(photo: Photo, pair: dict, everybody: bool) -> dict[str, Verdict]:
    """What each method says about the pair, given its two boxes alone or everybody's."""
    two = numbers(photo, pair)
    members = list(range(len(photo.ids))) if everybody else two
    two = [members.index(n) for n in two]
    boxes = [photo.seen[n].lattice.box for n in members]
    prior = GEOMETRY.between(boxes, photo.pixels.shape[0])
    return {
        "appearance alone": verdict(photo, members, joint.reason, None, "grabcut", two),
        "geometry alone": (float(np.sign(prior(*two))), prior(*two)),
        BOTH: verdict(photo, members, joint.reason, prior, "grabcut", two),
        "published": verdict(photo, members, published.reason, None, "none", two),
    }


def verdict(photo: Photo, members: list[int], reason: Reasoner, prior, refine: str, two: list[int]) -> Verdict:
    """What the method's edge between the two says: the same calls as the segmenters of those names make."""
    key = (tuple(members), reason, prior is None)
    if key not in photo.reasoned:
        first = [photo.seen[n] for n in members]

        def rescore(k: int, visible: np.ndarray) -> Evidence:
            return photo.evidence(members[k], look_again(first[k], visible, photo.pixels.shape[:2]), refine)

        evidences = [photo.evidence(n, seen, refine) for n, seen in zip(members, first, strict=True)]
        photo.reasoned[key] = reason(evidences, rescore=rescore, pair_log_odds=prior)
    odds = {(i, j): log(max(p, 1e-9)) - log(max(1 - p, 1e-9)) for i, j, p in photo.reasoned[key].edges}
    front, behind = two
    said, value = (1.0, odds[front, behind]) if (front, behind) in odds else (0.0, 0.0)
    if (behind, front) in odds:
        said, value = -1.0, -odds[behind, front]
    return said * (abs(value) > COIN_TOSS), value


def choose(pairs: Sequence[dict], photos: dict[str, Photo]) -> dict:
    """Log loss of the pair's probability under every weight and limit of appearance."""
    appearance, prior = np.array([pair_alone(photos[pair["image"]], pair) for pair in pairs]).T
    table = {
        f"max_pair_log_odds {limit:g}": {
            f"evidence_weight {weight:g}": round(float(loss(np.clip(weight * appearance, -limit, limit) + prior)), 4)
            for weight in WEIGHTS
        }
        for limit in LIMITS
    }
    best = min((value, limit, weight) for limit, row in table.items() for weight, value in row.items())
    return {"best": [best[1], best[2]], "geometry_alone": round(float(loss(prior)), 4), "log_loss": table}


def pair_alone(photo: Photo, pair: dict) -> tuple[float, float]:
    """(appearance's log-odds for the true order at weight 1 and without a limit, the prior's)."""
    front, behind = numbers(photo, pair)
    cluster = start_cluster(
        members=[0, 1],
        evidences=[photo.evidence(n, photo.seen[n], "grabcut") for n in (front, behind)],
        pairs=[(0, 1)],
        pair_log_odds=None,
        evidence_weight=1.0,
        max_pair_log_odds=inf,
        max_samples=joint.JointSettings().max_samples,
        exact_up_to=2,
    )
    boxes = [photo.seen[n].lattice.box for n in (front, behind)]
    return cluster.objective.pair_alone(0, 1), GEOMETRY.log_odds(*boxes, photo.pixels.shape[0])


def numbers(photo: Photo, pair: dict) -> list[int]:
    front, behind = ("a", "b") if pair["front"] == "a" else ("b", "a")
    return [photo.ids.index(pair[front]), photo.ids.index(pair[behind])]


def by_kind(pairs: Sequence[dict], train: Sequence[dict], verdicts: Sequence[dict[str, Verdict]]) -> dict:
    """Every method on all pairs, on each kind, and by how much the boxes say."""
    prior = np.abs([GEOMETRY.log_odds(*front_first(pair), pair["height"]) for pair in pairs])
    kinds = np.array([kind(pair) for pair in pairs])
    groups = {"all": np.ones(len(pairs), bool)} | {name: kinds == name for name in np.unique(kinds)}
    groups |= {"boxes nearly silent (log-odds < 1)": prior < 1}
    groups |= {"boxes unsure (1 to 3)": (prior >= 1) & (prior < 3), "boxes clear (>= 3)": prior >= 3}
    table = {}
    for name, chosen in groups.items():
        some = [pairs[row] for row in np.flatnonzero(chosen)]
        draws = resampled_photos([pair["image"] for pair in some])
        methods = {"rule: lower edge": rule(lower_edge, some, train), "rule: larger box": rule(larger_box, some, train)}
        for method in verdicts[0]:
            methods[method] = np.array([verdicts[row][method] for row in np.flatnonzero(chosen)]).T
        rows = {method: summary(*values, draws) for method, values in methods.items()}
        gain = (methods[BOTH][0] > 0) - 1.0 * (methods["rule: lower edge"][0] > 0)
        saved = np.logaddexp(0, -methods["geometry alone"][1]) - np.logaddexp(0, -methods[BOTH][1])
        table[name] = counts(some) | rows | {"right: both minus lower edge": average(gain, draws)}
        table[name]["log loss: geometry alone minus both"] = average(saved, draws)
    return table


def rule(judge, pairs: Sequence[dict], train: Sequence[dict]) -> np.ndarray:
    """The rule as sure of every pair as it is right on train."""
    sure = judge(train).mean()
    said = np.where(judge(pairs) > 0, 1.0, -1.0)
    return np.stack([said, said * np.log(sure / (1 - sure))])


def summary(said: np.ndarray, log_odds: np.ndarray, draws: np.ndarray) -> dict:
    """Shares of right, wrong and undecided; log loss with one half where there is no edge; calibration of edges."""
    edges = said != 0
    drawn = draws[:, edges]
    return {
        "right": average((said > 0) * 1.0, draws),
        "wrong": average((said < 0) * 1.0, draws),
        "undecided": average(~edges * 1.0, draws),
        "log_loss": average(np.logaddexp(0, -log_odds), draws),
        "calibration_error_of_edges": calibration_error(log_odds[edges], drawn[drawn.sum(1) > 0]),
        "mean_probability_of_its_verdict": round(float((1 / (1 + np.exp(-np.abs(log_odds[edges])))).mean()), 4),
    }


def loss(log_odds: np.ndarray) -> np.floating:
    return np.logaddexp(0, -log_odds).mean()


def show(result: dict) -> None:
    for title, splits in result.items():
        if not isinstance(splits, dict) or "val" not in splits or "all" not in splits["val"]:
            continue
        for split, groups in splits.items():
            print(f"\n{title}, {split}: % right / wrong / undecided [95 % of right], log loss, calibration error")
            for name, group in groups.items():
                print(f"  {name}: {group['pairs']} pairs, {group['photos']} photos")
                for method in (m for m in group if isinstance(group[m], dict) and "right" in group[m]):
                    print(f"    {method:<18} {line(group[method])}")
    print(
        json.dumps({key: result["chosen_on_train"][key] for key in ("best", "geometry_alone")}), result["seconds"], "s"
    )


def line(row: dict) -> str:
    shares = " / ".join(f"{100 * row[key]['value']:5.1f}" for key in ("right", "wrong", "undecided"))
    low, high = (100 * v for v in row["right"]["by_photo_95"])
    error = row["calibration_error_of_edges"]
    return f"{shares}  [{low:.0f}, {high:.0f}]  {row['log_loss']['value']:.3f}  {error['value']:.3f}"


def cpu_model() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(text.split(":")[1].strip() for text in lines if text.startswith("model name"))


if __name__ == "__main__":
    main()
