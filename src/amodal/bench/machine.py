"""Where something was measured."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path
from typing import Any

from amodal.errors import AmodalError
from amodal.processor import cpu_name

MEGABYTE = 1e6
_STATUS = Path("/proc/self/status")


def machine() -> dict[str, Any]:
    """The processor, the load on it before the run, the libraries that do the work."""
    import cv2
    import torch

    on_gpu = torch.cuda.is_available()
    return {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "load_before": round(os.getloadavg()[0], 2),
        "gpu": torch.cuda.get_device_name() if on_gpu else None,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
        "opencv": cv2.__version__,
        "python": platform.python_version(),
    }


def resident_mb() -> float | None:
    """Megabytes this process has in memory now; None where the system does not say."""
    return status_mb("VmRSS") if _STATUS.exists() else None


def status_mb(field: str) -> float:
    """Megabytes that Linux says of this process: VmRSS is what it has in memory, VmHWM the most it ever had.

    Raises:
        AmodalError: the system does not say so.
    """
    for line in _STATUS.read_text().splitlines() if _STATUS.exists() else ():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024 / MEGABYTE
    raise AmodalError(f"{_STATUS} has no {field}: this is measured on Linux only")


def peak_mb() -> float:
    """The most it ever had."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * (1 if sys.platform == "darwin" else 1024) / MEGABYTE  # macOS counts bytes
