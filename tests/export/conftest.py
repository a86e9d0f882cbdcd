"""The shipped models, exported once per test run."""

from __future__ import annotations

from pathlib import Path

import pytest

from amodal.export.write import export_model


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped model for onnxruntime."""
    out = tmp_path_factory.mktemp("exported") / "onnx"
    export_model("default", out)
    return out


@pytest.fixture(scope="session")
def for_openvino(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same for OpenVINO."""
    out = tmp_path_factory.mktemp("exported") / "openvino"
    export_model("default", out, engine="openvino")
    return out
