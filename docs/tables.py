"""Renders the measured numbers into README and docs: every table there comes from a file that a command wrote.

    python docs/tables.py

A page holds `<!-- table: NAME -->` and, further down, `<!-- /table -->`; what stands between the two is replaced by the
table of that name. What has not been measured says so.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import safe_open

sys.path.insert(0, str(Path(__file__).parent))  # for whoever loads this file by its path
from challenge_tables import COMPARED
from network_tables import NETWORKS
from real_tables import MEASURED
from rendering import ROOT, as_table, not_yet, read
from scale_tables import COSTS

DOCS = ROOT / "docs"
PAGES = (
    *(ROOT / "README.md", DOCS / "results.md", DOCS / "model-card.md"),
    *(DOCS / "data.md", DOCS / "network-results.md", DOCS / "worst-cases.md", DOCS / "scale.md"),
    DOCS / "pictures" / "CREDITS.md",
)
UNOCCLUDED = ROOT / "experiments" / "unoccluded" / "result.json"
ORDER_EVIDENCE = ROOT / "experiments" / "order_evidence" / "result.json"
WITHOUT_FLAGS = ROOT / "experiments" / "unoccluded" / "result_without_flags.json"
ORDER_PRIOR = ROOT / "experiments" / "order_prior" / "result.json"
INFERENCE = ROOT / "benchmarks" / "inference" / "result.json"
READING = ROOT / "benchmarks" / "reading" / "result.json"
MODEL = ROOT / "src" / "amodal" / "models" / "default.safetensors"
ORDER_COMMAND = "python experiments/order_evidence/fit.py --data DIR --pasted FOLDER"
ORDER_HEAD = ["pair right", "right in the order of all", "log loss", "calibration error (of a perfect model)"]
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
    "student modal": "the student: visible",
    "student amodal": "the student: whole",
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
    result = read(UNOCCLUDED)
    if result is None:
        return not_yet("python experiments/unoccluded/run.py")
    groups = result["groups"]
    body = [["objects", *(str(group["objects"]) for group in groups.values())]]
    body += [
        [title, *(_with_interval(group["miou"][row]) for group in groups.values())]
        for row, title in IOU_ROWS.items()
        if row in next(iter(groups.values()))["miou"]
    ]
    body.append(["class is right, %", *(f"{group['classification']['mean']:.1f}" for group in groups.values())])
    return as_table(["", *groups], body)


def unoccluded_short() -> str:
    """The rows that a user asks for first."""
    result = read(UNOCCLUDED)
    if result is None:
        return not_yet("python experiments/unoccluded/run.py")
    body = [
        [
            name,
            str(group["objects"]),
            *(
                f"{group['miou'][row]['mean']:.1f}" if row in group["miou"] else "–"
                for row in ("whole box", "prior alone", "grabcut amodal", "student amodal")
            ),
            f"{group['classification']['mean']:.1f}",
        ]
        for name, group in result["groups"].items()
    ]
    head = ["", "objects", "whole box", "prior alone", "compositional model", "with the student"]
    return as_table([*head, "class is right, %"], body)


def unoccluded_seeds() -> str:
    """How much the seed of learning matters."""
    result = read(UNOCCLUDED)
    if result is None:
        return not_yet("python experiments/unoccluded/run.py")
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
    return as_table(["", "plain model: whole", "GrabCut: whole", "class is right, %"], body)


def unoccluded_without_flags() -> str:
    """What the data set's flags of fully visible objects bring, one seed."""
    flags, none = read(UNOCCLUDED), read(WITHOUT_FLAGS)
    if flags is None or none is None:
        return not_yet("python experiments/unoccluded/run.py")
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
        if name in none["groups"]
    ]
    pairs = [("plain model, flags", "without"), ("GrabCut, flags", "without"), ("class is right, %, flags", "without")]
    return as_table(["", *(title for pair in pairs for title in pair)], body)


def order_prior() -> str:
    """Judged pairs kept back: how often two boxes alone tell who is in front."""
    result = read(ORDER_PRIOR)
    if result is None:
        return not_yet("python experiments/order_prior/fit.py")
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
    return as_table(head, body)


def order_of_pairs() -> str:
    """Judged pairs of the val split, the two boxes given alone: rules, and every choice of cues."""
    return _order_on_val("boxes_of_the_pair_alone")


def order_of_photos() -> str:
    """The same pairs, all boxes of the photo given."""
    return _order_on_val("all_boxes_of_32_px_height")


def order_of_pasted() -> str:
    """Pairs of pasted scenes, where geometry tells nothing by construction."""
    result = read(ORDER_EVIDENCE)
    if result is None:
        return not_yet(ORDER_COMMAND)
    body = [
        [f"{name} ({part['pairs']} pairs)", cues, *_order_row(row)]
        for name, part in result["free"].items()
        for cues, row in part.items()
        if isinstance(row, dict) and "right_in_the_order_of_all" in row
    ]
    return as_table(["scenes", "cues", *ORDER_HEAD], body)


def speed() -> str:
    """Seconds for one photo of N overlapping objects, beside the published procedure and the limit.

    A model without a student has no column of it.
    """
    result = read(INFERENCE)
    if result is None:
        return not_yet("python benchmarks/inference/run.py")
    columns: list[tuple[str, Callable[[Any], str]]] = [
        ("`student`, s", lambda row: f"{row['seconds']['e']['median']:.3f}"),
        ("`orm`, s", lambda row: f"{row['seconds']['a']['median']:.3f}"),
        ("backbone alone, s", lambda row: f"{row['seconds']['c']['median']:.3f}"),
        ("published procedure, s", lambda row: f"{row['seconds']['b']['median']:.3f}"),
        ("`orm` with GrabCut, s", lambda row: f"{row['seconds']['d']['median']:.3f}"),
        ("`student` ÷ backbone alone", lambda row: f"{row['e_over_c']['median']:.2f}"),
        ("`orm` ÷ backbone alone", lambda row: f"{row['a_over_c']['median']:.2f}"),
        ("published ÷ `orm`", lambda row: f"{row['b_over_a']['median']:.1f}"),
        ("`student`, MB above the libraries", lambda row: f"{row['memory_mb']['e']:.0f}"),
        ("`orm`, MB above the libraries", lambda row: f"{row['memory_mb']['a']:.0f}"),
    ]
    if not all("e" in row["seconds"] for row in result["street"]):
        columns = [column for column in columns if "student" not in column[0]]
    body = [[str(row["objects"]), *(cell(row) for _, cell in columns)] for row in result["street"]]
    table = as_table(["objects", *(name for name, _ in columns)], body)
    host = result["machine"]
    command = result["command"].partition(" --out")[0]  # where it wrote says nothing about what it measured
    machine = f"{host['cpu']}, {host['cores']} cores, torch {host['torch']} with {host['torch_threads']} threads"
    return f"{table}\n\n{machine}; `{command}`."


def speed_of_crowds() -> str:
    """Whether time grows in proportion to the number of objects."""
    result = read(INFERENCE)
    if result is None:
        return not_yet("python benchmarks/inference/run.py")
    body = []
    for row in result["crowd"]:
        seconds = row["seconds"]["median"]
        body.append([str(row["objects"]), f"{seconds:.2f}", f"{seconds / row['objects']:.4f}"])
    return as_table(["objects", "seconds", "seconds per object"], body)


def reading() -> str:
    """What a large annotation file costs."""
    result = read(READING)
    if result is None:
        return not_yet("python benchmarks/reading/run.py")
    steps: Mapping[str, str] = result["names"]
    rows = result["steps"]
    body = [[title, f"{rows[step]['seconds']:.2f}", f"{rows[step]['megabytes']:.0f}"] for step, title in steps.items()]
    head = [f"{result['megabytes']:.0f} MB, {result['photos']:,} photos", "processor seconds", "MB of memory"]
    return as_table(head, body)


def model_classes() -> str:
    """What the shipped model learned each class from."""
    head = _model_head()
    card = head["card"]
    body = [
        [label, str(count), str(card["fully_visible"][label]), "{} × {}".format(*head["classes"][label]["shape"])]
        for label, count in card["objects"].items()
    ]
    skipped = ", ".join(f"{label} ({count})" for label, count in card["skipped"].items())
    table = as_table(["class", "training boxes", "of these fully visible", "cells (rows × columns)"], body)
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
    return as_table(["source", "photos", "licence as far as known (photos)"], body)


def model_settings() -> str:
    """With which settings it was learned."""
    settings = _model_head()["card"]["config"]
    return as_table(["setting", "value"], [[f"`{name}`", f"`{json.dumps(value)}`"] for name, value in settings.items()])


def _order_on_val(given: str) -> str:
    result = read(ORDER_EVIDENCE)
    if result is None:
        return not_yet(ORDER_COMMAND)
    part = result["val"][given]["all"]
    body = [
        [name.replace(",", ", "), *_order_row(row)]
        for name, row in part.items()
        if isinstance(row, dict) and "right" in row
    ]
    return as_table([f"{part['pairs']} pairs in {part['photos']} photos", *ORDER_HEAD], body)


def _order_row(row: Mapping[str, Any]) -> list[str]:
    loss, error = row.get("log_loss"), row.get("calibration_error")
    return [
        _percent(row["right"]),
        _percent(row.get("right_in_the_order_of_all", row["right"])),
        "" if loss is None else f"{loss['value']:.2f}",
        "" if error is None else f"{100 * error['value']:.1f} % ({100 * error['of_a_perfect_prior']:.1f} %)",
    ]


def _model_head() -> Any:
    with safe_open(MODEL, framework="np") as file:
        return json.loads(file.metadata()["model"])


def _with_interval(entry: Mapping[str, Any]) -> str:
    low, high = entry["interval_95"]
    return f"{entry['mean']:.1f} [{low:.1f}, {high:.1f}]"


def _percent(entry: Mapping[str, Any]) -> str:
    low, high = entry["by_photo_95"]
    return f"{100 * entry['value']:.0f} % [{100 * low:.0f}, {100 * high:.0f}]"


TABLES: Mapping[str, Callable[[], str]] = (
    {
        function.__name__: function
        for function in (
            unoccluded,
            unoccluded_short,
            unoccluded_seeds,
            order_prior,
            order_of_pairs,
            order_of_photos,
            order_of_pasted,
            unoccluded_without_flags,
            speed,
            speed_of_crowds,
            reading,
            model_classes,
            model_photos,
            model_settings,
        )
    }
    | COMPARED
    | MEASURED
    | NETWORKS
    | COSTS
)


if __name__ == "__main__":
    main()
