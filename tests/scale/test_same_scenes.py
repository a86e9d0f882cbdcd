"""Over many photos the shipped model says what it says of a few, with boxes and without."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from amodal.cli.main import main
from amodal.data.parts import read_parts
from amodal.data.results import read_scenes
from amodal.scene import Scene

DEMO = Path(str(files("amodal") / "demo"))
BOXES = ["--boxes", str(DEMO / "boxes.json")]
LEAST_IOU = 0.995  # bfloat16: what shares a batch with an object moves its last bits


def predicted(photos: Path, arguments: list[str], out: Path) -> tuple[list[Scene], list[Scene]]:
    common = [str(photos), *arguments, "--method", "orm", "--refine", "none"]
    assert main(["predict", *common, "--no-pictures", "--out", str(out / "few")]) == 0
    assert main(["predict", *common, "--parts", "jsonl", "--workers", "0", "--out", str(out / "many")]) == 0
    return read_scenes(out / "few" / "scenes.json"), list(read_parts(out / "many"))


@pytest.mark.parametrize(
    ("photos", "arguments"),
    [(DEMO / "photos", BOXES), (DEMO / "photos" / "coco_000000571264.jpg", [])],
    ids=["boxes given", "found by the shipped detector"],
)
def test_many_photos_are_seen_as_a_few_are(photos: Path, arguments: list[str], tmp_path: Path) -> None:
    few, many = predicted(photos, arguments, tmp_path)
    assert [scene.image for scene in many] == [scene.image for scene in few]
    assert sum(map(len, few)) > 0
    for one, other in zip(few, many, strict=True):
        assert [(a.id, a.label, a.box) for a in one.instances] == [(b.id, b.label, b.box) for b in other.instances]
        assert {(e.front, e.behind) for e in one.order.edges} == {(e.front, e.behind) for e in other.order.edges}
        for a, b in zip(one.instances, other.instances, strict=True):
            assert a.amodal.iou(b.amodal) >= LEAST_IOU
            assert a.modal.is_empty or a.modal.iou(b.modal) >= LEAST_IOU


@pytest.mark.parametrize("chunk", [1, 16])
def test_how_many_crops_a_pass_has_moves_masks_by_rounding_alone(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def scenes(crops: int) -> list[Scene]:
        monkeypatch.setenv("AMODAL_CHUNK", str(crops))
        out = tmp_path / str(crops)
        given = [str(DEMO / "photos"), *BOXES, "--method", "orm", "--refine", "none", "--parts", "jsonl"]
        assert main(["predict", *given, "--workers", "0", "--out", str(out)]) == 0
        return list(read_parts(out))

    for usual, other in zip(scenes(4), scenes(chunk), strict=True):
        assert {(e.front, e.behind) for e in usual.order.edges} == {(e.front, e.behind) for e in other.order.edges}
        for a, b in zip(usual.instances, other.instances, strict=True):
            assert a.amodal.iou(b.amodal) >= LEAST_IOU
            assert a.modal.is_empty or a.modal.iou(b.modal) >= LEAST_IOU
