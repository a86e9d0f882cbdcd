"""The contract with the page: `python -m amodal.annotate.api.openapi > web/openapi.json`."""

from __future__ import annotations

import json
import sys

from amodal.annotate.api.app import routed


def contract() -> str:
    """The OpenAPI document as text, one field a line, always in the same sequence."""
    return json.dumps(routed().openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(contract())
