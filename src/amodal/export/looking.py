"""Looking at objects once with exported graphs: what `methods/looking.py` does in torch, here in numpy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Float32, Float64, UInt8

from amodal.export.engines import Graph, graph_of
from amodal.export.folder import ExportedModel
from amodal.export.templates import ClassMaps, ClassTemplates, read_templates, softmax
from amodal.features.chunks import CHUNK
from amodal.features.cutting import Pyramid, crop_seen_right
from amodal.features.lattice import Lattice, Shape, as_xyxy
from amodal.methods.pixels import share_of_cells
from amodal.student.around import lattice_around, medians, moved_out, seen_around
from amodal.student.surroundings import hints_from

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, eq=False)
class Passed:
    """What the backbone gave for one object: outputs of the graph "look", `inside` [rows, cols] the picture."""

    lattice: Lattice
    inside: Float32[np.ndarray, "rows cols"]
    outputs: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Seen:
    """One object after its only backbone pass; as in `methods/looking.py`."""

    passed: Passed
    candidates: tuple[str, ...]
    maps: tuple[ClassMaps, ...]
    label: str
    mixture: int
    score: float

    @property
    def lattice(self) -> Lattice:
        """The object's cells."""
        return self.passed.lattice


@dataclass(frozen=True)
class Looker:
    """The graphs and templates of an exported compositional model; each is read when first needed."""

    model: ExportedModel
    threads: int | None = None

    @property
    def labels(self) -> tuple[str, ...]:
        """The classes it tells apart, in the sequence of the student's embedding."""
        return tuple(self.model.head["labels"])

    @property
    def agnostic(self) -> str:
        """The class-agnostic model's label."""
        return str(self.model.head["agnostic"])

    @property
    def completes(self) -> bool:
        """Whether it finds whole boxes from visible ones."""
        return self.model.has("whole-box")

    @cached_property
    def templates(self) -> dict[str, ClassTemplates]:
        """By class."""
        return read_templates(self.model)

    def look(
        self,
        photos: Sequence[Picture],
        boxes: Sequence[Float[np.ndarray, "n 4"]],
        labels: Sequence[Sequence[str | None]],
    ) -> list[list[Seen]]:
        """All objects of all photos; a label of None stands for any of the model's classes."""
        passed = self._pass(photos, [[Lattice.of_box(as_xyxy(row)) for row in rows] for rows in boxes])
        groups: dict[tuple[Shape, tuple[str, ...]], list[tuple[int, int]]] = defaultdict(list)
        for p, items in enumerate(passed):
            for n, item in enumerate(items):
                groups[item.lattice.shape, self._candidates(labels[p][n])].append((p, n))
        seen: dict[tuple[int, int], Seen] = {}
        for (_, candidates), keys in groups.items():
            found = self._look_at_group([passed[p][n] for p, n in keys], candidates)
            seen.update(zip(keys, found, strict=True))
        return [[seen[p, n] for n in range(len(items))] for p, items in enumerate(passed)]

    def look_again(self, seen: Seen, visible: Bool[np.ndarray, "h w"], photo_size: tuple[int, int]) -> Seen:
        """Class and mixture chosen anew on visible positions alone; `visible` lies on the object's pixel window."""
        height, width = photo_size
        weight = seen.passed.inside.ravel() * share_of_cells(seen.lattice, visible, width, height).ravel()
        return seen if weight.sum() < 1 else self._chosen(seen, weight)

    def cell_posteriors(self, seen: Seen) -> Float32[np.ndarray, "3 rows cols"]:
        """P(seen), P(hidden), P(absent) of each cell of the padded lattice, by the compositional model."""
        maps = seen.maps[seen.candidates.index(seen.label)]
        threshold, temperature = self.templates[seen.label].threshold, float(self.model.head["temperature"])
        return maps.posteriors(seen.mixture, threshold, temperature).reshape(3, *seen.lattice.shape.padded)

    def student_posteriors(self, seen: Sequence[Sequence[Seen]]) -> list[list[Float32[np.ndarray, "3 rows cols"]]]:
        """The same by the student, several positions to a cell's side."""
        settings = self.model.head["student"]
        hints = [
            hints_from([one.lattice for one in own], [self.cell_posteriors(one) for one in own],
                       [one.passed.inside for one in own])
            for own in seen
        ]  # fmt: skip
        found: dict[tuple[int, int], np.ndarray] = {}
        for keys in _batches({(p, n): one.lattice.shape for p, own in enumerate(seen) for n, one in enumerate(own)}):
            passed = [seen[p][n].passed for p, n in keys]
            labels = [self._number(seen[p][n].label) if settings["label"] else 0 for p, n in keys]
            inputs = {
                name: np.stack([one.outputs[name] for one in passed])
                for name in ("features", *settings["finer"])
            }  # fmt: skip
            inputs |= {"hints": np.stack([hints[p][n] for p, n in keys]), "labels": np.array(labels, np.int64)}
            found.update(zip(keys, self._student(inputs)["posteriors"], strict=True))
        return [[found[p, n] for n in range(len(own))] for p, own in enumerate(seen)]

    def whole_boxes(
        self,
        photos: Sequence[Picture],
        visible: Sequence[Float[np.ndarray, "n 4"]],
        labels: Sequence[Sequence[str | None]],
    ) -> list[Float64[np.ndarray, "n 4"]]:
        """The whole boxes of all objects from their visible ones, at the cost of a pass of their own."""
        passed = self._pass(photos, [[lattice_around(as_xyxy(row)) for row in rows] for rows in visible])
        found = [np.array(boxes, np.float64).reshape(-1, 4) for boxes in visible]
        for keys in _batches({(p, n): one.lattice.shape for p, own in enumerate(passed) for n, one in enumerate(own)}):
            own = [passed[p][n] for p, n in keys]
            rows = [seen_around(one.lattice, one.inside, n, visible[p]) for one, (p, n) in zip(own, keys, strict=True)]
            inputs = {name: np.stack([row[name] for row in rows]).astype(np.float32) for name in rows[0]}
            inputs["features"] = np.stack([one.outputs["features"] for one in own])
            inputs["labels"] = np.array([self._number(labels[p][n] or "") for p, n in keys], np.int64)
            for (p, n), distances in zip(keys, medians(self._whole_box(inputs)["further"]), strict=True):
                height, width = photos[p].shape[:2]
                found[p][n] = moved_out(as_xyxy(found[p][n]), distances, (height, width))
        return found

    def _candidates(self, label: str | None) -> tuple[str, ...]:
        if label is None:
            return self.labels
        return (label,) if label in self.labels else (self.agnostic,)

    def _number(self, label: str) -> int:
        return self.labels.index(label) + 1 if label in self.labels else 0

    def _pass(self, photos: Sequence[Picture], lattices: Sequence[Sequence[Lattice]]) -> list[list[Passed]]:
        """Every object through the backbone and its kernels, crops of one shape together."""
        pyramids = [Pyramid(photo) for photo in photos]
        offset = float(self.model.head["cell_offset"])
        found: dict[tuple[int, int], Passed] = {}
        for keys in _batches({(p, n): own.shape for p, rows in enumerate(lattices) for n, own in enumerate(rows)}):
            crops = [crop_seen_right(pyramids[p], lattices[p][n], offset) for p, n in keys]
            outputs = self._look({"crops": np.stack(crops)})
            for row, (p, n) in enumerate(keys):
                height, width = photos[p].shape[:2]
                own = {name: values[row] for name, values in outputs.items()}
                found[p, n] = Passed(lattices[p][n], lattices[p][n].cells_inside(width, height), own)
        return [[found[p, n] for n in range(len(rows))] for p, rows in enumerate(lattices)]

    def _look_at_group(self, items: Sequence[Passed], candidates: tuple[str, ...]) -> list[Seen]:
        """Objects of one lattice shape under every mixture of every candidate."""
        shape = items[0].lattice.shape
        given = {name: np.stack([item.outputs[name] for item in items]) for name in ("likelihood", "outlier")}
        maps: list[dict[str, np.ndarray]] = []
        occluded: list[np.ndarray] = []
        for label in candidates:
            templates = self.templates[label]
            packed, prior = templates.on(shape), np.float32(templates.outlier_log_prior)
            own = {"weights": packed.weights, "log_prior": packed.log_prior, "log_not_prior": packed.log_not_prior}
            maps.append(self._maps({**given, **own, "outlier_log_prior": np.array([prior])}))
            occluded.append(packed.log_prior + prior)
        return [
            self._chosen(
                Seen(
                    item,
                    candidates,
                    tuple(
                        ClassMaps(found["foreground"][n], hidden, found["context"][n], found["explained"][n])
                        for found, hidden in zip(maps, occluded, strict=True)
                    ),
                    candidates[0],
                    0,
                    0.0,
                ),
                item.inside.ravel(),
            )
            for n, item in enumerate(items)
        ]

    def _chosen(self, seen: Seen, weight: Float32[np.ndarray, " cells"]) -> Seen:
        scores = [maps.score(weight) for maps in seen.maps]
        best = np.array([score.max() for score in scores])
        winner = int(best.argmax())
        sure = softmax(np.float32(self.model.head["class_sharpness"]) * best)[winner]
        return replace(seen, label=seen.candidates[winner], mixture=int(scores[winner].argmax()), score=float(sure))

    @cached_property
    def _look(self) -> Graph:
        return graph_of(self.model, "look", self.threads)

    @cached_property
    def _maps(self) -> Graph:
        return graph_of(self.model, "maps", self.threads)

    @cached_property
    def _student(self) -> Graph:
        return graph_of(self.model, "student", self.threads)

    @cached_property
    def _whole_box(self) -> Graph:
        return graph_of(self.model, "whole-box", self.threads)


def _batches(shapes: dict[tuple[int, int], Shape]) -> Iterator[list[tuple[int, int]]]:
    """Keys of one lattice shape, few at a time."""
    groups: dict[Shape, list[tuple[int, int]]] = defaultdict(list)
    for key, shape in shapes.items():
        groups[shape].append(key)
    for keys in groups.values():
        for start in range(0, len(keys), CHUNK):
            yield keys[start : start + CHUNK]
