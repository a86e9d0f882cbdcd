"""Tables of the amodal network family: the comparison, ablations, hidden parts, and what reasoning adds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import mean
from typing import Any

from rendering import ROOT, as_table, not_yet, read

FOLDER = ROOT / "experiments" / "network_family"
RUN, ABLATIONS, HIDDEN, OVERFIT, PARAMETERS = (
    FOLDER / name for name in ("result.json", "ablations.json", "hidden.json", "overfit.json", "parameters.json")
)
DETECTOR = ROOT / "experiments" / "detector" / "result.json"
KINDS = {"det": "Det", "amodal": "Amodal", "inmodal": "Inmodal"}
# [S2] Table 4; it has no row of AmodalMask.
PRINTED = {
    "MNC": (20.9, 18.5, 16.1),
    "FCIS": (25.6, 23.5, 20.8),
    "ORCNN": (30.9, 29.0, 26.4),
    "Mask R-CNN": (31.3, 29.3, 26.6),
    "Mask R-CNN + ASN": (32.7, 31.1, 28.7),
    "PANet": (32.3, 30.4, 27.6),
    "PANet + ASN": (33.4, 32.2, 29.7),
}
# What [S2] concludes from it, the better one first.
ORDERINGS = (
    ("Mask R-CNN + ASN", "Mask R-CNN"),
    ("PANet + ASN", "PANet"),
    ("PANet", "Mask R-CNN"),
    ("Mask R-CNN + ASN", "PANet"),
    ("Mask R-CNN", "ORCNN"),
    ("ORCNN", "FCIS"),
    ("FCIS", "MNC"),
)
# [S2] Tables 5 to 7: Det, Amodal, Inmodal; in Table 6 with the branch's accuracy.
PRINTED_5 = ((31.0, None, 26.4), (31.1, 29.2, None), (31.3, 29.3, 26.6), (31.9, 30.0, 27.9),
             (32.5, 31.0, 28.6), (32.7, 31.1, 28.7), (32.3, 30.6, 28.2), (31.7, 29.8, 28.0),
             (31.9, 29.8, 27.9), (31.8, 29.7, 27.8))  # fmt: skip
PRINTED_6 = ((31.3, 29.3, 26.6, 86.6), (31.7, 29.7, 27.5, 87.1), (31.9, 30.0, 27.9, 87.2), (31.4, 29.6, 27.3, 86.9),
             (31.2, 29.4, 26.7, 86.6))  # fmt: skip
PRINTED_7 = ((32.1, 30.5, 27.9), (32.4, 30.6, 28.0), (31.9, 30.3, 27.6), (32.7, 31.0, 28.6), (32.3, 30.6, 28.1),
             (32.6, 31.0, 28.5), (32.0, 30.1, 27.5), (32.6, 31.1, 28.6), (32.7, 31.1, 28.7))  # fmt: skip
PRINTED_ABLATIONS = {"5": PRINTED_5, "6": PRINTED_6, "7": PRINTED_7}
PRINTED_COUNTS = {"PANet": 44_056_576, "ASN": 13_402_240}  # [S2 §5]


def network_family() -> str:
    """AP of every network on street scenes, in brackets the paper's on KINS; inmodal AP on real photos."""
    parts = _parts("street scenes", "street photos")
    if parts is None:
        return not_yet("python experiments/network_family/run.py")
    scenes, photos = (_by_network(part["rows"]) for part in parts)
    body = []
    for title in sorted(scenes, key=lambda name: PRINTED.get(name, (0.0, 0.0, 0.0))[1]):
        printed = PRINTED.get(title, (None, None, None))
        cells = [_spread(scenes[title], kind) for kind in KINDS]
        cells = [cell + (f" ({number})" if number else "") for cell, number in zip(cells, printed, strict=True)]
        seconds = mean(row["seconds_per_photo"] for row in scenes[title])
        real = _spread(photos[title], "inmodal") if title in photos else "–"
        body.append([title, str(len(scenes[title])), *cells, real, f"{seconds:.2f}"])
    head = ["", "seeds", *KINDS.values(), "Inmodal, real photos", "seconds per photo"]
    return as_table(head, body)


def network_orderings() -> str:
    """Which networks the paper has above which, and whether ours say so; `noise` is the widest range of three seeds."""
    parts = _parts("street scenes")
    if parts is None:
        return not_yet("python experiments/network_family/run.py")
    rows = _by_network(parts[0]["rows"])
    values = {name: {kind: [row["ap"][kind]["AP"] for row in own] for kind in KINDS} for name, own in rows.items()}
    noise = {kind: max(max(own[kind]) - min(own[kind]) for own in values.values()) for kind in KINDS}
    body = []
    for better, worse in ORDERINGS:
        if better in values and worse in values:
            cells = []
            for number, kind in enumerate(KINDS):
                ours = mean(values[better][kind]) - mean(values[worse][kind])
                told = PRINTED[better][number] - PRINTED[worse][number]
                verdict = "not separated" if abs(ours) <= noise[kind] else "yes" if ours * told > 0 else "NO"
                cells.append(f"{ours:+.1f} ({told:+.1f}): {verdict}")
            body.append([f"{better} over {worse}", *cells])
    body.append(["*noise*", *(f"{value:.1f}" for value in noise.values())])
    return as_table(["ours (paper): reproduced?", *KINDS.values()], body)


def network_classes() -> str:
    """Amodal / inmodal AP by class on street scenes, seed 0."""
    parts = _parts("street scenes")
    if parts is None:
        return not_yet("python experiments/network_family/run.py")
    rows = {title: own[0]["ap"] for title, own in _by_network(parts[0]["rows"]).items()}
    classes = list(next(iter(rows.values()))["amodal"]["per_class"])
    body = [
        [title, *(f"{ap['amodal']['per_class'][one]:.1f} / {ap['inmodal']['per_class'][one]:.1f}" for one in classes)]
        for title, ap in rows.items()
    ]
    return as_table(["", *classes], body)


def network_reasoning() -> str:
    """Sure finds as they are, and with an order and one owner per pixel."""
    parts = _parts("reasoning")
    if parts is None:
        return not_yet("python experiments/network_family/run.py --parts reasoning")
    body = [[name, *(f"{row['ap'][kind]['AP']:.1f}" for kind in KINDS)] for name, row in parts[0]["rows"].items()]
    return as_table(["", *KINDS.values()], body)


def ablation_table(number: str) -> Callable[[], str]:
    """A table of the paper: rows, ours, in brackets the paper's."""

    def render() -> str:
        measured = read(ABLATIONS)
        if measured is None:
            return not_yet("python experiments/network_family/ablations.py")
        kinds = [*KINDS, *(["occlusion"] if number == "6" else [])]
        body = []
        for (row, found), printed in zip(measured["tables"][number].items(), PRINTED_ABLATIONS[number], strict=True):
            cells = [
                f"{found[kind]:.1f} ({told})" if kind in found else "–"
                for kind, told in zip(kinds, printed, strict=False)
            ]
            if number == "6":
                threshold = row.removeprefix("OC(").removesuffix(")")
                cells.append(f"{measured['all_negative'][threshold]:.1f}" if "occlusion" in found else "–")
            body.append([row, *cells])
        more = ["occlusion is right, %", "if none is called occluded"] if number == "6" else []
        return as_table(["", *KINDS.values(), *more], body)

    return render


def hidden_parts() -> str:
    """IoU of hidden parts while training goes on."""
    measured = read(HIDDEN)
    if measured is None:
        return not_yet("python experiments/network_family/hidden.py")
    curves: Mapping[str, list[dict[str, Any]]] = measured["curves"]
    steps = [seen["step"] for seen in next(iter(curves.values()))]
    body = [
        [f"{title}: {name}", *(f"{seen[key]:.1f}" for seen in curve)]
        for title, curve in curves.items()
        for name, key in (("hidden parts", "hidden_iou"), ("whole", "amodal_iou"), ("visible", "modal_iou"))
    ]
    return as_table(["step", *map(str, steps)], body)


def detector() -> str:
    """AP of the shipped detector, beside the modal Mask R-CNN that comes with the package."""
    measured = read(DETECTOR)
    if measured is None:
        return not_yet("python experiments/detector/run.py")
    rows = {
        "street photos, val": measured["detector"],
        "the same: modal Mask R-CNN": measured["modal Mask R-CNN"],
        "street scenes, val": measured["on scenes"],
    }
    kinds = {"visible boxes": "boxes of visible masks", "det": "own boxes", "inmodal": "visible masks"}
    kinds["amodal"] = "whole masks"
    body = []
    for title, row in rows.items():
        cells = [
            f"{row['ap'][kind]['AP']:.1f} ({row['ap'][kind]['AP50']:.1f})" if kind in row["ap"] else "–"
            for kind in kinds
        ]
        body.append([title, str(row["photos"]), str(row["objects"]), *cells, f"{row['seconds_per_photo']:.2f}"])
    return as_table(["AP (AP50)", "photos", "objects", *kinds.values(), "seconds per photo"], body)


def detector_classes() -> str:
    """AP of visible boxes by class on real photos."""
    measured = read(DETECTOR)
    if measured is None:
        return not_yet("python experiments/detector/run.py")
    own = measured["detector"]["ap"]["visible boxes"]["per_class"]
    return as_table(own, [[f"{value:.1f}" for value in own.values()]])


def detector_doubles() -> str:
    """Precision and recall of sure finds, with and without those that see what a surer one sees."""
    measured = read(DETECTOR)
    if measured is None or "doubles" not in measured:
        return not_yet("python experiments/detector/run.py")
    body = [[name, f"{row['precision']:.0f}", f"{row['recall']:.0f}"] for name, row in measured["doubles"].items()]
    return as_table(["least score", "precision, %", "recall, %"], body)


def overfit() -> str:
    """What every network reaches on the ten scenes that it learns from."""
    measured = read(OVERFIT)
    if measured is None:
        return not_yet("python experiments/network_family/overfit.py")
    body = [
        [name, *(f"{row[kind]:.1f}" for kind in KINDS), str(row["steps"]), f"{row['seconds'] / 60:.0f}"]
        for name, row in measured["networks"].items()
    ]
    return as_table(["", *KINDS.values(), "steps", "minutes"], body)


def parameters() -> str:
    """How large each network is."""
    measured = read(PARAMETERS)
    if measured is None:
        return not_yet("python experiments/network_family/parameters.py")
    body = [[f"`{name}`", f"{row['published']:,}", f"{row['small']:,}"] for name, row in measured["networks"].items()]
    return as_table(["", "published size", "small size"], body)


def parameters_over() -> str:
    """What stands on top of Mask R-CNN, beside the counts that the paper prints."""
    measured = read(PARAMETERS)
    if measured is None:
        return not_yet("python experiments/network_family/parameters.py")
    body = [
        [name, f"{count:,}", f"{PRINTED_COUNTS[name.partition(':')[0]]:,}"] for name, count in measured["over"].items()
    ]
    return as_table(["weights without biases, both mask branches", "ours", "the paper"], body)


def _parts(*names: str) -> list[Any] | None:
    measured = read(RUN)
    if measured is None or not set(names) <= measured["parts"].keys():
        return None
    return [measured["parts"][name] for name in names]


def _by_network(rows: Mapping[str, Any]) -> dict[str, list[Any]]:
    grouped: dict[str, list[Any]] = {}
    for name, row in rows.items():
        grouped.setdefault(name.rpartition(" seed")[0], []).append(row)
    return grouped


def _spread(rows: list[Any], kind: str) -> str:
    """Mean over seeds, and how far they are apart."""
    values = [row["ap"][kind]["AP"] for row in rows]
    return f"{mean(values):.1f}" + (f" ± {(max(values) - min(values)) / 2:.1f}" if len(values) > 1 else "")


NETWORKS: Mapping[str, Callable[[], str]] = {
    "network_family": network_family,
    "network_orderings": network_orderings,
    "network_classes": network_classes,
    "network_reasoning": network_reasoning,
    "ablation_parts": ablation_table("5"),
    "ablation_threshold": ablation_table("6"),
    "ablation_coding": ablation_table("7"),
    "hidden_parts": hidden_parts,
    "overfit": overfit,
    "parameters": parameters,
    "parameters_over": parameters_over,
    "detector": detector,
    "detector_classes": detector_classes,
    "detector_doubles": detector_doubles,
}
