"""Fits how appearance, geometry and class together tell who is in front, and measures it where nothing was fitted.

    python experiments/order_evidence/fit.py --data DIR --pasted FOLDER... [--free FOLDER...] [--model FILE] [--write]

DIR holds `annotations.json` and `images/`. Fitted on the judged train pairs (`order_prior/judged_pairs.json`; visible
boxes, once with the pair's two boxes alone and once with all boxes of the photo) and on the pairs of the pasted
scenes of `--pasted`, made of train objects by `amodal challenge`, layout free. Features and the share of pasted pairs
are judged by cross-validation with photos kept whole; val pairs and the scenes of `--free` are only measured. Rows
are kept in `--work`, so that a second call takes seconds. Writes result.json beside this file, and with `--write` the
shipped weights (`reasoning/pair_weights.py`). Beware: the model learned from the train photos too.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pprint
import re
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from importlib.resources import files
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import track
from sklearn.model_selection import GroupKFold

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "order_prior"))
from judged import VEHICLES, counts, read_pairs
from uncertainty import average, calibration_error, resampled_photos

import amodal
from amodal.data.coco import read_objects
from amodal.data.truth import read_truth
from amodal.images import read_photo
from amodal.reasoning.pair_order import CUES, Pair, PairOrder
from amodal.reasoning.pair_weights import WEIGHTS
from amodal.reasoning.probable import most_probable_order

HERE = Path(__file__).resolve().parent
WEIGHTS_FILE = Path(str(files("amodal") / "reasoning" / "pair_weights.py"))
WITNESS = {"student": "student", "orm": "compositional"}
LEAST_HEIGHT_PX, LEAST_OVERLAP = 32, 0.05
SEED, FOLDS, INVERSE_PENALTY = 0, 10, 1.0
SHARES = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5)
PASTED_SHARE = {"student": 0.05, "orm": 0.02}
"""What all pasted pairs together count in the fit; the rest are judged pairs. A larger share trusts boxes less: better
on scenes pasted without perspective, worse on photos. With compositional maps a larger one puts more judged
train pairs wrong: they are a worse witness of photos than of pasted scenes."""
SUBSETS = tuple(some for size in (1, 2, 3) for some in combinations(CUES, size))
ALONE, EVERYBODY = "boxes_of_the_pair_alone", f"all_boxes_of_{LEAST_HEIGHT_PX}_px_height"


@dataclass(frozen=True)
class Group:
    """Objects that were given together: what the method told the reasoning about them, and who truly is in front."""

    set: str
    photo: str
    everybody: bool
    boxes: list[list[float]]
    labels: list[str]
    height: float
    true: list[list[int]]
    appearance: list[list[float]]
    met: list[list[int]] = field(default_factory=list)

    @cached_property
    def says(self) -> dict[tuple[int, int], float]:
        """Appearance by pair."""
        return {(int(a), int(b)): value for a, b, value in self.appearance}

    def pair(self, i: int, j: int) -> Pair:
        """Pair (i, j) as `PairOrder` takes it."""
        heard = self.says.get((i, j), -self.says.get((j, i), 0.0))
        boxes = (tuple(self.boxes[i]), tuple(self.boxes[j]))
        return Pair(heard, *boxes, self.labels[i], self.labels[j], self.height)

    @cached_property
    def true_pairs(self) -> list[Pair]:
        """The pairs whose order is known, the front first."""
        return [self.pair(front, behind) for front, behind in self.true]

    def granted(self, order: PairOrder) -> list[bool]:
        """Whether the most probable order of everybody has each pair of known order right."""
        log_odds = np.zeros((len(self.boxes), len(self.boxes)))
        for i, j in self.says.keys() | {tuple(pair) for pair in self.true}:
            log_odds[i, j] = order.log_odds(self.pair(i, j))
            log_odds[j, i] = -log_odds[i, j]
        rank = {n: k for k, n in enumerate(most_probable_order(log_odds))}
        return [rank[front] < rank[behind] for front, behind in self.true]


@dataclass
class Recorder:
    """Stands where a method has its `PairOrder`, and keeps what passes there."""

    boxes: Sequence[Any] = ()
    labels: Sequence[str] = ()
    height: float = 0.0
    heard: dict[tuple[int, int], float] = field(default_factory=dict)

    def between(self, boxes, labels, photo_height):
        self.boxes, self.labels, self.height, self.heard = boxes, labels, photo_height, {}

        def believed(i: int, j: int, appearance: float) -> float:
            self.heard[i, j] = appearance
            return appearance

        return believed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="default")
    parser.add_argument("--method", choices=tuple(WITNESS), default="student")
    parser.add_argument("--pasted", type=Path, nargs="*", default=[], help="scenes of train objects, to fit on")
    parser.add_argument("--free", type=Path, nargs="*", default=[], help="scenes to measure only")
    parser.add_argument("--limit", type=int, default=100, help="scenes of each folder at most")
    parser.add_argument("--share", type=float, help="what pasted pairs count, 0 to 1")
    parser.add_argument("--rows", type=Path, help="rows of an earlier call, instead of looking at photos")
    parser.add_argument("--work", type=Path, default=Path("work"), help="where rows are kept")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--write", action="store_true", help="make the fitted weights those of the package")
    arguments = parser.parse_args()
    start = time.perf_counter()
    groups = rows_of(arguments)
    pasted = {folder.name for folder in arguments.pasted}
    share = PASTED_SHARE[arguments.method] if arguments.share is None else arguments.share
    fitted = {subset: fit(groups, pasted, subset, share) for subset in SUBSETS}
    model_file = str(files("amodal") / "models" / "default.safetensors")
    model_file = model_file if arguments.model == "default" else arguments.model
    result = {
        "command": f"python experiments/order_evidence/fit.py --data DIR --method {arguments.method} --pasted "
        + " ".join(sorted(pasted)),
        "date": date.today().isoformat(),
        "seed": SEED,
        "machine": {"cpu": cpu_model(), "cores": os.cpu_count()},
        "method": arguments.method,
        "model": Path(model_file).stem,
        "model_sha256": digest_of(Path(model_file)),
        "n": {split: counts(read_pairs(split)) for split in ("train", "val")},
        "beware": "The model learned from the boxes of the train photos.",
        "pasted_share": share if pasted else 0.0,
        "weights": {",".join(subset): dict(order.weights) for subset, order in fitted.items()},
        "train_by_share_of_pasted_pairs": by_share(groups, pasted),
        "train_cross_validation": {",".join(s): cross_validate(groups, pasted, s, share) for s in SUBSETS},
        "val": {
            ALONE: real(groups, fitted, everybody=False),
            EVERYBODY: real(groups, fitted, everybody=True),
        },
        "free": {
            name: scenes([g for g in groups if g.set == name], fitted)
            for name in sorted({g.set for g in groups} - {"train", "val"})
        },
        "seconds": round(time.perf_counter() - start),
    }
    text = re.sub(r"\[\s+([^\[\]{}]*?)\s+\]", lambda m: f"[{' '.join(m[1].split())}]", json.dumps(result, indent=1))
    name = "result.json" if arguments.method == "student" else f"result_{arguments.method}.json"
    (arguments.out or HERE / name).write_text(text + "\n")
    if arguments.write:
        write_weights(WITNESS[arguments.method], fitted)
    show(result)


def rows_of(arguments: argparse.Namespace) -> list[Group]:
    """Rows of this model and method, from the work folder where they are there."""
    if arguments.rows is not None:
        return read_rows(arguments.rows)
    folders = [*arguments.pasted, *arguments.free]
    key = {"model": digest_of(Path(arguments.model)) if arguments.model != "default" else "default"}
    key |= {"method": arguments.method, "limit": arguments.limit, "folders": sorted(str(f) for f in folders)}
    name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    kept = arguments.work / f"order-rows-{name}.json"
    if not kept.exists():
        found = [*of_pasted(arguments, folders), *of_photos(arguments)]
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([vars(group) for group in found]))
    return read_rows(kept)


def read_rows(path: Path) -> list[Group]:
    known = set(Group.__dataclass_fields__)
    return [Group(**{k: v for k, v in row.items() if k in known}) for row in json.loads(path.read_text())]


def recording(arguments: argparse.Namespace) -> tuple[Any, Recorder]:
    recorder = Recorder()
    settings = {"rounds": 0} if arguments.method == "orm" else {}
    method = amodal.load(arguments.model, arguments.method, **settings)
    return replace(method, pair_order=recorder), recorder


def of_pasted(arguments: argparse.Namespace, folders: Sequence[Path]) -> Iterator[Group]:
    method, recorder = recording(arguments)
    for folder in folders:
        for truth in track(read_truth(folder / "scenes.json")[: arguments.limit], folder.name):
            known = [thing for thing in truth.scene.instances if thing.label in method.labels]
            place = {thing.id: n for n, thing in enumerate(known)}
            true = [
                [place[edge.front], place[edge.behind]]
                for edge in truth.scene.order.edges
                if edge.front in place and edge.behind in place and overlap(known, place, edge) >= LEAST_OVERLAP
            ]
            image = Path(truth.scene.image or "")
            pixels = read_photo(image if image.is_absolute() else folder / image)
            boxes, labels = np.array([thing.box for thing in known]), [thing.label for thing in known]
            scene = method.segment(pixels, boxes, labels)
            yield heard(scene, recorder, folder.name, f"{folder.name}/{image.name}", False, true)


def overlap(known: Sequence[Any], place: dict[int, int], edge: Any) -> float:
    """Of the whole masks of an edge's ends, as a share of the smaller."""
    front, behind = known[place[edge.front]].amodal, known[place[edge.behind]].amodal
    return front.intersection_area(behind) / min(front.area, behind.area)


def of_photos(arguments: argparse.Namespace) -> Iterator[Group]:
    method, recorder = recording(arguments)
    boxes = read_objects(arguments.data / "annotations.json", images=arguments.data / "images")
    for split in ("train", "val"):
        of_photo: dict[str, list[dict]] = {}
        for pair in read_pairs(split):
            of_photo.setdefault(pair["image"], []).append(pair)
        for name, pairs in track(of_photo.items(), split):
            judged = {pair[key] for pair in pairs for key in "ab"}
            photo_rows = [
                row
                for row in range(len(boxes))
                if boxes.images[boxes.image_index[row]].path.name == name
                and (int(boxes.ids[row]) in judged or is_wanted(boxes, row))
            ]
            pixels = read_photo(arguments.data / "images" / name)
            for some, everybody in [*(([pair], False) for pair in pairs), (pairs, True)]:
                ids = {pair[key] for pair in some for key in "ab"}
                rows = photo_rows if everybody else [row for row in photo_rows if int(boxes.ids[row]) in ids]
                place = {int(boxes.ids[row]): n for n, row in enumerate(rows)}
                true = [[place[p["a"]], place[p["b"]]][:: 1 if p["front"] == "a" else -1] for p in some]
                labels = [boxes.labels[row] for row in rows]
                scene = method.segment(pixels, boxes.boxes[rows], labels, boxes_are="visible")
                yield heard(scene, recorder, split, name, everybody, true)


def is_wanted(boxes: Any, row: int) -> bool:
    _, y0, _, y1 = boxes.boxes[row]
    return bool(y1 - y0 >= LEAST_HEIGHT_PX and not boxes.is_crowd[row])


def heard(scene: Any, recorder: Recorder, name: str, photo: str, everybody: bool, true: list[list[int]]) -> Group:
    return Group(
        set=name,
        photo=photo,
        everybody=everybody,
        boxes=[[float(side) for side in box] for box in recorder.boxes],
        labels=list(recorder.labels),
        height=float(recorder.height),
        true=true,
        appearance=[[i, j, value] for (i, j), value in sorted(recorder.heard.items())],
        met=[[edge.front, edge.behind] for edge in scene.order.edges],
    )


def fit(groups: Sequence[Group], pasted: set[str], cues: Sequence[str], share: float) -> PairOrder:
    """Judged pairs, with two boxes and with all, and pasted ones, which count `share` in all."""
    judged = [pair for group in groups if group.set == "train" for pair in group.true_pairs]
    drawn = [pair for group in groups if group.set in pasted for pair in group.true_pairs]
    share = share if drawn else 0.0
    # All weights sum to half the judged rows: each judged pair stands there twice.
    total = len(judged) / 2
    weights = [total * (1 - share) / len(judged)] * len(judged) + [total * share / max(len(drawn), 1)] * len(drawn)
    chosen = [k for k, weight in enumerate(weights) if weight > 0]
    pairs = [*judged, *drawn]
    return PairOrder.fit(
        [pairs[k] for k in chosen], cues, counts=[weights[k] for k in chosen], inverse_penalty=INVERSE_PENALTY
    )


def held_out(groups: Sequence[Group], pasted: set[str], cues: Sequence[str], share: float) -> Iterator[tuple]:
    """(set, photo, log-odds of the true order) of every pair, by weights that have not seen its photo."""
    own = [group for group in groups if group.set == "train" or group.set in pasted]
    folds = GroupKFold(FOLDS, shuffle=True, random_state=SEED).split(own, groups=[group.photo for group in own])
    for learn, test in folds:
        order = fit([own[k] for k in learn], pasted, cues, share)
        for k in test:
            for pair in own[k].true_pairs:
                yield "judged" if own[k].set == "train" else "pasted", own[k].photo, order.log_odds(pair)


def cross_validate(groups: Sequence[Group], pasted: set[str], cues: Sequence[str], share: float) -> dict[str, Any]:
    rows = list(held_out(groups, pasted, cues, share))
    table = {}
    for kind in ("judged", "pasted"):
        some = [(photo, odds) for where, photo, odds in rows if where == kind]
        if some:
            table[kind] = summary(np.array([odds for _, odds in some]), [photo for photo, _ in some])
    return table


def by_share(groups: Sequence[Group], pasted: set[str]) -> dict[str, Any]:
    """Held-out log loss and accuracy with all cues, by what the pasted pairs count."""
    table = {}
    for share in SHARES if pasted else ():
        rows = list(held_out(groups, pasted, CUES, share))
        table[f"{share:g}"] = {
            kind: {
                "log_loss": round(float(np.mean([np.logaddexp(0, -odds) for k, _, odds in rows if k == kind])), 4),
                "right": round(float(np.mean([odds > 0 for k, _, odds in rows if k == kind])), 4),
            }
            for kind in ("judged", "pasted")
        }
    return table


def real(groups: Sequence[Group], fitted: dict[tuple[str, ...], PairOrder], *, everybody: bool) -> dict[str, Any]:
    """Rules and every choice of cues on the judged val pairs, all and by kind."""
    own = [group for group in groups if group.set == "val" and group.everybody == everybody]
    trained = [pair for group in groups if group.set == "train" and not group.everybody for pair in group.true_pairs]
    kinds = [kind_of(pair) for group in own for pair in group.true_pairs]
    table = {}
    for name in ("all", *sorted(set(kinds))):
        wanted = [name in ("all", kind) for kind in kinds]
        table[name] = methods_on(own, wanted, fitted, trained)
    return table


def scenes(groups: Sequence[Group], fitted: dict[tuple[str, ...], PairOrder]) -> dict[str, Any]:
    return methods_on(groups, [True] * sum(len(group.true) for group in groups), fitted, None)


def methods_on(groups, wanted, fitted, trained) -> dict[str, Any]:
    pairs = [pair for group in groups for pair in group.true_pairs]
    photos = [group.photo for group in groups for _ in group.true]
    some = np.flatnonzero(wanted)
    names = [photos[k] for k in some]
    table: dict[str, Any] = {"pairs": len(some), "photos": len(set(names))}
    said = {name: np.array([judge(pair) for pair in pairs]) for name, judge in RULES.items()}
    for name, judge in RULES.items():
        # The rule is as sure of every pair as it is right on train; without train pairs it has no probability.
        share = np.mean([judge(pair) > 0 for pair in trained]) if trained else 0.5
        table[f"rule: {name}"] = summary(said[name][some] * np.log(share / (1 - share) if trained else 1e9), names)
    orders = {}
    for subset, order in fitted.items():
        odds = np.array([order.log_odds(pair) for pair in pairs])
        name = ",".join(subset)
        table[name] = summary(odds[some], names)
        orders[name] = np.array([hit for group in groups for hit in group.granted(order)], float)
        table[name]["right_in_the_order_of_all"] = average(orders[name][some], resampled_photos(names))
    if any(group.met for group in groups):
        met = [{tuple(sorted(edge)) for edge in group.met} for group in groups for _ in group.true]
        pairs_of = [tuple(sorted(pair)) for group in groups for pair in group.true]
        edges = [float(pair in own) for pair, own in zip(pairs_of, met, strict=True)]
        table["pairs_with_an_edge"] = round(float(np.mean([edges[k] for k in some])), 4)
    best = np.array(said["lower edge"] > 0, float)
    gain = (orders[",".join(CUES)] - best)[some]
    table["right: all cues minus lower edge"] = average(gain, resampled_photos(names))
    gain = (orders[",".join(CUES)] - orders["appearance"])[some]
    table["right: all cues minus appearance"] = average(gain, resampled_photos(names))
    return table


RULES = {
    "lower edge": lambda pair: 1.0 if pair.box_a[3] > pair.box_b[3] else -1.0,
    "larger box": lambda pair: 1.0 if area(pair.box_a) > area(pair.box_b) else -1.0,
}


def area(box: Sequence[float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def kind_of(pair: Pair) -> str:
    return "-".join(sorted("vehicle" if label in VEHICLES else "person" for label in (pair.label_a, pair.label_b)))


def summary(log_odds: np.ndarray, photos: Sequence[str]) -> dict[str, Any]:
    """Share of right pairs (a half where nothing is said), log loss, calibration error over pairs about which much is
    said or little."""
    draws = resampled_photos(photos)
    right = (log_odds > 0) + 0.5 * (log_odds == 0)
    row = {"right": average(right, draws)}
    if np.abs(log_odds).max(initial=0) < 100:
        row["log_loss"] = average(np.logaddexp(0, -log_odds), draws)
        row["calibration_error"] = calibration_error(log_odds, draws)
    return row


def write_weights(witness: str, fitted: dict[tuple[str, ...], PairOrder]) -> None:
    """The file the package reads its weights from, this witness's anew."""
    weights = dict(WEIGHTS)
    weights[witness] = {
        ",".join(s): {name: round(w, 4) for name, w in order.weights.items()} for s, order in fitted.items()
    }
    text = WEIGHTS_FILE.read_text()
    head = text[: text.index("WEIGHTS: dict")]
    body = pprint.pformat(weights, width=100, sort_dicts=False).replace("'", '"')
    WEIGHTS_FILE.write_text(f"{head}WEIGHTS: dict[str, dict[str, dict[str, float]]] = {body}\n")


def show(result: dict[str, Any]) -> None:
    print(json.dumps(result["weights"], indent=1))
    print("share of pasted pairs:", json.dumps(result["train_by_share_of_pasted_pairs"]))
    parts = {f"val, {name}": part["all"] for name, part in result["val"].items()} | result["free"]
    parts |= {
        f"train {k}": {s: v[k] for s, v in result["train_cross_validation"].items() if k in v}
        for k in ("judged", "pasted")
    }
    for title, part in parts.items():
        print(f"\n{title}: right [95 %], right in the order of all, log loss, calibration error")
        for name, row in part.items():
            if isinstance(row, dict) and "right" in row:
                print(f"  {name:<28} {line(row)}")
            elif isinstance(row, dict):
                print(f"  {name:<28} {row}")


def line(row: dict[str, Any]) -> str:
    low, high = (100 * v for v in row["right"]["by_photo_95"])
    text = f"{100 * row['right']['value']:5.1f} [{low:.0f}, {high:.0f}]"
    text += f"  {100 * row.get('right_in_the_order_of_all', row['right'])['value']:5.1f}"
    if "log_loss" in row:
        text += f"  {row['log_loss']['value']:.3f}  {row['calibration_error']['value']:.3f}"
        text += f" (perfect {row['calibration_error']['of_a_perfect_prior']:.3f})"
    return text


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def cpu_model() -> str:
    lines: Iterable[str] = Path("/proc/cpuinfo").read_text().splitlines()
    return next(text.split(":")[1].strip() for text in lines if text.startswith("model name"))


if __name__ == "__main__":
    main()
