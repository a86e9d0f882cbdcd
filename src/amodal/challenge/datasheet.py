"""Datasheet: what a finished set holds, counted while it is put together, and where its pictures come from."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from amodal.challenge.backgrounds import Backgrounds
from amodal.challenge.balance import RULES
from amodal.challenge.sources import Refused, Sources
from amodal.data.fields import read_json
from amodal.scene import LEVELS

DATASHEET, DATASHEET_TEXT = "datasheet.json", "datasheet.md"
_RULE_TEXT = {"lower": "lower edge in front", "larger": "larger mask in front", "taller": "taller in front"}
# What each rule compares, of an annotation in our file.
_MEASURES: Mapping[str, Callable[[Mapping[str, Any]], float]] = {
    "lower": lambda annotation: float(annotation["bbox"][1] + annotation["bbox"][3]),
    "larger": lambda annotation: float(annotation["area"]),
    "taller": lambda annotation: float(annotation["bbox"][3]),
}


@dataclass(frozen=True)
class Summary:
    """What was made.

    Attributes:
        levels: how many known objects of each level.
        pairs: how many ordered pairs of known objects, by the level of the hidden one.
        right: of these, how often each rule of geometry is right.
        refused: objects and photos that could not be used.
        seconds: how long this run took.
    """

    scenes: int
    objects: int
    unknown: int
    levels: Mapping[str, int]
    pairs: Mapping[str, int]
    right: Mapping[str, Mapping[str, int]]
    refused: tuple[Refused, ...] = ()
    seconds: float = 0.0

    @classmethod
    def read(cls, folder: str | os.PathLike[str]) -> Summary:
        """Of a finished folder."""
        counts = read_json(Path(folder) / DATASHEET)["counts"].object()
        return cls(**{name: counts[name] for name in ("scenes", "objects", "unknown", "levels", "pairs", "right")})

    def timed(self, seconds: float, refused: Sequence[Refused]) -> Summary:
        """With what only this run knows."""
        return replace(self, seconds=seconds, refused=tuple(refused))

    def rule_score(self, rule: str) -> float:
        """Part of all pairs that a rule orders right, in %; nan without pairs."""
        pairs = sum(self.pairs.values())
        return 100 * sum(self.right[rule].values()) / pairs if pairs else float("nan")

    def text(self) -> str:
        """A few lines for people."""
        levels = ", ".join(f"{level} {count}" for level, count in self.levels.items())
        rules = ", ".join(f"{_RULE_TEXT[rule]} {self.rule_score(rule):.1f} %" for rule in RULES)
        pairs = sum(self.pairs.values())
        return (
            f"{self.scenes} scenes: {self.objects} known objects ({levels}), {self.unknown} unknown occluders\n"
            f"{pairs} ordered pairs; how often a rule is right: {rules}"
        )


@dataclass
class Datasheet:
    """Counts of the scenes added so far; their memory does not grow with their number."""

    levels: Counter[str] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    pairs: Counter[str] = field(default_factory=Counter)
    right: Counter[tuple[str, str]] = field(default_factory=Counter)
    used: Counter[str] = field(default_factory=Counter)
    unknown_used: Counter[str] = field(default_factory=Counter)
    backgrounds: Counter[str] = field(default_factory=Counter)
    scenes: int = 0

    def add(self, content: Mapping[str, Any], record: Mapping[str, Any]) -> None:
        """Count a scene, as our file holds it, and its record."""
        self.scenes += 1
        self.backgrounds[record["background"]] += 1
        names = {category["id"]: category["name"] for category in content["categories"]}
        by_id = {}
        for annotation in content["annotations"]:
            meta = annotation["meta"]
            if meta["known"]:
                by_id[annotation["id"]] = annotation
                self.levels[meta["level"]] += 1
                self.labels[names[annotation["category_id"]]] += 1
                self.used[meta["source"]] += 1
        self.unknown_used.update(
            f"{thing['kind']}: {thing['label']}" for thing in record["placed"] if _is_unknown(thing)
        )
        for edge in content["order"]:
            if edge["front"] in by_id and edge["behind"] in by_id:
                self._add_pair(by_id[edge["front"]], by_id[edge["behind"]])

    def files(self, sources: Sources, backgrounds: Backgrounds, settings: Mapping[str, Any]) -> dict[str, str]:
        """The content of `datasheet.json` and `datasheet.md`."""
        content = self._content(sources, backgrounds, settings)
        return {DATASHEET: json.dumps(content, indent=1) + "\n", DATASHEET_TEXT: _markdown(content)}

    def _add_pair(self, front: Mapping[str, Any], behind: Mapping[str, Any]) -> None:
        level = behind["meta"]["level"]
        self.pairs[level] += 1
        for rule, value in _MEASURES.items():
            self.right[rule, level] += value(front) > value(behind)

    def _content(self, sources: Sources, backgrounds: Backgrounds, settings: Mapping[str, Any]) -> dict[str, Any]:
        from_where: Counter[tuple[str, str]] = Counter()
        for id, count in self.used.items():
            cut_out = sources.objects[int(id)]
            from_where[cut_out.source or "not stated", cut_out.licence or "not stated"] += count
        refused = Counter(entry.reason for entry in (*sources.refused, *backgrounds.refused))
        return {
            "settings": dict(settings),
            "counts": {
                "scenes": self.scenes,
                "objects": sum(self.levels.values()),
                "unknown": sum(self.unknown_used.values()),
                "levels": {level: self.levels[level] for level in LEVELS},
                "labels": dict(sorted(self.labels.items())),
                "pairs": {level: self.pairs[level] for level in LEVELS},
                "right": {rule: {level: self.right[rule, level] for level in LEVELS} for rule in RULES},
                "unknown_from": dict(sorted(self.unknown_used.items())),
            },
            "sources": {
                "cut_outs_available": len(sources.objects),
                "cut_outs_used": len(self.used),
                "backgrounds_available": len(backgrounds.scenes),
                "backgrounds_used": len(self.backgrounds),
                "placed_from": [
                    {"source": source, "licence": licence, "objects": count}
                    for (source, licence), count in sorted(from_where.items())
                ],
                "refused": dict(sorted(refused.items())),
            },
        }


def _is_unknown(thing: Mapping[str, Any]) -> bool:
    return bool(thing["kind"] != "object")


def _markdown(content: Mapping[str, Any]) -> str:
    counts, sources, settings = content["counts"], content["sources"], content["settings"]
    lines = [
        f"# Occlusion Challenge: `{settings['scenario']}`, layout `{settings['layout']}`",
        "",
        f"{counts['scenes']} scenes, {counts['objects']} known objects, {counts['unknown']} unknown occluders.",
        "",
        "| level | objects | pairs (level of the hidden one) | " + " | ".join(_RULE_TEXT.values()) + " |",
        "| --- | --- | --- |" + " --- |" * len(_RULE_TEXT),
    ]
    for level in LEVELS:
        pairs = counts["pairs"][level]
        lines.append(f"| {level} | {counts['levels'][level]} | {pairs} | {_scores(counts, [level])} |")
    everything = sum(counts["pairs"].values())
    lines.append(f"| all | {counts['objects']} | {everything} | {_scores(counts, list(LEVELS))} |")
    lines += ["", "Objects by class: " + _listed(counts["labels"]) + "."]
    if counts["unknown"]:
        lines.append("Unknown occluders: " + _listed(counts["unknown_from"]) + ".")
    lines += [
        "",
        f"Cut-outs: {sources['cut_outs_used']} of {sources['cut_outs_available']} used; "
        f"backgrounds: {sources['backgrounds_used']} of {sources['backgrounds_available']}.",
        "",
        "| objects from | licence | placed |",
        "| --- | --- | --- |",
        *(f"| {row['source']} | {row['licence']} | {row['objects']} |" for row in sources["placed_from"]),
        "",
        "Not used: " + (_listed(sources["refused"]) or "nothing") + ".",
        "",
        "Settings: "
        + ", ".join(f"{name} {value}" for name, value in settings.items() if value not in (None, []))
        + ".",
    ]
    return "\n".join(lines) + "\n"


def _scores(counts: Mapping[str, Any], levels: Sequence[str]) -> str:
    pairs = sum(counts["pairs"][level] for level in levels)
    right = [sum(counts["right"][rule][level] for level in levels) for rule in RULES]
    return " | ".join(f"{100 * count / pairs:.1f} %" if pairs else "–" for count in right)


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items())
