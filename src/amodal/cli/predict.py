"""`amodal predict`: photos and boxes in, masks, order and pictures out."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from amodal.cli.engine import Engine, check_engine
from amodal.cli.exits import DONE, NOTHING_DONE, SOME_REFUSED
from amodal.cli.in_format import check_format, write_in_format
from amodal.cli.objects import Finder, ObjectsIn, found_by_the_method, from_detector, from_file, from_visible_masks
from amodal.cli.photo_run import PhotoRun
from amodal.cli.photos import find_photos
from amodal.cli.predict_many import Parts, run_many
from amodal.cli.progress import progress_on_stderr, say
from amodal.cli.results import PAGE, SCENES, Refusal, keep_aside, new_results, publish
from amodal.errors import AmodalError, InputError
from amodal.images import photo_size
from amodal.scale.sources import is_source
from amodal.scale.work import Asked
from amodal.scene import BoxKind
from amodal.segmenter import MaskCompleter, Segmenter, best_method, device_of, has_setting, load


@dataclass(frozen=True)
class Predict:
    """Give every object's visible, whole and hidden mask, and who stands in front of whom.

    Writes scenes.json (COCO JSON), pictures/ and index.html into --out; refused.json if photos were refused.

    Without boxes the shipped detector finds the objects, offline; a network of the amodal family its own.

    A list of photos (.txt), .jsonl, .parquet or .tar shards, or --parts: any number of photos, by worker processes,
    into parts with an index and errors.jsonl, without pictures. Killed and started again it goes on.

    Example: amodal predict street.jpg --boxes boxes.json --out out
    """

    photos: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PHOTOS...")]
    """Photos, and folders of photos; or lists, shards and, with --parts, whole trees of folders."""
    boxes: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Boxes of the objects: COCO JSON, or a list of {file, boxes: [{box: [x0, y0, x1, y1], class}]}, where
    class may be left out."""
    detector: Annotated[
        str | None,
        tyro.conf.arg(metavar="default|NAME|NAME@FILE|FILE", help_behavior_hint="(default, where nothing is given)"),
    ] = None
    """In place of --boxes: "default" for the shipped one, whose boxes are of whole objects; the file of a network of
    the amodal family; or a torchvision detector by name, as fasterrcnn_resnet50_fpn_v2, or with weights from a
    .safetensors file, whose boxes are of visible parts."""
    visible_masks: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """In place of --boxes: COCO JSON with the visible masks of the objects, by any segmenter; they are completed."""
    least_score: float = 0.5
    """Score from which a detected object counts."""
    boxes_are: Annotated[
        Literal["amodal", "visible"] | None,
        tyro.conf.arg(
            metavar="amodal|visible",
            help_behavior_hint="(default: what the file of boxes says or the detector gives, else amodal)",
        ),
    ] = None
    """What the boxes hold: whole objects, or their visible parts."""
    method: Annotated[
        str | None,
        tyro.conf.arg(
            metavar="NAME",
            help_behavior_hint="(default: student, or orm for a model without one; with --visible-masks pcnet-m)",
        ),
    ] = None
    """student and orm reason about all objects together, student with the masks of a dense head, orm with those of the
    compositional model; published does so as the paper printed it, nod without an order; student-alone and compnet take
    each object by itself; pcnet-m completes visible masks, given or found by orm; mask-rcnn and bbtp are networks, each
    object by itself too. amodal-mask-rcnn, orcnn, panet, asn, panet-asn, mnc, fcis and amodal-mask are the amodal
    networks of --model FILE (detector: whichever it is): without boxes they find the objects themselves."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "default"
    """The shipped model, a .safetensors file made by amodal learn or amodal train, or a folder of amodal export."""
    refine: Annotated[
        Literal["none", "guided", "grabcut"] | None,
        tyro.conf.arg(metavar="none|guided|grabcut", help_behavior_hint="(default: the method's own)"),
    ] = None
    """Fit the masks to the photo's edges."""
    geometry: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = True
    """Do not let position and size speak in the order."""
    order_cues: Annotated[
        str | None, tyro.conf.arg(metavar="CUE,CUE", help_behavior_hint="(default: appearance,geometry,class)")
    ] = None
    """What may speak of who is in front: some of appearance, geometry and class, or none."""
    reasoning: Annotated[
        Literal["none", "order", "owners"] | None,
        tyro.conf.arg(metavar="none|order|owners", help_behavior_hint="(default: owners)"),
    ] = None
    """After an amodal network: its masks as they are, with an order beside them, or with one owner per pixel too."""
    device: Annotated[str, tyro.conf.arg(metavar="cpu|cuda|auto")] = "cpu"
    """Where the large work is done: cuda (or cuda:1, ...) for a GPU, which method orm with --refine none can use; auto
    for a GPU where there is one and it can be used."""
    rounds: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: the method's own)")] = None
    """Rounds of reasoning and self-correction."""
    out: Annotated[Path, tyro.conf.arg(metavar="FOLDER")] = Path("amodal-out")
    """Where the results go."""
    to: Annotated[str | None, tyro.conf.arg(metavar="FORMAT", help_behavior_hint="")] = None
    """Write the results into --out in this format too: kins, coco, cocoa, d2sa, kitti, ...; see amodal data convert."""
    parts: Annotated[
        Literal["jsonl", "parquet"] | None,
        tyro.conf.arg(metavar="jsonl|parquet", help_behavior_hint="(default: jsonl, for lists and shards)"),
    ] = None
    """Many photos: write the results in parts; amodal data convert reads them."""
    photos_per_part: int = 256
    """So many of them in a part; each worker loses at most so many when the run is killed."""
    workers: Annotated[int | None, tyro.conf.arg(metavar="INT", help_behavior_hint="(default: one a core)")] = None
    """Processes that work on parts; 0 for this one alone."""
    engine: Engine = "local"
    """Many photos: local, or ray for the machines of a Ray cluster, which share the folders of photos and results."""
    ray_address: Annotated[str | None, tyro.conf.arg(metavar="HOST:PORT", help_behavior_hint="")] = None
    """Of a running cluster; without it, and without RAY_ADDRESS, one is started on this machine."""
    pictures: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = True
    """Write scenes.json alone, no pictures and no page."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print a summary as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        started = time.perf_counter()
        self._check_use()
        if self.parts is not None or any(is_source(path) for path in self.photos):
            return self._many()
        if self.engine != "local":
            expected = "expected --parts, or a list of photos or shards, to be spread"
            raise InputError("predict", "--engine", f"found {self.engine} for a few photos", expected)
        photos = find_photos(self.photos)
        if hopeless := _none_usable(photos):
            return _nothing_done(hopeless)
        with new_results(self.out) as building:
            run = PhotoRun(photos, building, pictures=self.pictures)
            try:
                own = self._finds_its_own()
                objects_in = found_by_the_method("amodal") if own else self._objects_in(photos)
                segmenter = self._segmenter(own=own)
                with progress_on_stderr() as report:
                    run.work(objects_in, segmenter, report)
            except KeyboardInterrupt:
                raise KeyboardInterrupt(_keep_finished(run, self.out)) from None
            except Exception:
                if run.scenes:
                    say(_keep_finished(run, self.out))
                raise
            if not run.scenes:
                return _nothing_done(run.refusals)
            run.write_results()
            publish(building, self.out, run.refusals)
        written = None if self.to is None else write_in_format(run.scenes, self.to, self.out)
        for refusal in run.refusals:
            say(f"refused: {refusal.reason}")
        self._summarise(run, written, seconds=time.perf_counter() - started)
        return SOME_REFUSED if run.refusals else DONE

    def _check_use(self) -> None:
        ways = {"--boxes": self.boxes, "--detector": self.detector, "--visible-masks": self.visible_masks}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise InputError("predict", ", ".join(ways), f"found {' and '.join(given)}", "expected one of them")
        check_engine(self.engine, self.ray_address)
        if self.to is not None:
            check_format(self.to, self.out)
        if self.rounds is not None and self.rounds < 0:
            raise InputError("predict", "--rounds", f"found {self.rounds}", "expected 0 or more")
        if not 0 <= self.least_score <= 1:
            raise InputError("predict", "--least-score", f"found {self.least_score}", "expected 0 to 1")

    def _many(self) -> int:
        for option, value in (("--visible-masks", self.visible_masks), ("--to", self.to)):
            if value is not None:
                expected = "expected scenes in parts: amodal data convert writes them in other formats"
                raise InputError("predict", option, "found it with --parts or a list of photos", expected)
        method = self.method or best_method(self.model)
        own = self._finds_its_own()
        settings = {"boxes": "own", "least_score": self.least_score} if own else {}
        settings |= {name: value for name, value in self._settings(method).items() if name != "keep_posteriors"}
        detector = None if own else self.detector or "default"
        asked = Asked(self.model, method, settings, detector, self.least_score, device=self._device(method))
        return run_many(
            self.photos,
            self.boxes,
            replace(asked, boxes_are=self.boxes_are),
            self.out,
            Parts(self.parts or "jsonl", self.photos_per_part, self.workers, self.engine, self.ray_address),
            as_json=self.json,
        )

    def _objects_in(self, photos: Sequence[Path]) -> ObjectsIn:
        if self.boxes is not None:
            return from_file(self.boxes, photos, self.boxes_are)
        if self.visible_masks is not None:
            return from_visible_masks(self.visible_masks, photos)
        detector, boxes_are = _detector(self.detector)
        return from_detector(detector, self.least_score, self.boxes_are or boxes_are)

    def _finds_its_own(self) -> bool:
        """Whether nobody gives boxes to a method that can do without."""
        given = (self.boxes, self.detector, self.visible_masks)
        if self.method is None or any(value is not None for value in given):
            return False
        from amodal.networks.registry import FAMILY  # brings torch

        return self.method in (*FAMILY, "detector")

    def _segmenter(self, *, own: bool) -> Segmenter:
        method = self.method or (best_method(self.model) if self.visible_masks is None else "pcnet-m")
        settings = {"boxes": "own", "least_score": self.least_score} if own else {}
        segmenter = load(self.model, method, device=self._device(method), **settings, **self._settings(method))
        if self.visible_masks is not None and not isinstance(segmenter, MaskCompleter):
            raise InputError("predict", "--visible-masks", f"method {method!r} starts from boxes", "expected pcnet-m")
        if own:
            say(f"no boxes given: {method} finds the objects itself, in boxes of whole objects")
        return segmenter

    def _settings(self, method: str) -> dict[str, Any]:
        """What to tell the method; what was not asked for is left to it."""
        asked = {
            "refine": self.refine,
            "rounds": self.rounds,
            "geometry": None if self.geometry else False,
            "order_cues": self.order_cues,
            "reasoning": self.reasoning,
            # Maps are drawn where the method has any; nobody asked for them by name.
            "keep_posteriors": True if self.pictures and self._has_maps(method) else None,
        }
        return {name: value for name, value in asked.items() if value is not None}

    def _has_maps(self, method: str) -> bool:
        return has_setting(method, "keep_posteriors", self._device(method))

    def _device(self, method: str) -> str:
        return device_of(self.device, self.model, method, {"refine": self.refine})

    def _summarise(self, run: PhotoRun, written: Path | None, seconds: float) -> None:
        objects = sum(len(scene) for scene in run.scenes)
        page = self.out / PAGE
        if self.json:
            summary = {
                "photos": len(run.scenes),
                "objects": objects,
                "refused": [asdict(refusal) for refusal in run.refusals],
                "scenes": str(self.out / SCENES),
                "in_format": None if written is None else str(written),
                "page": str(page) if self.pictures else None,
                "seconds": round(seconds, 3),
            }
            print(json.dumps(summary))
            return
        print(f"{_count(len(run.scenes), 'photo')}, {_count(objects, 'object')}, {seconds:.1f} s")
        print(f"results: {self.out / SCENES}" + ("" if written is None else f", {written}"))
        if self.pictures:
            print(f"look at: {page}")


def _detector(name: str | None) -> tuple[Finder, BoxKind]:
    """The detector of that name, the shipped one where there is none; and what its boxes hold."""
    from amodal.methods.detect import load_detector  # brings torch
    from amodal.networks.detector import family_detector, is_shipped

    if name is None and not is_shipped():
        expected = "expected one of them: this package ships no detector"
        raise InputError("predict", "--boxes, --detector, --visible-masks", "found none", expected)
    own = family_detector(name or "default")
    if own is None:
        return load_detector(name or ""), "visible"
    if name is None:
        say(f"no boxes given: the shipped detector, {own.said}, finds the objects, in boxes of whole objects")
    return own, own.boxes_are


def _keep_finished(run: PhotoRun, out: Path) -> str:
    """Keep what is finished aside, earlier results stay as they are; says so."""
    if not run.scenes:
        return "no photo was finished, nothing was written"
    run.write_results()
    place = keep_aside(run.folder, out)
    return f"{len(run.scenes)} of {len(run.photos)} photos are finished and kept in {place}"


def _none_usable(photos: Sequence[Path]) -> list[Refusal]:
    """Why no photo can be used, as the headers say, before a detector is loaded; empty as soon as one can."""
    refusals = []
    for path in photos:
        try:
            photo_size(path)
        except AmodalError as error:
            refusals.append(Refusal(str(path), str(error)))
        else:
            return []
    return refusals


def _nothing_done(refusals: Sequence[Refusal]) -> int:
    if len(refusals) == 1:
        raise AmodalError(refusals[0].reason)
    for refusal in refusals:
        say(f"refused: {refusal.reason}")
    say(f"error: none of the {len(refusals)} photos could be used")
    return NOTHING_DONE


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
