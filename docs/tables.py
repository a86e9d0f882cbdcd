"""Renders the measured numbers into README and docs: every table there comes from a file that a command wrote.

    python docs/tables.py

A page holds `<!-- table: NAME -->` and, further down, `<!-- /table -->`; what stands between the two is replaced by the
table of that name. What has not been measured says so.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

from amodal.comparison.published import AMODAL, MODAL, ORDER_ABLATION

ROOT = Path(__file__).resolve().parents[1]
PAGES = (ROOT / "README.md", ROOT / "docs" / "results.md", ROOT / "docs" / "model-card.md")
UNOCCLUDED = ROOT / "experiments" / "unoccluded" / "result.json"
REAL_ORDER = ROOT / "experiments" / "real_order" / "result.json"
WITHOUT_FLAGS = ROOT / "experiments" / "unoccluded" / "result_without_flags.json"
ORDER_PRIOR = ROOT / "experiments" / "order_prior" / "result.json"
REAL_PHOTOS = ROOT / "experiments" / "real_photos" / "result.json"
CHALLENGE = ROOT / "experiments" / "occlusion_challenge" / "result.json"
INFERENCE = ROOT / "benchmarks" / "inference" / "result.json"
MODEL = ROOT / "src" / "amodal" / "models" / "default.safetensors"
SLOT = re.compile(r"(<!-- table: ([a-z_]+) -->\n).*?(<!-- /table -->)", re.DOTALL)

IOU_ROWS = {
    "whole box": "the whole box (trivial)",
    "prior alone": "the prior alone (trivial)",
    "compnet modal": "plain model: visible",
    "compnet amodal": "plain model: whole",
    "guided modal": "guided filter: visible",
    "guided amodal": "guided filter: whole",
    "grabcut modal": "GrabCut (default): visible",
    "grabcut amodal": "GrabCut (default): whole",
}


def main() -> None:
    """Bring all pages up to date."""
    for page in PAGES:
        page.write_text(rendered(page.read_text("utf-8")), "utf-8")


def rendered(text: str) -> str:
    """A page with its tables as the measured files have them."""
    return SLOT.sub(lambda slot: f"{slot[1]}{TABLES[slot[2]]()}\n{slot[3]}", text)


def unoccluded() -> str:
    """Per group of objects: mIoU of every row, and classification."""
    result = _read(UNOCCLUDED)
    if result is None:
        return _not_yet("python experiments/unoccluded/run.py")
    groups = result["groups"]
    body = [["objects", *(str(group["objects"]) for group in groups.values())]]
    body += [
        [title, *(_with_interval(group["miou"][row]) for group in groups.values())]
        for row, title in IOU_ROWS.items()
        if row in next(iter(groups.values()))["miou"]
    ]
    body.append(["class is right, %", *(f"{group['classification']['mean']:.1f}" for group in groups.values())])
    return _table(["", *groups], body)


def unoccluded_short() -> str:
    """The rows that a user asks for first."""
    result = _read(UNOCCLUDED)
    if result is None:
        return _not_yet("python experiments/unoccluded/run.py")
    body = [
        [
            name,
            str(group["objects"]),
            *(f"{group['miou'][row]['mean']:.1f}" for row in ("whole box", "prior alone", "grabcut amodal")),
            f"{group['classification']['mean']:.1f}",
        ]
        for name, group in result["groups"].items()
    ]
    return _table(["", "objects", "whole box", "prior alone", "ours (default)", "class is right, %"], body)


def unoccluded_seeds() -> str:
    """How much the seed of learning matters."""
    result = _read(UNOCCLUDED)
    if result is None:
        return _not_yet("python experiments/unoccluded/run.py")
    body = [
        [
            name,
            *(
                " · ".join(f"{value:.1f}" for value in group["miou"][row]["seeds"])
                for row in ("compnet amodal", "grabcut amodal")
            ),
            " · ".join(f"{value:.1f}" for value in group["classification"]["seeds"]),
        ]
        for name, group in result["groups"].items()
    ]
    return _table(["", "plain model: whole", "GrabCut: whole", "class is right, %"], body)


def unoccluded_without_flags() -> str:
    """What the data set's flags of fully visible objects bring, one seed."""
    flags, none = _read(UNOCCLUDED), _read(WITHOUT_FLAGS)
    if flags is None or none is None:
        return _not_yet("python experiments/unoccluded/run.py")
    body = [
        [
            name,
            *(
                f"{group['miou'][row]['seeds'][0]:.1f}"
                for row in ("compnet amodal", "grabcut amodal")
                for group in (flags["groups"][name], none["groups"][name])
            ),
            *(f"{part['groups'][name]['classification']['seeds'][0]:.1f}" for part in (flags, none)),
        ]
        for name in flags["groups"]
    ]
    pairs = [("plain model, flags", "without"), ("GrabCut, flags", "without"), ("class is right, %, flags", "without")]
    return _table(["", *(title for pair in pairs for title in pair)], body)


def order_prior() -> str:
    """Judged pairs kept back: how often two boxes alone tell who is in front."""
    result = _read(ORDER_PRIOR)
    if result is None:
        return _not_yet("python experiments/order_prior/fit.py")
    body = [
        [
            name,
            f"{part['pairs']} in {part['photos']}",
            *(_percent(part["accuracy"][row]) for row in ("rule_lower_edge", "rule_larger_box", "prior")),
            f"{part['log_loss']['prior']['value']:.2f}",
        ]
        for name, part in result["val"].items()
    ]
    head = ["pairs", "pairs in photos", "lower edge is in front", "larger box is in front", "fitted prior", "log loss"]
    return _table(head, body)


def real_order_of_pairs() -> str:
    """Judged pairs of the val split, the two boxes given alone."""
    return _real_order("boxes_of_the_pair_alone")


def real_order_of_photos() -> str:
    """The same pairs, all boxes of the photo given."""
    return _real_order("all_boxes_of_32_px_height")


def speed() -> str:
    """Seconds for one photo of N overlapping objects, beside the published procedure and the limit."""
    result = _read(INFERENCE)
    if result is None:
        return _not_yet("python benchmarks/inference/run.py")
    body = []
    for row in result["street"]:
        seconds = row["seconds"]
        body.append(
            [
                str(row["objects"]),
                *(f"{seconds[name]['median']:.3f}" for name in "acbd"),
                f"{row['a_over_c']['median']:.2f}",
                f"{row['b_over_a']['median']:.1f}",
                f"{row['memory_mb']['a']:.0f}",
            ]
        )
    head = ["objects", "ours, s", "backbone alone, s", "published procedure, s", "ours with GrabCut (default), s"]
    table = _table([*head, "ours ÷ backbone alone", "published ÷ ours", "MB above the libraries"], body)
    host = result["machine"]
    command = result["command"].partition(" --out")[0]  # where it wrote says nothing about what it measured
    machine = f"{host['cpu']}, {host['cores']} cores, torch {host['torch']} with {host['torch_threads']} threads"
    return f"{table}\n\n{machine}; `{command}`."


def speed_of_crowds() -> str:
    """Whether time grows in proportion to the number of objects."""
    result = _read(INFERENCE)
    if result is None:
        return _not_yet("python benchmarks/inference/run.py")
    body = []
    for row in result["crowd"]:
        seconds = row["seconds"]["median"]
        body.append([str(row["objects"]), f"{seconds:.2f}", f"{seconds / row['objects']:.4f}"])
    return _table(["objects", "seconds", "seconds per object"], body)


def model_classes() -> str:
    """What the shipped model learned each class from."""
    head = _model_head()
    card = head["card"]
    body = [
        [label, str(count), str(card["fully_visible"][label]), "{} × {}".format(*head["classes"][label]["shape"])]
        for label, count in card["objects"].items()
    ]
    skipped = ", ".join(f"{label} ({count})" for label, count in card["skipped"].items())
    table = _table(["class", "training boxes", "of these fully visible", "cells (rows × columns)"], body)
    return f"{table}\n\nSkipped, too few boxes: {skipped}."


def model_photos() -> str:
    """The training photos by source and licence."""
    by_source: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for entry in _model_head()["card"]["photos"]:
        by_source[entry["source"]].append((entry["photos"], entry["licence"]))
    body = [
        [source, str(sum(count for count, _ in parts)), "; ".join(f"{licence} ({count})" for count, licence in parts)]
        for source, parts in by_source.items()
    ]
    return _table(["source", "photos", "licence as far as known (photos)"], body)


def model_settings() -> str:
    """With which settings it was learned."""
    settings = _model_head()["card"]["config"]
    return _table(["setting", "value"], [[f"`{name}`", f"`{json.dumps(value)}`"] for name, value in settings.items()])


SCENARIOS = ("two", "four", "two-unknown")
BIG_OVERLAPS = "overlap > 5 %"


def _challenge_masks(part: str, what: str) -> Callable[[], str]:
    """IoU of visible or whole masks by level of occlusion, three scenarios side by side; ours, then the paper's."""

    def render() -> str:
        result = _read(CHALLENGE)
        if result is None or part not in result["parts"]:
            return _not_yet("python experiments/occlusion_challenge/run.py")
        measured = {scenario: result["parts"][part][scenario]["methods"] for scenario in SCENARIOS}
        body = [
            [name, *(cell for s in SCENARIOS for cell in _mask_cells(measured[s].get(name), what))]
            for name in measured["two"]
        ]
        counts = [result["parts"][part][s]["methods"]["compnet"]["masks"][what]["counts"].values() for s in SCENARIOS]
        body.append(["*objects*", *(cell for own in counts for cell in (" · ".join(map(str, own)), str(sum(own))))])
        if part == "cars free":
            body += _printed_rows(MODAL if what == "modal" else AMODAL)
        titles = [cell for s in SCENARIOS for cell in (f"{s}: L0 · L1 · L2 · L3", "levels / objects")]
        return _table(["", *titles], body)

    return render


def _mask_cells(row: Mapping[str, Any] | None, what: str) -> tuple[str, str]:
    if row is None:
        return "–", "–"
    masks = row["masks"][what]
    levels = _levels(masks["levels"])
    spread = f" ± {masks['spread'] / 2:.1f}" if row["seeds"] > 1 else ""
    return levels, f"{masks['mean_levels']:.1f} / {masks['mean_objects']:.1f}{spread}"


def _printed_rows(printed: Mapping[Any, Any]) -> list[list[str]]:
    rows = {scenario: {row.method: row for row in printed[scenario]} for scenario in SCENARIOS}
    body = []
    for method in rows["two"]:
        cells = []
        for scenario in SCENARIOS:
            row = rows[scenario].get(method)
            means = (
                "–" if row is None else f"{row.mean:.1f} / –" if row.mean_over == "levels" else f"– / {row.mean:.1f}"
            )
            cells += ["–" if row is None else " · ".join(f"{value:.1f}" for value in row.levels), means]
        body.append([f"*printed, other data:* {method}", *cells])
    return body


def _challenge_order(part: str) -> Callable[[], str]:
    """How often the order of a pair is right, for pairs that overlap by more than 5 % of the smaller object."""

    def render() -> str:
        result = _read(CHALLENGE)
        if result is None or part not in result["parts"]:
            return _not_yet("python experiments/occlusion_challenge/run.py")
        parts = result["parts"][part]
        names = [
            name
            for name, row in parts["two"]["methods"].items()
            if BIG_OVERLAPS in row["order"] and row["order"][BIG_OVERLAPS]["undecided"] < 100
        ]
        body = [
            [f"rule: {rule}", *(_accuracy(parts[s]["rules"][rule][BIG_OVERLAPS]) for s in SCENARIOS)]
            for rule in parts["two"]["rules"]
        ]
        body += [
            [
                name,
                *(_accuracy(parts[s]["methods"].get(name, {}).get("order", {}).get(BIG_OVERLAPS)) for s in SCENARIOS),
            ]
            for name in names
        ]
        pairs = [parts[s]["methods"]["compnet"]["order"][BIG_OVERLAPS]["pairs"] for s in SCENARIOS]
        return _table(["", *(f"{s}: {n} pairs" for s, n in zip(SCENARIOS, pairs, strict=True))], body)

    return render


def _accuracy(entry: Mapping[str, Any] | None) -> str:
    if not entry:
        return "–"
    low, high = entry["interval_95"] if "interval_95" in entry else entry["intervals_95"]["accuracy"]
    return f"{entry['accuracy']:.1f} % [{low:.1f}, {high:.1f}]"


def challenge_short() -> str:
    """Cars on layout `free`: visible / whole mIoU over objects, and orders that are right, for the main rows."""
    result = _read(CHALLENGE)
    if result is None:
        return _not_yet("python experiments/occlusion_challenge/run.py")
    parts = result["parts"]["cars free"]
    names = {
        "box": "whole box (trivial)",
        "prior": "prior alone (trivial)",
        "Mask R-CNN": "Mask R-CNN (from masks, minutes of training)",
        "compnet": "each object by itself",
        "published iter 2": "reasoning as published",
        "joint iter 2": "ours, plain",
        "joint refined": "ours (default, without geometry)",
    }
    body = []
    for name, title in names.items():
        cells = []
        for scenario in SCENARIOS:
            row = parts[scenario]["methods"][name]
            order = row["order"][BIG_OVERLAPS]
            said = f" · {order['accuracy']:.0f}" if order["undecided"] < 100 else ""
            whole = [f"{row['masks'][what]['mean_objects']:.1f}" for what in ("modal", "amodal")]
            cells.append(" / ".join(whole) + said)
        body.append([title, *cells])
    return _table(["visible / whole · order, %", *SCENARIOS], body)


def challenge_ablation() -> str:
    """What the order gives (Table 3): pixel competition alone against whole reasoning, means over objects."""
    result = _read(CHALLENGE)
    if result is None:
        return _not_yet("python experiments/occlusion_challenge/run.py")
    parts = result["parts"]["cars free"]
    rows = {
        "CompNet": "compnet",
        "NOD": "NOD",
        "OD (published iter 2)": "published iter 2",
        "joint iter 2": "joint iter 2",
    }
    body = [
        [
            title,
            *(
                " / ".join(
                    f"{parts[s]['methods'][name]['masks'][what]['mean_objects']:.1f}" for what in ("modal", "amodal")
                )
                for s in SCENARIOS
            ),
        ]
        for title, name in rows.items()
    ]
    body += [
        [f"*printed, other data:* {title}", *(" / ".join(map(str, ORDER_ABLATION[s][title])) for s in SCENARIOS)]
        for title in ORDER_ABLATION["two"]
    ]
    return _table(["visible / whole", *SCENARIOS], body)


def challenge_untold() -> str:
    """Classes before and after self-correction, where methods are not told them, and how far to trust probabilities."""
    result = _read(CHALLENGE)
    if result is None or "mixed free" not in result["parts"]:
        return _not_yet("python experiments/occlusion_challenge/run.py")
    untold = {scenario: result["parts"]["mixed free"][scenario]["untold"] for scenario in SCENARIOS}
    body = []
    for title, row in (("class right before (compnet)", "before"), ("class right after (joint iter 2)", "after")):
        classes = [untold[scenario][row]["classes"] for scenario in SCENARIOS]
        body.append(
            [title, *(cell for own in classes for cell in (_levels(own["levels"]), f"{own['mean_objects']:.1f}"))]
        )
    for title, what in (("calibration error of maps", "posteriors"), ("calibration error of order", "edges")):
        found = [untold[scenario]["after"]["calibration"].get(what) for scenario in SCENARIOS]
        body.append([title, *(cell for own in found for cell in ("", "–" if own is None else f"{own['ece']:.1f}"))])
    return _table(["percent", *(cell for s in SCENARIOS for cell in (f"{s}: L0 · L1 · L2 · L3", "all"))], body)


def _levels(levels: Mapping[str, float | None]) -> str:
    return " · ".join("–" if value is None else f"{value:.1f}" for value in levels.values())


def challenge_speed() -> str:
    """Seconds per scene of every method, one thread."""
    result = _read(CHALLENGE)
    if result is None:
        return _not_yet("python experiments/occlusion_challenge/run.py")
    parts = result["parts"]["cars free"]
    body = [
        [name, *(f"{parts[s]['methods'][name]['seconds_per_photo']:.3f}" for s in SCENARIOS)]
        for name in parts["two"]["methods"]
        if name in parts["four"]["methods"] and name in parts["two-unknown"]["methods"]
    ]
    return _table(["seconds per scene", *SCENARIOS], body)


def _read(path: Path) -> Any:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def _real_order(given: str) -> str:
    """Right, wrong and undecided by every method, the trivial rules first."""
    result = _read(REAL_ORDER)
    if result is None:
        return _not_yet("python experiments/real_order/run.py")
    part = result[given]["val"]["all"]
    body = [
        [
            method,
            _percent(row["right"]),
            *(f"{100 * row[name]['value']:.0f} %" for name in ("wrong", "undecided")),
            f"{row['log_loss']['value']:.2f}",
        ]
        for method, row in part.items()
        if isinstance(row, dict) and "right" in row
    ]
    return _table(
        [f"{part['pairs']} pairs in {part['photos']} photos", "right", "wrong", "undecided", "log loss"], body
    )


def _model_head() -> Any:
    with safe_open(MODEL, framework="np") as file:
        return json.loads(file.metadata()["model"])


def _not_yet(command: str) -> str:
    return f"*Not measured yet: `{command}`.*"


def _with_interval(entry: Mapping[str, Any]) -> str:
    low, high = entry["interval_95"]
    return f"{entry['mean']:.1f} [{low:.1f}, {high:.1f}]"


def _percent(entry: Mapping[str, Any]) -> str:
    low, high = entry["by_photo_95"]
    return f"{100 * entry['value']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


def _table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    rows = [list(head), *map(list, body)]
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]])


def real_photos() -> str:
    """Every method on real photos: masks where there are some, order where it is known."""
    result = _read(REAL_PHOTOS)
    if result is None:
        return _not_yet("python experiments/real_photos/run.py")
    parts = result["parts"]
    rows = {name: {row["name"]: row for row in part["methods"]} for name, part in parts.items()}
    body = [
        [
            method,
            *(_miou(rows["street val"].get(method), "modal", mean) for mean in ("L0", "mean_objects")),
            *(_miou(rows["COCOA"].get(method), what, "mean_objects") for what in ("modal", "amodal")),
            *(_decided(rows[name].get(method)) for name in ("KITTI", "COCOA")),
        ]
        for method in rows["COCOA"]
    ]
    for rule in parts["KITTI"]["rules"]:
        shares = [f"{parts[name]['rules'][rule]['all']['accuracy']:.1f}" for name in ("KITTI", "COCOA")]
        body.append([f"rule: {rule}", "–", "–", "–", "–", *shares])
    pairs = {name: next(iter(parts[name]["rules"].values()))["all"]["pairs"] for name in ("KITTI", "COCOA")}
    street, cocoa = (next(iter(rows[name].values()))["masks"]["modal"] for name in ("street val", "COCOA"))
    head = [
        f"street, fully visible ({street['counts']['L0']})",
        f"street, all ({street['objects']})",
        f"COCOA visible ({cocoa['objects']})",
        "COCOA whole",
        f"order KITTI ({pairs['KITTI']} pairs)",
        f"order COCOA ({pairs['COCOA']} pairs)",
    ]
    return _table(["", *head], body)


def _miou(row: Mapping[str, Any] | None, what: str, mean: str) -> str:
    if row is None:
        return "–"
    masks = row["masks"][what]
    value = masks["levels"][mean] if mean in masks["levels"] else masks[mean]
    return "–" if value is None else f"{value:.1f}"


def _decided(row: Mapping[str, Any] | None) -> str:
    order = row["order"]["all"] if row is not None and row.get("order") else None
    return "–" if order is None or order["undecided"] == 100 else f"{order['accuracy']:.1f}"


TABLES: Mapping[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        unoccluded,
        unoccluded_short,
        unoccluded_seeds,
        order_prior,
        real_order_of_pairs,
        real_order_of_photos,
        unoccluded_without_flags,
        speed,
        speed_of_crowds,
        model_classes,
        model_photos,
        model_settings,
        challenge_short,
        challenge_ablation,
        challenge_untold,
        real_photos,
        challenge_speed,
    )
} | {
    f"challenge_{part.replace(' ', '_')}_{what}": make(part)
    for part in ("cars free", "mixed free", "cars ground")
    for what, make in (
        ("modal", lambda part: _challenge_masks(part, "modal")),
        ("amodal", lambda part: _challenge_masks(part, "amodal")),
        ("order", _challenge_order),
    )
}


if __name__ == "__main__":
    main()
