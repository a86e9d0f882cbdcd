from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from amodal.compnet.workshop import Tensors, Workshop
from amodal.errors import InputError


class Counting:
    """A stage's computation that counts how often it is asked for."""

    def __init__(self, value: float = 1.0) -> None:
        self.calls = 0
        self.value = value

    def __call__(self) -> Tensors:
        self.calls += 1
        return {"numbers": torch.full((3, 2), self.value), "flag": torch.tensor([True])}


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    return Workshop.of(tmp_path / "work", {"seed": 0})


def test_finished_stage_is_not_computed_again(workshop: Workshop) -> None:
    compute = Counting()
    first, second = workshop.stage("kernels", compute), workshop.stage("kernels", compute)
    assert compute.calls == 1
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_new_run_finds_the_stages_of_the_last(workshop: Workshop) -> None:
    workshop.stage("kernels", Counting(5.0))
    compute = Counting(7.0)
    assert workshop.folder is not None
    found = Workshop.of(workshop.folder, {"seed": 0}).stage("kernels", compute)
    assert compute.calls == 0
    assert float(found["numbers"][0, 0]) == 5.0


def test_stages_are_told_apart_by_name(workshop: Workshop) -> None:
    workshop.stage("kernels", Counting(1.0))
    assert float(workshop.stage("outliers", Counting(2.0))["numbers"][0, 0]) == 2.0


@pytest.mark.parametrize("ingredients", [{"seed": 1}, {"seed": 0, "split": "train"}, {}])
def test_stage_of_another_recipe_is_not_used(workshop: Workshop, ingredients: dict[str, object]) -> None:
    workshop.stage("kernels", Counting(1.0))
    assert workshop.folder is not None
    other = Workshop.of(workshop.folder, ingredients)
    assert float(other.stage("kernels", Counting(2.0))["numbers"][0, 0]) == 2.0
    assert float(workshop.stage("kernels", Counting(3.0))["numbers"][0, 0]) == 1.0  # and the first one is still there


def test_recipe_does_not_depend_on_the_order_in_which_ingredients_are_named(tmp_path: Path) -> None:
    one = Workshop.of(None, {"seed": 0, "folder": tmp_path})
    other = Workshop.of(None, {"folder": tmp_path, "seed": 0})
    assert one.recipe == other.recipe


def test_stage_that_was_interrupted_leaves_nothing_and_is_made_again(workshop: Workshop) -> None:
    def interrupted() -> Tensors:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        workshop.stage("kernels", interrupted)
    assert workshop.folder is not None
    assert list(workshop.folder.iterdir()) == []
    compute = Counting()
    workshop.stage("kernels", compute)
    assert compute.calls == 1


SPOIL: dict[str, Callable[[bytes], bytes]] = {
    "half": lambda whole: whole[: len(whole) // 2],
    "one byte short": lambda whole: whole[:-1],
    "empty": lambda whole: b"",
    "zeros": lambda whole: bytes(len(whole)),
    "text": lambda whole: b"not a stage",
}


@pytest.mark.parametrize("how", SPOIL)
def test_broken_stage_is_made_again(workshop: Workshop, how: str) -> None:
    workshop.stage("kernels", Counting())
    assert workshop.folder is not None
    (path,) = workshop.folder.iterdir()
    path.write_bytes(SPOIL[how](path.read_bytes()))
    compute = Counting(4.0)
    assert float(workshop.stage("kernels", compute)["numbers"][0, 0]) == 4.0
    assert compute.calls == 1
    workshop.stage("kernels", compute)
    assert compute.calls == 1


def test_without_a_folder_every_stage_is_computed() -> None:
    compute = Counting()
    workshop = Workshop.of(None, {})
    workshop.stage("kernels", compute)
    workshop.stage("kernels", compute)
    assert compute.calls == 2


@pytest.mark.parametrize("layout", ["transposed", "channels last", "a slice of a larger one", "made in inference mode"])
def test_computed_and_read_tensors_lie_alike_in_memory(workshop: Workshop, layout: str) -> None:
    """Sums over differently laid out tensors differ in the last bit; a resumed run must not."""

    def compute() -> Tensors:
        batch = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0))
        if layout == "transposed":
            return {"features": batch.transpose(1, 3)}
        if layout == "channels last":
            return {"features": batch.contiguous(memory_format=torch.channels_last)}
        if layout == "a slice of a larger one":
            return {"features": batch[1, :, 1:]}
        with torch.inference_mode():
            return {"features": batch * 2}

    unkept = Workshop.of(None, {}).stage("features", compute)["features"]
    computed = workshop.stage("features", compute)["features"]
    read = workshop.stage("features", compute)["features"]
    for other in (computed, read):
        assert torch.equal(unkept, other)
        assert unkept.stride() == other.stride()
        assert not other.is_inference()
        assert other.storage_offset() == 0


def test_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be written"):
        Workshop.of(tmp_path / "file" / "work", {})
