"""Tables of really overlapping objects, of the steps to the student, and the page of the worst cases."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rendering import ROOT, as_table, not_yet, read

EXPERIMENTS = ROOT / "experiments"
REAL_OCCLUSION = EXPERIMENTS / "real_occlusion" / "result.json"
ABLATION = EXPERIMENTS / "student_ablation" / "result.json"
CASES = EXPERIMENTS / "worst_cases" / "cases.json"
REASONS = EXPERIMENTS / "worst_cases" / "reasons.json"
HIDDEN = ("none", "slight", "half", "most")
PASTED = ("cars two", "cars four", "cars two-unknown", "mixed two", "mixed four")
LICENCES = {
    "CC BY 2.0": "[CC BY 2.0](https://creativecommons.org/licenses/by/2.0/)",
    "CC BY-SA 2.0": "[CC BY-SA 2.0](https://creativecommons.org/licenses/by-sa/2.0/)",
}


def real_occlusion(split: str) -> Callable[[], str]:
    """Visible masks of really overlapping objects by drawn and by visible boxes, and by how much is hidden."""

    def render() -> str:
        parts = _parts(split)
        if parts is None:
            return not_yet("python experiments/real_occlusion/run.py")
        drawn, seen = (parts[f"{split}, {boxes} boxes"] for boxes in ("drawn", "seen"))
        others = parts.get(f"{split}, all others, seen boxes")
        heights = next(iter(others["methods"].values()))["hidden"] if others else {}
        body = [
            [
                name,
                _modal(row["all"]),
                *(_mean(row["hidden"].get(level)) for level in HIDDEN),
                _modal(seen["methods"][name]["all"]),
                *(_modal(others["methods"][name]["hidden"][group]) for group in heights),
            ]
            for name, row in drawn["methods"].items()
        ]
        first = next(iter(drawn["methods"].values()))["hidden"]
        counts = [str(first[level]["modal"]["objects"]) if level in first else "0" for level in HIDDEN]
        counts = [str(drawn["objects"]), *counts, str(seen["objects"])]
        counts += [str(entry["modal"]["objects"]) for entry in heights.values()]
        head = ["drawn boxes", *(f"hidden: {level}" for level in HIDDEN), "the same, boxes of what is seen"]
        head += [f"others {group}, boxes of what is seen" for group in heights]
        return as_table(["", *head], [*body, ["*objects*", *counts]])

    return render


def real_occlusion_classes() -> str:
    """The same by class: boxes drawn / boxes of what is seen."""
    parts = _parts("val")
    if parts is None:
        return not_yet("python experiments/real_occlusion/run.py")
    drawn, seen = parts["val, drawn boxes"], parts["val, seen boxes"]
    body = [
        [
            name,
            *(
                f"{row['classes'][label]:.1f} / {seen['methods'][name]['classes'][label]:.1f}"
                for label in drawn["classes"]
            ),
        ]
        for name, row in drawn["methods"].items()
    ]
    return as_table(["drawn / seen boxes", *(f"{label} ({n})" for label, n in drawn["classes"].items())], body)


def real_whole_boxes() -> str:
    """IoU of the whole box that follows from a visible one with the box drawn by eye."""
    parts = _parts("val")
    if parts is None:
        return not_yet("python experiments/real_occlusion/run.py")
    kinds = [kind for kind in ("val, seen boxes", "train vehicles, seen boxes") if kind in parts]
    body = []
    for name, row in parts[kinds[0]]["methods"].items():
        boxes = [parts[kind]["methods"][name]["whole_box"] for kind in kinds]
        own = [_value(row["whole_box"][level]) if level in row["whole_box"] else "–" for level in HIDDEN]
        body.append(
            [name, _with_interval(boxes[0]["all"]), *own, *(_with_interval(other["all"]) for other in boxes[1:])]
        )
    head = ["val", *(f"hidden: {level}" for level in HIDDEN), *(["vehicles of train photos"] if kinds[1:] else [])]
    return as_table(["", *head], body)


def real_judged_order() -> str:
    """All judged pairs of the val photos, given the visible boxes of all objects."""
    result = read(REAL_OCCLUSION)
    part = None if result is None else result["parts"].get("val, order")
    if part is None:
        return not_yet("python experiments/real_occlusion/run.py")
    rows = {f"rule: {name}": order for name, order in part["rules"].items()}
    rows |= {name: row["order"] for name, row in part["methods"].items() if row["order"]["undecided"] < 100}
    body = [[name, *_order_cells(order)] for name, order in rows.items()]
    pairs = next(iter(rows.values()))["pairs"]
    return as_table([f"{pairs} pairs in {part['photos']} photos", "right", "undecided", "calibration error"], body)


def ablation_pasted() -> str:
    """Visible / whole mIoU over objects and order of every step, on pasted scenes of layout `free`."""
    rows = _rows()
    if rows is None:
        return not_yet("python experiments/student_ablation/run.py")
    body = [[name, *(_pasted(row["sets"].get(kind)) for kind in PASTED)] for name, row in rows.items()]
    return as_table(["visible / whole · order, %", *PASTED], body)


def ablation_real() -> str:
    """Fully visible objects, really overlapping ones, and judged pairs, for every step."""
    rows = _rows()
    if rows is None:
        return not_yet("python experiments/student_ablation/run.py")
    groups = {
        "hand-drawn cars (val)": "car, hand-drawn",
        "hand-drawn cars (held out of train)": "car, hand-drawn (held)",
        "cars of Car Parts": "car, Car Parts",
        "persons": "person",
    }
    overlapping = ("overlapping, drawn boxes", "overlapping, seen boxes", "overlapping, others")
    body = [
        [
            name,
            *(_mean(row["sets"].get("fully visible", {}).get("groups", {}).get(group)) for group in groups.values()),
            *(_mean(row["sets"].get(kind)) for kind in overlapping),
            _accuracy(row["sets"].get("order")),
        ]
        for name, row in rows.items()
    ]
    return as_table(["visible, %", *groups, *overlapping, "judged order, right"], body)


def worst_cases() -> str:
    """A line on each of the worst val cases: what it is, how wrong, and why as far as looking tells."""
    result = read(CASES)
    if result is None:
        return not_yet("python experiments/worst_cases/run.py")
    reasons = read(REASONS) or {}
    body = [
        [
            str(number),
            f"![case {number}](pictures/{case['picture']})" if "picture" in case else "",
            f"`{case['photo']}`, {case['annotation']}",
            case["kind"],
            case["class"],
            f"{case['modal_iou']:.0f}" + ("" if case["amodal_iou"] is None else f" / {case['amodal_iou']:.0f}"),
            case["hidden"],
            reasons.get(case["key"], "*not looked at yet*"),
        ]
        for number, case in enumerate(result["cases"], start=1)
    ]
    head = ["", "", "photo, annotation", "kind", "class", "IoU visible / whole, %", "hidden", "why"]
    said = ", ".join(f"{count} {kind}" for kind, count in result["objects"].items())
    return f"{as_table(head, body)}\n\nMethod `{result['method']}`, model `{result['model']}`; of {said}."


def worst_cases_credits() -> str:
    """The photos of the pictures on that page."""
    shown = [case for case in (read(CASES) or {"cases": []})["cases"] if "picture" in case]
    if not shown:
        return "No pictures of the worst cases are shown."
    body = [
        [f"`{case['picture']}`", f"`{case['photo']}`, {case['source']}", LICENCES[case["licence"].partition(" (")[0]]]
        for case in shown
    ]
    return as_table(["picture", "photo", "licence of the photo and so of the picture"], body)


def _parts(split: str) -> Any:
    """What was measured of really overlapping objects; None where drawn and seen boxes were not both."""
    result = read(REAL_OCCLUSION)
    needed = [f"{split}, {boxes} boxes" for boxes in ("drawn", "seen")]
    return result["parts"] if result is not None and all(name in result["parts"] for name in needed) else None


def _rows() -> Any:
    result = read(ABLATION)
    return None if result is None else result["rows"]


def _modal(entry: Mapping[str, Any]) -> str:
    return _with_interval(entry["modal"])


def _with_interval(entry: Mapping[str, Any]) -> str:
    low, high = entry["interval_95"]
    return f"{entry['mean']:.1f} [{low:.1f}, {high:.1f}]"


def _value(entry: Mapping[str, Any]) -> str:
    return f"{entry['mean']:.1f}"


def _mean(entry: Mapping[str, Any] | None) -> str:
    return "–" if not entry else _value(entry["modal"])


def _pasted(entry: Mapping[str, Any] | None) -> str:
    if not entry:
        return "–"
    order = entry.get("order")
    said = f" · {order['accuracy']:.0f}" if order and order["undecided"] < 100 else ""
    return " / ".join(_value(entry[what]) for what in ("modal", "amodal")) + said


def _accuracy(entry: Mapping[str, Any] | None) -> str:
    order = entry.get("order") if entry else None
    return _order_cells(order)[0] if order and order["undecided"] < 100 else "–"


def _order_cells(order: Mapping[str, Any]) -> tuple[str, str, str]:
    low, high = order["interval_95"]
    error = order.get("calibration_error")
    right = f"{order['accuracy']:.1f} % [{low:.1f}, {high:.1f}]"
    return right, f"{order['undecided']:.1f} %", "–" if error is None else f"{error:.1f}"


MEASURED: Mapping[str, Callable[[], str]] = {
    function.__name__: function
    for function in (
        real_occlusion_classes,
        real_whole_boxes,
        real_judged_order,
        ablation_pasted,
        ablation_real,
        worst_cases,
        worst_cases_credits,
    )
} | {"real_occlusion_val": real_occlusion("val"), "real_occlusion_train": real_occlusion("train vehicles")}
