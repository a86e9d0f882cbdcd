"""What a file says before its annotations: photos and classes, checked one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amodal.data.fields import Field, kind_of, shortened
from amodal.data.kins import CLASSES
from amodal.progress import Progress
from amodal.survey.findings import Notes, child, missing_or
from amodal.survey.layouts import OURS, Layout
from amodal.survey.sizes import Drawings, examined_size

FOLDERS = ("", "images", "image_2", "testing/image_2", "training/image_2")
MOST = 2**63
MANY = 10  # annotations of unknown classes, from which on a shift of all is believed and not only doubted


@dataclass(frozen=True)
class Photo:
    """A photo of the file; height and width are 0 where nobody knows them."""

    id: int
    name: str
    height: int
    width: int


def entries(root: Field, key: str, notes: Notes) -> list[Field]:
    """The objects of a list at the root; notes a list that is missing or empty, and entries that are no objects."""
    place = child(root, key)
    if not isinstance(place.value, list) or not place.value:
        found = "is empty" if place.value == [] else missing_or(kind_of, place.value)
        notes.note(place, "empty list", found, f"a list of {key} is expected: is this the right file?")
        return []
    found_entries = []
    for number, value in enumerate(place.value):
        entry = child(place, number)
        if isinstance(value, dict):
            found_entries.append(entry)
        else:
            notes.note(entry, "no object", f"is {kind_of(value)}", "take it out", mended="taken out")
            notes.remove(entry)
    return found_entries


def examined_photos(
    images: Iterable[Field],
    folder: Path | None,
    file: str,
    layout: Layout,
    drawings: Mapping[Any, Drawings],
    notes: Notes,
    progress: Progress | None = None,
) -> dict[int, Photo]:
    """Every photo by its id, the first where an id comes twice; notes what is missing, also on the disk."""
    images = list(images)
    place = found_folder(file, folder, [one.value.get("file_name") for one in images])
    photos: dict[int, Photo] = {}
    names: set[str] = set()
    for done, image in enumerate(images, start=1):
        name = image.value.get("file_name")
        notes.photo = name if isinstance(name, str) else ""
        number = whole_number(child(image, "id"), "photo without id", notes)
        is_nameless = not isinstance(name, str) or not name
        if is_nameless and not (name is None and layout is OURS):  # a scene may be of no photo
            found = missing_or(shortened, name)
            notes.note(child(image, "file_name"), "photo without name", found, "name the photo's file")
        elif not is_nameless and name in names:
            notes.note(child(image, "file_name"), "photo twice", f"{name} comes twice", "keep one", severity="doubtful")
        names.add(notes.photo)
        size = examined_size(image, place, drawings.get(number, Drawings()), notes)
        if number is not None and number in photos:
            advice = "give every photo its own id: annotations cannot tell them apart"
            notes.note(child(image, "id"), "photo id twice", f"is {number} again", advice)
        elif number is not None:
            photos[number] = Photo(number, notes.photo, *size)
        if progress is not None and (done % 100 == 0 or done == len(images)):
            progress("checking photos", done, len(images))
    notes.photo = ""
    if place is None and images and folder is not None:
        found = f"none of the {len(images)} photos is in {folder}"
        notes.note(child(images[0], "file_name"), "photos missing", found, "give the folder that holds them")
    return photos


def found_folder(file: str, folder: Path | None, names: Iterable[object]) -> Path | None:
    """The folder that holds any of the photos: the one given, or the file's own or the one above; or one in it."""
    some = [name for name in names if isinstance(name, str) and name and "\0" not in name]
    for start in [folder] if folder is not None else [Path(file).parent, Path(file).parent.parent]:
        for inside in FOLDERS:
            if any((start / inside / name).is_file() for name in some):
                return start / inside
    return None


@dataclass(frozen=True)
class ClassIds:
    """What ids of classes mean.

    Attributes:
        meant: ids that annotations may use -> the ids they stand for, which differ where all are shifted alike.
        maybe_shifted: whether all may be, on thin evidence: then nobody knows which annotations are wrong.
    """

    meant: Mapping[int, int]
    maybe_shifted: bool = False


def examined_classes(root: Field, used: Iterable[int], layout: Layout, notes: Notes) -> ClassIds:
    """What ids of classes mean in this file; notes what is wrong with its list."""
    place = child(root, "categories")
    if place.value is None and layout.name.startswith("kins"):
        advice = "nothing, if they are KINS's: 1 cyclist, 2 pedestrian, 4 car, ...; else list them"
        notes.note(place, "classes not named", "are missing", advice, severity="doubtful")
        return ClassIds({id: id for id in CLASSES})
    if layout.name == "cocoa regions":
        return ClassIds({})
    names = _names(root, notes)
    counts = Counter(used)
    if not names:
        return ClassIds({id: id for id in counts})  # noted already; no annotation is to blame
    official = {name: id for id, name in CLASSES.items()}
    if layout.name.startswith("kins") and all(name in official for name in names.values()):
        known = _compared_with_kins(place, names, official, counts, notes)
        if known is not None:
            return ClassIds({id: id for id in known})
    shift = _shift(counts, names)
    if shift is None:
        return ClassIds({id: id for id in names})
    found = f"annotations use ids {sorted(counts)}, the file lists {sorted(names)}"
    unknown = sum(count for id, count in counts.items() if id not in names)
    if unknown < MANY and unknown < counts.total():
        found += f": {unknown} of {counts.total()} are unknown, and all would be known with {shift:+d}"
        advice = f"look at some: if all are meant so, add {shift:+d} to every category_id; else mend the unknown ones"
        notes.note(place, "class ids maybe shifted", found, advice, severity="doubtful")
        return ClassIds({id: id for id in names}, maybe_shifted=True)
    advice = f"add {shift:+d} to every category_id, or mend the list"
    notes.note(place, "class ids shifted", found, advice, mended=f"{shift:+d} on every category_id")
    return ClassIds({id: id + shift for id in counts})


def whole_number(place: Field, kind: str, notes: Notes, mended: str = "") -> int | None:
    """The value as a whole number, else None and a note of this kind."""
    number = as_whole(place.value)
    if number is not None:
        return number
    found = missing_or(shortened, place.value)
    notes.note(place, kind, found, "a whole number is expected", mended=mended)
    return None


def as_whole(value: object) -> int | None:
    """The value as a whole number (1.0 is one) that readers take, or None."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < MOST else None


def _names(root: Field, notes: Notes) -> dict[int, str]:
    names: dict[int, str] = {}
    for entry in entries(root, "categories", notes):
        number = whole_number(child(entry, "id"), "class without id", notes)
        name = entry.value.get("name")
        if not isinstance(name, str) or not name:
            found = missing_or(shortened, name)
            notes.note(child(entry, "name"), "class without name", found, "name the class")
            continue
        if number is None:
            continue
        if number in names:
            notes.note(child(entry, "id"), "class id twice", f"is {number} again", "give every class its own id")
        elif name in names.values():
            notes.note(
                child(entry, "name"), "class name twice", f"{name!r} comes twice", "keep one", severity="doubtful"
            )
        names.setdefault(number, name)
    return names


def _shift(used: Mapping[int, int], names: Mapping[int, str]) -> int | None:
    """The one shift that makes every used id a listed one; None where none or both do, or all ids are listed."""
    if used.keys() <= names.keys():
        return None
    fitting = [shift for shift in (-1, 1) if all(id + shift in names for id in used)]
    return fitting[0] if len(fitting) == 1 else None


def _compared_with_kins(
    place: Field, names: Mapping[int, str], official: Mapping[str, int], used: Mapping[int, int], notes: Notes
) -> set[int] | None:
    """KINS's classes under other ids than KINS's; the ids to use if these are clear by now."""
    moved = {id: official[name] for id, name in names.items() if official[name] != id}
    if not moved:
        return None
    shown = ", ".join(f"{names[id]} is {id}, in KINS {kins}" for id, kins in list(moved.items())[:3])
    kins_ids = {official[name] for name in names.values()}
    if not set(used) <= set(names) and set(used) <= kins_ids:
        found = f"are shifted against the annotations, which use KINS's own ids: {shown}"
        notes.note(place, "class ids shifted", found, "list the classes under KINS's ids", mended="listed so")
        for number, entry in enumerate(place.value):
            if isinstance(entry, dict) and entry.get("name") in official:
                notes.change(child(child(place, number), "id"), official[entry["name"]])
        return kins_ids
    advice = "nothing, if the file is right in itself: we go by names; programs that go by KINS's ids mix classes up"
    notes.note(place, "class ids are not KINS's", shown, advice, severity="doubtful")
    return None
