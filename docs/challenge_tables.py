"""Tables of every method beside the others: the Occlusion Challenge, and real photos."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rendering import ROOT, as_table, not_yet, read

from amodal.comparison.published import AMODAL, MODAL, ORDER_ABLATION

REAL_PHOTOS = ROOT / "experiments" / "real_photos" / "result.json"
CHALLENGE = ROOT / "experiments" / "occlusion_challenge" / "result.json"
COMMAND = "python experiments/occlusion_challenge/run.py"
SCENARIOS = ("two", "four", "two-unknown")
BIG_OVERLAPS = "overlap > 5 %"


def challenge_masks(part: str, what: str) -> Callable[[], str]:
    """IoU of visible or whole masks by level of occlusion, three scenarios side by side; ours, then the paper's."""

    def render() -> str:
        parts = _part(part)
        if parts is None:
            return not_yet(COMMAND)
        measured = {scenario: parts[scenario]["methods"] for scenario in SCENARIOS}
        body = [
            [name, *(cell for s in SCENARIOS for cell in _mask_cells(measured[s].get(name), what))]
            for name in measured["two"]
        ]
        counts = [parts[s]["methods"]["compnet"]["masks"][what]["counts"].values() for s in SCENARIOS]
        body.append(["*objects*", *(cell for own in counts for cell in (" · ".join(map(str, own)), str(sum(own))))])
        if part == "cars free":
            body += _printed_rows(MODAL if what == "modal" else AMODAL)
        titles = [cell for s in SCENARIOS for cell in (f"{s}: L0 · L1 · L2 · L3", "levels / objects")]
        return as_table(["", *titles], body)

    return render


def challenge_sources(part: str) -> Callable[[], str]:
    """Cars by where their outlines come from: visible / whole mIoU over objects, completed ones and hand-drawn ones."""

    def render() -> str:
        parts = _part(part)
        if parts is None or not parts["two"]["methods"]["compnet"].get("groups"):
            return not_yet(COMMAND)
        measured = {scenario: parts[scenario]["methods"] for scenario in SCENARIOS}
        columns = [(s, group) for s in SCENARIOS for group in measured[s]["compnet"]["groups"]]
        body = [
            [name, *(_group_cell(measured[s].get(name, {}).get("groups", {}).get(group)) for s, group in columns)]
            for name in measured["two"]
        ]
        counts = [measured[s]["compnet"]["groups"][group]["modal"]["objects"] for s, group in columns]
        body.append(["*objects*", *map(str, counts)])
        return as_table(["visible / whole", *(f"{s}: {group}" for s, group in columns)], body)

    return render


def _group_cell(masks: Mapping[str, Any] | None) -> str:
    """Means over objects, the interval of the visible one."""
    if not masks:
        return "–"
    low, high = masks["modal"]["interval_95"]
    means = " / ".join(f"{masks[what]['mean_objects']:.1f}" for what in ("modal", "amodal"))
    return f"{means} [{low:.1f}, {high:.1f}]"


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


def challenge_order(part: str) -> Callable[[], str]:
    """How often the order of a pair is right, for pairs that overlap by more than 5 % of the smaller object."""

    def render() -> str:
        parts = _part(part)
        if parts is None:
            return not_yet(COMMAND)
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
        return as_table(["", *(f"{s}: {n} pairs" for s, n in zip(SCENARIOS, pairs, strict=True))], body)

    return render


def _accuracy(entry: Mapping[str, Any] | None) -> str:
    if not entry:
        return "–"
    low, high = entry["interval_95"] if "interval_95" in entry else entry["intervals_95"]["accuracy"]
    return f"{entry['accuracy']:.1f} % [{low:.1f}, {high:.1f}]"


def challenge_short() -> str:
    """Cars on layout `free`: visible / whole mIoU over objects, and orders that are right, for the main rows."""
    parts = _part("cars free")
    if parts is None:
        return not_yet(COMMAND)
    names = {
        "box": "whole box (trivial)",
        "prior": "prior alone (trivial)",
        "Mask R-CNN": "Mask R-CNN (from masks, minutes of training)",
        "compnet": "each object by itself",
        "published iter 2": "reasoning as published",
        "joint iter 2": "ours, plain",
        "joint refined": "ours with GrabCut (without geometry)",
        "student": "ours with the student (without geometry)",
    }
    body = []
    for name, title in names.items():
        if not all(name in parts[scenario]["methods"] for scenario in SCENARIOS):
            continue
        cells = []
        for scenario in SCENARIOS:
            row = parts[scenario]["methods"][name]
            order = row["order"][BIG_OVERLAPS]
            said = f" · {order['accuracy']:.0f}" if order["undecided"] < 100 else ""
            whole = [f"{row['masks'][what]['mean_objects']:.1f}" for what in ("modal", "amodal")]
            cells.append(" / ".join(whole) + said)
        body.append([title, *cells])
    return as_table(["visible / whole · order, %", *SCENARIOS], body)


def challenge_ablation() -> str:
    """What the order gives (Table 3): pixel competition alone against whole reasoning, means over objects."""
    parts = _part("cars free")
    if parts is None:
        return not_yet(COMMAND)
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
    return as_table(["visible / whole", *SCENARIOS], body)


def challenge_untold() -> str:
    """Classes before and after self-correction, where methods are not told them, and how far to trust probabilities."""
    parts = _part("mixed free")
    if parts is None:
        return not_yet(COMMAND)
    untold = {scenario: parts[scenario]["untold"] for scenario in SCENARIOS}
    body = []
    taught = all("student" in own for own in untold.values())
    told = [("class right before (compnet)", "before"), ("class right after (joint iter 2)", "after")]
    for title, row in [*told, *([("class right, student", "student")] if taught else [])]:
        classes = [untold[scenario][row]["classes"] for scenario in SCENARIOS]
        body.append(
            [title, *(cell for own in classes for cell in (_levels(own["levels"]), f"{own['mean_objects']:.1f}"))]
        )
    for title, what in (("calibration error of maps", "posteriors"), ("calibration error of order", "edges")):
        for row in ("after", "student") if taught else ("after",):
            found = [untold[scenario][row]["calibration"].get(what) for scenario in SCENARIOS]
            cells = [cell for own in found for cell in ("", "–" if own is None else f"{own['ece']:.1f}")]
            body.append([f"{title}, {'joint iter 2' if row == 'after' else row}", *cells])
    return as_table(["percent", *(cell for s in SCENARIOS for cell in (f"{s}: L0 · L1 · L2 · L3", "all"))], body)


def _part(name: str) -> Any:
    """A set of scenes of the challenge as measured, None where it was not."""
    result = read(CHALLENGE)
    return None if result is None else result["parts"].get(name)


def _levels(levels: Mapping[str, float | None]) -> str:
    return " · ".join("–" if value is None else f"{value:.1f}" for value in levels.values())


def challenge_speed() -> str:
    """Seconds per scene of every method, one thread."""
    parts = _part("cars free")
    if parts is None:
        return not_yet(COMMAND)
    body = [
        [name, *(f"{parts[s]['methods'][name]['seconds_per_photo']:.3f}" for s in SCENARIOS)]
        for name in parts["two"]["methods"]
        if name in parts["four"]["methods"] and name in parts["two-unknown"]["methods"]
    ]
    return as_table(["seconds per scene", *SCENARIOS], body)


def real_photos() -> str:
    """Every method on real photos: masks where there are some, order where it is known."""
    result = read(REAL_PHOTOS)
    if result is None:
        return not_yet("python experiments/real_photos/run.py")
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
    return as_table(["", *head], body)


def _miou(row: Mapping[str, Any] | None, what: str, mean: str) -> str:
    if row is None:
        return "–"
    masks = row["masks"][what]
    value = masks["levels"][mean] if mean in masks["levels"] else masks[mean]
    return "–" if value is None else f"{value:.1f}"


def _decided(row: Mapping[str, Any] | None) -> str:
    order = row["order"]["all"] if row is not None and row.get("order") else None
    return "–" if order is None or order["undecided"] == 100 else f"{order['accuracy']:.1f}"


COMPARED: Mapping[str, Callable[[], str]] = {
    function.__name__: function
    for function in (challenge_short, challenge_ablation, challenge_untold, challenge_speed, real_photos)
} | {
    f"challenge_{part.replace(' ', '_')}_{what}": make(part)
    for part in ("cars free", "mixed free", "cars ground")
    for what, make in (
        ("modal", lambda part: challenge_masks(part, "modal")),
        ("amodal", lambda part: challenge_masks(part, "amodal")),
        ("order", challenge_order),
        ("sources", challenge_sources),
    )
}
