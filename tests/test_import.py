from __future__ import annotations

import subprocess
import sys
import time

import amodal

HEAVY = (
    "torch",
    "torchvision",
    "timm",
    "cv2",
    "supervision",
    "scipy",
    "sklearn",
    "networkx",
    "matplotlib",
    "PIL",
)


def run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_importing_amodal_loads_nothing_heavy():
    code = f"import amodal, sys; print([name for name in {HEAVY} if name in sys.modules])"
    assert run(code).strip() == "[]"


def test_the_values_and_the_registry_load_neither_torch_nor_opencv():
    code = (
        "import amodal, sys; amodal.Scene, amodal.CropMask, amodal.OrderGraph, amodal.load; "
        f"print([name for name in {HEAVY} if name in sys.modules])"
    )
    assert run(code).strip() == "[]"


def test_importing_amodal_takes_less_than_a_second():
    # The interpreter's own start is not ours; the best of three is what the import costs on an idle machine.
    assert min(seconds("import amodal") - seconds("pass") for _ in range(3)) < 1


def test_importing_all_values_takes_less_than_a_second():
    code = "from amodal import CropMask, Instance, OrderGraph, Scene, Segmenter, load"
    assert min(seconds(code) - seconds("pass") for _ in range(3)) < 1


def seconds(code: str) -> float:
    start = time.perf_counter()
    run(code)
    return time.perf_counter() - start


def test_every_public_name_can_be_had():
    for name in amodal.__all__:
        assert getattr(amodal, name) is not None
        assert name in dir(amodal)


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(amodal, "no_such_name")


def test_the_version_is_text():
    assert isinstance(amodal.__version__, str)
    assert amodal.__version__[0].isdigit()
