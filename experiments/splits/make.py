"""Writes a copy of annotations in which the held-out photos are of split "held" instead of "train".

    python experiments/splits/make.py --data DIR --out FILE

DIR holds `annotations.json`; FILE is what the final models learn from, with the same photos: its split "train" lacks
the photos of held_out.json, on which hand-drawn cars can be measured beside those of val.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

HELD_OUT = Path(__file__).with_name("held_out.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    content = json.loads((arguments.data / "annotations.json").read_text("utf-8"))
    moved = with_held(content, set(json.loads(HELD_OUT.read_text("utf-8"))["photos"]))
    arguments.out.write_text(json.dumps(content), "utf-8")
    print(f"{moved} photos are held out")


def with_held(content: dict, names: set[str]) -> int:
    """Gives the named photos of `content` the split "held"; how many.

    Raises:
        SystemExit: a photo is not there, or not of the train split.
    """
    there = {image["file_name"]: image for image in content["images"]}
    for name in sorted(names):
        found = there.get(name, {}).get("split")
        if found not in ("train", "held"):
            raise SystemExit(f"annotations.json: {name}: split is {found!r}, expected 'train'")
        there[name]["split"] = "held"
    return len(names)


if __name__ == "__main__":
    main()
