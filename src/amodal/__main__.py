"""`python -m amodal` is the program `amodal`."""

from __future__ import annotations

import sys

from amodal.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
