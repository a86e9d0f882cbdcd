"""Every broken annotation of a file: one tolerant walk over its JSON that notes what it finds and never stops.

The walk trusts no reader: it knows the formats by `layouts` alone, and reads of each annotation what can be read. What
makes an annotation useless (no photo, no class, no mask) takes it out of the repaired copy; anything else is mended in
place or left as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from amodal.data.fields import Field, kind_of, read_json, shortened
from amodal.data.truth import FORMATS
from amodal.errors import InputError
from amodal.masks import CropMask
from amodal.progress import Progress
from amodal.survey.findings import Findings, Notes, Severity, child, missing_or, path_of
from amodal.survey.layouts import OURS, Layout, layout_of, value_of, xyxy_of
from amodal.survey.measures import examine_visible_measures, examine_whole_measures
from amodal.survey.orders import Drawn, examine_edges, examine_missing_visible, examine_numbers
from amodal.survey.segmentations import examined_mask, is_empty_rle
from amodal.survey.sizes import drawings_of
from amodal.survey.tables import ClassIds, Photo, as_whole, entries, examined_classes, examined_photos, whole_number

OUT = "taken out"
MOST = 1e300
OUTSIDE_SHARE, OUTSIDE_PX = 0.02, 10  # masks drawn apart differ along their border


@dataclass(frozen=True)
class CheckSettings:
    """What to look for.

    Attributes:
        images: the photos' folder; else they are looked for beside the file, and only checked if some are found.
        least_overlap_px: objects that share fewer pixels count as not overlapping where orders are checked.
    """

    images: Path | None = None
    least_overlap_px: int = 10


def check(
    path: str | os.PathLike[str], settings: CheckSettings | None = None, progress: Progress | None = None
) -> Findings:
    """Check a JSON file of any layout that `layouts` knows.

    Raises:
        InputError: no such file, or not JSON at all.
    """
    return check_parsed(read_json(path), settings or CheckSettings(), progress)


def check_parsed(root: Field, settings: CheckSettings, progress: Progress | None = None) -> Findings:
    """Do what `check` does with a file that is already parsed."""
    notes, layout = Notes(), layout_of(root)
    if not isinstance(root.value, dict):
        notes.note(root, "no object", f"is {kind_of(root.value)}", "an object with images and annotations is expected")
        return Findings(root.file, layout.name, 0, 0, tuple(notes.problems))
    images, drawings = entries(root, "images", notes), drawings_of(root, layout)
    photos = examined_photos(images, settings.images, root.file, layout, drawings, notes, progress)
    listed = list(_annotations(root, layout, notes))
    used = _whole_numbers(listed, "category_id")
    classes = examined_classes(root, used, layout, notes)
    last_id = max([*_whole_numbers(listed, "id"), *_whole_numbers(listed, "instance_id")], default=0)
    walk = _Walk(layout, photos, classes, last_id, notes)
    for done, (annotation, parent) in enumerate(listed, start=1):
        walk.annotation(annotation, parent)
        if progress is not None and (done % 200 == 0 or done == len(listed)):
            progress("checking annotations", done, len(listed))
    notes.annotation = None
    has_visible = any(one.is_seen_known for drawn in walk.drawn.values() for one in drawn)
    if layout.needs_visible and walk.drawn and not has_visible:
        found = f"have no {layout.visible}: what is visible is not known"
        advice = "nothing, if only whole masks were drawn; amodal data order FILE --inmodal makes the others from them"
        notes.note(child(root, "annotations"), "visible masks not known", found, advice, severity="doubtful")
    for number, ((photo_id, _), drawn) in enumerate(walk.drawn.items(), start=1):
        notes.photo = photos[photo_id].name
        if layout.needs_visible and has_visible:
            examine_missing_visible(drawn, layout, notes)
        if layout is not OURS:
            examine_numbers(drawn, layout, settings.least_overlap_px, notes)
        if progress is not None and (number % 50 == 0 or number == len(walk.drawn)):
            progress("checking orders", number, len(walk.drawn))
    notes.photo = ""
    if layout is OURS:
        examine_edges(root, walk.photo_of, notes)
    if not any(problem.severity == "broken" for problem in notes.problems):
        _ask_reader(root, notes)
    return Findings(
        root.file,
        layout.name,
        len(photos),
        len(listed),
        tuple(notes.problems),
        notes.changes,
        frozenset(notes.removals),
    )


def _ask_reader(root: Field, notes: Notes) -> None:
    """What the walk does not know of, the reader of the format may still refuse; it stops at the first."""
    target = next((target for recognises, target in FORMATS.values() if recognises(root)), None)
    if target is None:
        known = ", ".join(FORMATS)
        notes.note(root, "format unknown", "is of no format we know", f"one of {known} is expected")
        return
    module, _, name = target.partition(":")
    try:
        getattr(import_module(module), name)(root, None, None)
    except InputError as error:
        place = Field(root.file, None, error.field or error.where, None)
        notes.note(place, "refused by the reader", error.found, error.expected)


class _Walk:
    """What is remembered from annotation to annotation."""

    def __init__(
        self, layout: Layout, photos: Mapping[int, Photo], classes: ClassIds, last_id: int, notes: Notes
    ) -> None:
        self.layout, self.photos, self.classes, self.notes = layout, photos, classes, notes
        self.drawn: dict[tuple[int, str | int], list[Drawn]] = {}  # by photo, and annotator where there are several
        self._instances: dict[int, set[int]] = {}
        self.photo_of: dict[int, int] = {}
        self._seen: dict[int, Any] = {}
        self._count, self._fresh = 0, last_id

    def annotation(self, annotation: Field, parent: Field | None) -> None:
        """Check one; `parent` holds it in COCOA's own layout, where annotations are regions of a photo."""
        self._count += 1
        notes, value = self.notes, annotation.value
        notes.photo, notes.annotation = "", self._named(annotation, parent)
        before = len(notes.removals)
        photo = self._photo(annotation if parent is None else parent)
        if parent is None:
            self._own_id(annotation)
            self._own_class(annotation)
        self._scalars(annotation)
        if self.layout is OURS and photo is not None:
            self._ours(annotation, photo)
        if photo is not None and photo.height:
            whole, seen = self._masks(annotation, photo)
            if whole is not None and len(notes.removals) == before:
                key = photo.id, "" if parent is None else parent.key
                # what has no visible mask is seen whole where the format says so, else nobody knows
                is_drawn = seen is not None or not (self.layout.needs_visible or parent is not None)
                shown = whole if seen is None else seen
                one = Drawn(self._count, notes.annotation, annotation, whole, shown, is_drawn)
                self.drawn.setdefault(key, []).append(one)
                number = as_whole(value.get("id"))
                if number is not None:
                    self.photo_of[number] = photo.id
        notes.photo, notes.annotation = "", None

    def _named(self, annotation: Field, parent: Field | None) -> int | str | None:
        own = annotation.value.get("id")
        if parent is not None:
            return f"{parent.value.get('id', '?')}, region {annotation.key}"
        return own if isinstance(own, int | str) else None

    def _photo(self, holder: Field) -> Photo | None:
        """The photo that `holder` names: an annotation, or in COCOA's own layout what all its regions stand in."""
        place = child(holder, "image_id")
        number = as_whole(place.value)
        photo = None if number is None else self.photos.get(number)
        if photo is not None:
            self.notes.photo = photo.name
        elif path_of(holder) not in self.notes.removals:
            found = missing_or(shortened, place.value)
            advice = f"an id of one of the {len(self.photos)} photos is expected"
            self.notes.note(place, "photo unknown", found, advice, mended=OUT)
            self.notes.remove(holder)
        return photo

    def _own_id(self, annotation: Field) -> None:
        place, notes = child(annotation, "id"), self.notes
        number = whole_number(place, "annotation without id", notes, mended="a new id")
        if number is not None and number not in self._seen:
            self._seen[number] = annotation.value
            return
        if number is not None and self._seen[number] == annotation.value:
            notes.note(place, "annotation twice", f"{number} is here again, the same", "remove one", mended=OUT)
            notes.remove(annotation)
            return
        if number is not None:
            advice = "give every annotation its own id"
            notes.note(place, "annotation id twice", f"is {number} again", advice, mended="a new id")
        self._fresh += 1
        notes.change(place, self._fresh)

    def _own_class(self, annotation: Field) -> None:
        place, notes = child(annotation, "category_id"), self.notes
        number = as_whole(place.value)
        known = None if number is None else self.classes.meant.get(number)
        if place.value is None and _is_crowd(annotation):
            return  # a region of anything
        if known is None:
            found = missing_or(shortened, place.value)
            advice = f"one of {sorted(set(self.classes.meant.values()))} is expected"
            stays = self.classes.maybe_shifted and number is not None  # it may be right, and the others wrong
            notes.note(place, "class unknown", found, advice, mended="" if stays else OUT)
            if not stays:
                notes.remove(annotation)
        elif known != number:
            notes.change(place, known)

    def _scalars(self, annotation: Field) -> None:
        """Flags, and numbers that must be there."""
        for key in self.layout.flags:
            place = child(annotation, key)
            if place.value is not None and place.value not in (0, 1):
                self.notes.note(place, "no flag", f"is {shortened(place.value)}", "0 or 1 is expected", mended="0")
                self.notes.change(place, 0)
        for key, instead in self.layout.scalars:
            place = child(annotation, key)
            value = place.value
            if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < MOST:
                found = missing_or(shortened, value)
                self.notes.note(place, "no number", found, "a finite number is expected", mended=f"{instead:g}")
                self.notes.change(place, instead)

    def _ours(self, annotation: Field, photo: Photo) -> None:
        """What only our own file has: the id in the scene, and the mask claimed before reasoning."""
        place, inside = child(annotation, "instance_id"), self._instances.setdefault(photo.id, set())
        number = whole_number(place, "no instance id", self.notes, mended="a new id")
        if number is not None and number in inside:
            self.notes.note(place, "instance id twice", f"is {number} again", "one for each object", mended="a new id")
        if number is None or number in inside:
            self._fresh += 1
            number = self._fresh
            self.notes.change(place, number)
        inside.add(number)
        claimed = child(annotation, "claimed_segmentation")
        if claimed.value is None or not photo.height:
            return
        before = len(self.notes.problems)
        mask = examined_mask(claimed, (photo.height, photo.width), None, self.notes)
        if mask is None and all(problem.kind == "empty mask" for problem in self.notes.problems[before:]):
            del self.notes.problems[before:]  # it claimed nothing, which may be
        elif mask is None:
            self.notes.remedy("left out")
            self.notes.change(claimed, None)

    def _masks(self, annotation: Field, photo: Photo) -> tuple[CropMask | None, CropMask | None]:
        """(whole, visible); the visible one is None where the annotation has none, or it cannot be read."""
        layout, notes, size = self.layout, self.notes, (photo.height, photo.width)
        box, visible_box = (xyxy_of(value_of(annotation.value, key)) for key in (layout.whole_box, layout.visible_box))
        if layout.whole is None:
            examine_whole_measures(annotation, None, photo, layout, notes)
            return None, None
        whole = examined_mask(child(annotation, layout.whole), size, box, notes, layout.flat)
        if whole is None:
            notes.remedy(OUT)
            notes.remove(annotation)
        examine_whole_measures(annotation, whole, photo, layout, notes)
        if layout.visible is None or _is_crowd(annotation):
            return (None if _is_crowd(annotation) else whole), None
        place = child(annotation, layout.visible)
        if place.value is None and not layout.strict:
            return whole, None
        if place.value == [] or is_empty_rle(place.value, size):
            notes.note(
                place, "nothing visible", "is empty", "remove the object, or draw what is seen", severity="doubtful"
            )
            return whole, CropMask.empty(*size)
        seen = examined_mask(place, size, visible_box or box, notes)
        if seen is None:
            notes.remedy(OUT)
            notes.remove(annotation)
            return whole, None
        if whole is not None:
            seen = self._inside(place, whole, seen)
        examine_visible_measures(annotation, seen, photo, layout, notes)
        return whole, seen

    def _inside(self, place: Field, whole: CropMask, seen: CropMask) -> CropMask:
        inside = seen.intersection(whole)
        outside = seen.area - inside.area
        limit = 0 if self.layout.strict else max(OUTSIDE_PX, OUTSIDE_SHARE * seen.area)
        if outside > limit:
            found = f"{outside} of {seen.area} visible px lie outside the whole mask"
            mended = "" if inside.is_empty else "cut at the whole mask"
            severity: Severity = "broken" if self.layout.strict or inside.is_empty else "doubtful"
            self.notes.note(
                place, "modal outside amodal", found, "draw the two again", mended=mended, severity=severity
            )
            if not inside.is_empty:
                self.notes.change(place, inside.to_coco_rle())
        return inside


def _annotations(root: Field, layout: Layout, notes: Notes) -> Iterator[tuple[Field, Field | None]]:
    """(annotation, None), or in COCOA's own layout (region, the annotation that holds it)."""
    for annotation in entries(root, "annotations", notes):
        regions = annotation.value.get("regions") if layout.name == "cocoa regions" else None
        if layout.name != "cocoa regions":
            yield annotation, None
        elif not isinstance(regions, list):
            notes.note(
                child(annotation, "regions"),
                "empty list",
                missing_or(kind_of, regions),
                "a list of regions is expected",
            )
        else:
            for number, region in enumerate(regions):
                place = child(child(annotation, "regions"), number)
                if isinstance(region, dict):
                    yield place, annotation
                else:
                    notes.note(place, "no object", f"is {kind_of(region)}", "take it out", mended=OUT)
                    notes.remove(place)


def _is_crowd(annotation: Field) -> bool:
    return annotation.value.get("iscrowd") in (1, True)


def _whole_numbers(listed: list[tuple[Field, Field | None]], key: str) -> list[int]:
    found = (as_whole(annotation.value.get(key)) for annotation, _ in listed)
    return [number for number in found if number is not None]
