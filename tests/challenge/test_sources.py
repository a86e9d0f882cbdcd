"""What is cut out, and what is refused and why."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from amodal.challenge import read_backgrounds, read_sources
from amodal.challenge.backgrounds import part_of
from amodal.errors import InputError
from amodal.masks import CropMask
from helpers.command_line import save_photo
from helpers.cut_outs import HEIGHT, WIDTH, CutOuts, annotation


def _mask(top: int, left: int, bottom: int, right: int, height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    mask = np.zeros((height, width), bool)
    mask[top:bottom, left:right] = True
    return mask


BAD = {
    "empty": ({"segmentation": CropMask.empty(HEIGHT, WIDTH).to_coco_rle(), "bbox": [9, 9, 60, 60]}, "empty mask"),
    "border": ({"segmentation": CropMask.from_dense(_mask(0, 9, 90, 90)).to_coco_rle()}, "mask touches the border"),
    "size": (
        {"segmentation": CropMask.from_dense(_mask(9, 9, 90, 90, HEIGHT + 1)).to_coco_rle()},
        f"broken mask: is {HEIGHT + 1} × {WIDTH} px",
    ),
    "low": ({"segmentation": CropMask.from_dense(_mask(9, 9, 40, 90)).to_coco_rle()}, "lower than 48 px"),
    "none": ({"segmentation": None}, "no mask"),
    "broken": ({"segmentation": {"size": [HEIGHT, WIDTH], "counts": "~"}}, "broken mask"),
    "corners": ({"segmentation": [[1.0, 2.0, 3.0]]}, "broken mask: has 3 coordinates"),
}


@pytest.mark.parametrize("bad", BAD)
def test_an_object_that_cannot_be_pasted_is_refused_with_the_reason(
    cut_outs: CutOuts, tmp_path: Path, bad: str
) -> None:
    content = cut_outs.content()
    change, reason = BAD[bad]
    content["annotations"][2].update(change)
    sources = read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)
    assert 3 not in sources.objects and len(sources.objects) == 13
    assert [entry.what for entry in sources.refused] == ["annotation 3"]
    assert sources.refused[0].reason.startswith(reason)


def test_objects_of_a_missing_photo_are_refused(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["images"][4]["file_name"] = "gone.png"
    sources = read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)
    assert [(entry.what, entry.reason) for entry in sources.refused] == [
        ("annotation 5", "its photo gone.png: no such file")
    ]


def test_objects_of_a_photo_of_another_size_than_its_masks_are_refused(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    save_photo(tmp_path / "small.png", 100, 80)
    content["images"][0]["file_name"] = str(tmp_path / "small.png")
    sources = read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)
    assert sources.refused[0].reason == f"mask of {WIDTH} x {HEIGHT} px, photo of 100 x 80 px"


def test_objects_that_are_not_clean_are_left_alone(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["annotations"][0]["clean"] = False
    sources = read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)
    assert 1 not in sources.objects and not sources.refused


def test_ids_given_twice_are_an_error(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["annotations"][1]["id"] = 1
    with pytest.raises(InputError, match="annotations: has id 1 twice, expected unique ids"):
        read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)


def test_nothing_usable_is_an_error_that_tells_the_commonest_reason(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    for entry in content["annotations"]:
        entry["segmentation"] = None
    with pytest.raises(InputError, match="none of 14 can be used"):
        read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images)


def test_a_split_or_class_that_the_file_does_not_have_is_an_error(cut_outs: CutOuts) -> None:
    with pytest.raises(InputError, match="split: found no 'test', expected one of: train, val"):
        read_sources(cut_outs.annotations, split="test")
    with pytest.raises(InputError, match="class: found no 'tram'"):
        read_sources(cut_outs.annotations, classes=("tram",))


def test_splits_share_no_object_and_no_photo(cut_outs: CutOuts) -> None:
    train, val = (read_sources(cut_outs.annotations, split=split) for split in ("train", "val"))
    assert not train.objects.keys() & val.objects.keys()
    paths = [{cut_out.path for cut_out in half.objects.values()} for half in (train, val)]
    assert not paths[0] & paths[1]


def test_unknown_objects_are_of_other_classes_and_of_the_same_split(cut_outs: CutOuts) -> None:
    sources = read_sources(
        cut_outs.annotations, split="val", classes=("car", "person"), unknown_path=cut_outs.annotations
    )
    assert {cut_out.label for cut_out in sources.objects.values()} == {"car", "person"}
    assert [cut_out.label for cut_out in sources.unknown.values()] == ["kite"]


def test_every_object_of_a_file_without_flags_is_taken(cut_outs: CutOuts, tmp_path: Path) -> None:
    content = cut_outs.content()
    content["annotations"] = [annotation(1, 1, "car", _mask(20, 20, 120, 150))]
    del content["annotations"][0]["clean"]
    assert list(read_sources(cut_outs.variant(tmp_path, content), images=cut_outs.images).objects) == [1]


def test_backgrounds_are_train_or_test_by_their_name_alone(cut_outs: CutOuts) -> None:
    everything = read_backgrounds(cut_outs.backgrounds)
    train, test = (read_backgrounds(cut_outs.backgrounds, part) for part in ("train", "test"))
    for kind in ("scenes", "textures"):
        halves = [set(getattr(half, kind)) for half in (train, test)]
        assert not halves[0] & halves[1]
        assert halves[0] | halves[1] == set(getattr(everything, kind))
    assert part_of("elsewhere/scene0.png") == part_of("scene0.png")


def test_any_folder_of_photos_serves_and_small_ones_are_refused(tmp_path: Path) -> None:
    save_photo(tmp_path / "deep" / "large.png", 330, 250)
    save_photo(tmp_path / "small.png", 319, 250)
    (tmp_path / "broken.jpg").write_bytes(b"no photo")
    found = read_backgrounds(tmp_path)
    assert found.scenes == found.textures == {"deep/large.png": (330, 250)}
    assert {entry.what: entry.reason for entry in found.refused} == {
        "small.png": "319 x 250 px, smaller than 320 x 240",
        "broken.jpg": "is not a picture we know",
    }


def test_a_folder_without_a_usable_photo_is_an_error(tmp_path: Path) -> None:
    save_photo(tmp_path / "small.png", 100, 100)
    with pytest.raises(InputError, match=r"small.png: 100 x 100 px.*expected photos of at least 320 x 240 px"):
        read_backgrounds(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        read_backgrounds(tmp_path / "none")
