"""Where something was measured."""

from __future__ import annotations

import os
import platform
import resource
import sys
from pathlib import Path
from typing import Any

MEGABYTE = 1e6


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


def cpu_name() -> str:
    """As Linux writes it, else what Python knows."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def resident_mb() -> float | None:
    """Megabytes this process has in memory now; None where the system does not say."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    fields = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) * 1024 / MEGABYTE


def peak_mb() -> float:
    """The most it ever had."""
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return kilobytes * (1 if sys.platform == "darwin" else 1024) / MEGABYTE  # macOS counts bytes
