"""The OpenAPI document: `python -m amodal.serve.openapi > docs/serve-openapi.json`."""

from __future__ import annotations

import json
import sys

from amodal.serve.app import routed


def contract() -> str:
    """The document as text, one field a line, always in the same sequence."""
    return json.dumps(routed().openapi(), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(contract())
