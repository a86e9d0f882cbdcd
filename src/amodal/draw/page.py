"""One HTML file to look at: pictures, tables of objects and filters, with no outside resource."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePath
from typing import NamedTuple

from amodal.draw.html import counted, data_uri, own_file, safe, write_document
from amodal.draw.palette import scene_colours
from amodal.scene import Instance, Scene

# Part -> button and caption, in the order of the buttons; the sheet would only repeat them.
CAPTIONS: Mapping[str, tuple[str, str]] = {
    "masks": ("Masks", "Visible parts are filled, hidden parts hatched; outlines are dashed where hidden."),
    "order": ("Order", "Arrows point from what is in front to what is behind; the surer, the thicker."),
    "before_after": (
        "Before and after",
        "White: claimed by two or more objects before they were reasoned about.",
    ),
    "likelihood": (
        "Likelihoods",
        "Blue: the object. Green: what is around it. Red: what hides it. Bright: clear.",
    ),
    "boxes": ("Boxes", "The boxes that were given."),
}
LEVELS = ("L0", "L1", "L2", "L3", "over 90 %")
LEVELS_MEAN = "hidden: L0 under 1 %, L1 under 30 %, L2 under 60 %, L3 up to 90 %"
SIDE, SIDE_OF_MANY, MANY = 1280, 720, 40


class PageEntry(NamedTuple):
    """A photo's part of the page: its scene, and its pictures by part as `write_pictures` returns them."""

    scene: Scene
    pictures: Mapping[str, Path]


def write_page(entries: Sequence[PageEntry | tuple[Scene, Mapping[str, Path]]], path: Path) -> Path:
    """Write the page for some photos; the file appears whole or not at all. Returns its path."""
    photos = [PageEntry(*entry) for entry in entries]
    side = SIDE if len(photos) <= MANY else SIDE_OF_MANY
    objects = [instance for entry in photos for instance in entry.scene.instances]
    body = [
        f"<header><h1>Objects, whole and in order</h1><p class='soft'>{counted(len(photos), 'photo')}, ",
        f"{counted(len(objects), 'object')}</p></header>",
        _filters(objects),
        "<main>",
        *(_section(entry, side) for entry in photos),
        "</main>",
    ]
    return write_document(path, "amodal: results", body, own_file("page.js"))


def _filters(objects: Sequence[Instance]) -> str:
    labels = sorted({instance.label for instance in objects})
    levels = [level for level in LEVELS if any(_level(instance) == level for instance in objects)]
    return (
        "<div class='filters' hidden><form>"
        f"{_choice('label', 'Label', labels)}{_choice('level', 'Level', levels)}"
        "<span id='shown' class='soft' role='status'></span></form></div>"
    )


def _choice(name: str, title: str, values: Sequence[str]) -> str:
    options = "".join(f'<option value="{safe(value)}">{safe(value)}</option>' for value in values)
    return (
        f"<label>{title} <select id='{name}' autocomplete='off'><option value=''>all</option>{options}</select></label>"
    )


def _section(entry: PageEntry, side: int) -> str:
    scene = entry.scene
    name = PurePath(scene.image).name if scene.image else "photo"
    facts = [
        f"{scene.width} × {scene.height}",
        counted(len(scene.instances), "object"),
        f"boxes: {scene.boxes_said}",
    ]
    facts += [f"method {scene.method}"] * bool(scene.method) + [f"model {scene.model}"] * bool(scene.model)
    warnings = "".join(f"<p class='warning'>{safe(warning)}</p>" for warning in scene.warnings)
    figures = "".join(
        _figure(part, entry.pictures[part], name, scene, side) for part in CAPTIONS if part in entry.pictures
    )
    return (
        f"<section class='photo'><h2>{safe(name)}</h2>"
        f"<p class='soft'>{safe(' · '.join(facts))}</p>{warnings}"
        f"<div class='tabs' role='group' aria-label='Pictures'></div>{figures}{_table(scene)}</section>\n"
    )


def _figure(part: str, file: Path, name: str, scene: Scene, side: int) -> str:
    title, caption = CAPTIONS[part]
    said = "; ".join(
        f"{instance.id} {instance.label}, {instance.occlusion:.0%} hidden" for instance in scene.instances[:20]
    )
    alt = safe(f"{title} of {name}: {said or 'no objects'}")
    return (
        f"<figure data-part='{part}' data-title='{title}'><img src='{data_uri(file, side)}' alt=\"{alt}\">"
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _table(scene: Scene) -> str:
    if not scene.instances:
        return "<p class='soft'>No objects.</p>"
    colours = scene_colours(scene)
    names = {instance.id: f"{instance.id} {instance.label}" for instance in scene.instances}
    in_front_of: dict[int, list[str]] = {identity: [] for identity in names}
    behind: dict[int, list[str]] = {identity: [] for identity in names}
    for edge in scene.order.edges:
        in_front_of[edge.front].append(f"{names[edge.behind]} ({edge.probability:.2f})")
        behind[edge.behind].append(f"{names[edge.front]} ({edge.probability:.2f})")
    rows = []
    for instance in sorted(scene.instances, key=lambda instance: instance.id):
        level, hidden = _level(instance), instance.occlusion
        rows.append(
            f'<tr data-label="{safe(instance.label)}" data-level="{level}">'
            f"<td class='number'>{instance.id}</td>"
            f"<td><span class='key' style='background:rgb{colours[instance.id]}'></span>"
            f"{safe(instance.label)}</td>"
            f"<td class='number'>{instance.score:.3g}</td>"
            f"<td class='number'><span class='bar'><span style='width:{hidden:.1%}'></span></span>"
            f"{hidden:.1%}</td>"
            f"<td>{level}</td><td>{safe(', '.join(in_front_of[instance.id])) or '–'}</td>"
            f"<td>{safe(', '.join(behind[instance.id])) or '–'}</td></tr>"
        )
    return (
        "<div class='wide'><table><thead><tr><th class='number'>Object</th><th>Label</th>"
        "<th class='number'>Score</th>"
        f"<th class='number'>Hidden</th><th title='{LEVELS_MEAN}'>Level</th>"
        "<th>In front of</th><th>Behind</th></tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _level(instance: Instance) -> str:
    return instance.level or LEVELS[-1]
