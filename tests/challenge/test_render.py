"""Records become the same picture and the same truth everywhere."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from amodal.challenge import Backgrounds, Placed, Record, Sources, compose, record_from_json, render
from amodal.challenge.check import check_scene
from amodal.challenge.render import HARD, silhouette, thing
from amodal.errors import InputError
from helpers.cut_outs import CutOuts

# Of the picture that RECORD makes. It must never change: a record is a promise.
GOLDEN = "bb4c7a768e009eefd72cbb562e5bd5aaf5006508e91d9b1f089cf9266210297e"
RECORD = Record(
    "two-unknown", "free", 1, 7, "scenes/scene3.png", 11, 5, 360, 300, True,
    (
        Placed(2, "object", "1", "car", 60, 80, 150, 90, False, 240),
        Placed(3, "texture", "textures/texture1.png", "unknown", 100, 60, 61, 55, True, 256, (10, 20),
               ((0, 0, 122, 10, 60, 110),)),
        Placed(1, "object", "9", "person", 150, 40, 61, 190, True, 300),
        Placed(4, "unknown", "13", "kite", 20, 120, 90, 97),
    ),
)  # fmt: skip


def test_a_record_survives_json() -> None:
    assert record_from_json(RECORD.to_json()) == RECORD


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("version", 2, "version: is 2, expected 1"),
        ("width", "wide", "width: is a string"),
        ("placed", [{"kind": "dream"}], r"placed\[0\].kind: is 'dream', expected 'object' or 'unknown' or 'texture'"),
    ],
)
def test_a_broken_record_is_an_error_that_names_the_field(key: str, value: object, message: str) -> None:
    broken = json.loads(RECORD.to_json()) | {key: value}
    with pytest.raises(InputError, match=message):
        record_from_json(json.dumps(broken))


def test_a_record_that_is_no_json_is_an_error() -> None:
    with pytest.raises(InputError, match=r"records.jsonl: line: is not JSON"):
        record_from_json("{", "records.jsonl")


def test_the_picture_of_a_record_never_changes(sources: Sources, backgrounds: Backgrounds) -> None:
    photo, _ = render(RECORD, sources, backgrounds)
    assert hashlib.sha256(photo.tobytes()).hexdigest() == GOLDEN


def test_another_process_renders_the_same_bits(cut_outs: CutOuts, sources: Sources, backgrounds: Backgrounds) -> None:
    records = [RECORD, *(compose(np.random.default_rng(n), "four", "free", sources, backgrounds) for n in range(3))]
    program = """
import hashlib, sys
from amodal.challenge import read_backgrounds, read_sources, record_from_json, render
sources = read_sources(sys.argv[1], classes=("car", "person"), unknown_path=sys.argv[1])
backgrounds = read_backgrounds(sys.argv[2])
for line in sys.stdin:
    photo, scene = render(record_from_json(line), sources, backgrounds)
    print(hashlib.sha256(photo.tobytes()).hexdigest(), hash((scene.instances[0].box, scene.instances[-1].box)))
"""
    outcome = subprocess.run(
        [sys.executable, "-c", program, str(cut_outs.annotations), str(cut_outs.backgrounds)],
        input="".join(record.to_json() + "\n" for record in records),
        capture_output=True,
        text=True,
        check=True,
    )
    expected = []
    for record in records:
        photo, scene = render(record, sources, backgrounds)
        boxes = hash((scene.instances[0].box, scene.instances[-1].box))
        expected.append(f"{hashlib.sha256(photo.tobytes()).hexdigest()} {boxes}")
    assert outcome.stdout.splitlines() == expected


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("scenario", ["two", "four", "two-unknown"])
def test_truth_is_that_of_painting_pixel_by_pixel(
    scenario: str, seed: int, sources: Sources, backgrounds: Backgrounds
) -> None:
    record = compose(np.random.default_rng(seed), scenario, "free", sources, backgrounds)  # type: ignore[arg-type]
    _, scene = render(record, sources, backgrounds)
    whole = {}
    owner = np.zeros((record.height, record.width), int)
    for placed in record.placed:
        frame = np.zeros(owner.shape, bool)
        shape = thing(placed, sources, backgrounds)[:, :, 3] >= HARD
        for y, x in np.argwhere(shape):
            if 0 <= y + placed.y < record.height and 0 <= x + placed.x < record.width:
                frame[y + placed.y, x + placed.x] = True
        whole[placed.id] = frame
        owner[frame] = placed.id
    for instance in scene.instances:
        assert np.array_equal(instance.amodal.to_dense(), whole[instance.id])
        assert np.array_equal(instance.modal.to_dense(), owner == instance.id)
        hidden = 1 - (owner == instance.id).sum() / whole[instance.id].sum()
        expected = next(f"L{n}" for n, top in enumerate((0.01, 0.3, 0.6, 0.91)) if hidden < top)
        assert not instance.meta["known"] or instance.meta["level"] == expected
    painted = [placed.id for placed in record.placed]
    edges = {
        (front, behind)
        for number, behind in enumerate(painted)
        for front in painted[number + 1 :]
        if (whole[front] & whole[behind]).any()
    }
    assert {(edge.front, edge.behind) for edge in scene.order.edges} == edges
    assert all(edge.probability == 1 for edge in scene.order.edges)


def test_unknown_occluders_are_in_the_picture_but_told_to_nobody(sources: Sources, backgrounds: Backgrounds) -> None:
    _, scene = render(RECORD, sources, backgrounds)
    told = {
        instance.id: (instance.label, instance.meta["known"], instance.meta["scored"]) for instance in scene.instances
    }
    assert told == {
        1: ("person", True, True),
        2: ("car", True, True),
        3: ("unknown", False, False),
        4: ("unknown", False, False),
    }


def test_seams_are_at_most_a_pixel_soft(sources: Sources, backgrounds: Backgrounds) -> None:
    placed = Placed(1, "object", "1", "car", 60, 80, 150, 90)
    empty, one = replace(RECORD, placed=()), replace(RECORD, placed=(placed,))
    (without, _), (photo, scene) = render(empty, sources, backgrounds), render(one, sources, backgrounds)
    mask = scene.instances[0].amodal.to_dense()
    around = np.ones((3, 3), bool)
    outside = ~binary_dilation(mask, around)
    assert np.array_equal(photo[outside], without[outside])
    coverage = np.zeros(mask.shape, np.uint8)
    coverage[80:170, 60:210] = thing(placed, sources, backgrounds)[:, :, 3]
    assert (coverage[binary_erosion(mask, around)] == 255).all()


def test_nothing_of_a_cut_outs_surroundings_is_pasted(sources: Sources, backgrounds: Backgrounds) -> None:
    rgba = sources.pixels("object", 1)
    green = rgba.copy()
    green[rgba[:, :, 3] == 0, :3] = (0, 255, 0)
    other = Sources(sources.objects)
    other._kept["object", 1] = green
    record = replace(RECORD, placed=RECORD.placed[:1])
    assert np.array_equal(render(record, sources, backgrounds)[0], render(record, other, backgrounds)[0])


def test_the_shape_that_places_are_chosen_by_is_the_one_that_is_rendered(
    sources: Sources, backgrounds: Backgrounds
) -> None:
    for placed in RECORD.placed:
        rendered = thing(placed, sources, backgrounds)[:, :, 3] >= HARD
        assert np.array_equal(silhouette(placed, sources), rendered)


def test_a_source_that_is_not_there_is_an_error(sources: Sources, backgrounds: Backgrounds) -> None:
    record = replace(RECORD, placed=(replace(RECORD.placed[0], source="999"),))
    with pytest.raises(InputError, match="sources: object 999: not among the cut-outs"):
        render(record, sources, backgrounds)


def test_a_background_that_has_shrunk_is_an_error(sources: Sources, backgrounds: Backgrounds) -> None:
    with pytest.raises(InputError, match=r"scene3.png: background: is 460 x 320 px, expected at least 611 x 305"):
        render(replace(RECORD, width=600), sources, backgrounds)


def test_the_generators_own_check_finds_a_broken_truth(sources: Sources, backgrounds: Backgrounds) -> None:
    record = compose(np.random.default_rng(3), "two", "free", sources, backgrounds)
    _, scene = render(record, sources, backgrounds)
    check_scene(record, scene)
    turned = replace(record, placed=record.placed[::-1])
    with pytest.raises(InputError, match="this is an error of the generator"):
        check_scene(turned, scene)
    whole = [replace(one, modal=one.modal.intersection(one.amodal), amodal=one.modal) for one in scene.instances]
    with pytest.raises(InputError, match=r"level L., masks say L0"):
        check_scene(record, scene.with_instances(whole))
