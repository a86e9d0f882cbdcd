"""The same photos without a server, as `amodal predict` goes through them; called by run.py.

    python benchmarks/serve/offline.py BOXES SCENES

Writes their scenes once. Then, for every line on stdin, a number of seconds: works that long, over and over, and prints
photos per second. Decoding, crops, network, reasoning, masks and their JSON are in it, as in an answer; drawing is not.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import amodal
from amodal.cli.objects import from_file
from amodal.cli.segmenting import PHOTOS_AT_ONCE, Done, segment_photos
from amodal.data.results import plain, scenes_to_json, write_scenes


def main() -> None:
    boxes, out = Path(sys.argv[1]), Path(sys.argv[2])
    photos = [boxes.parent / entry["file"] for entry in json.loads(boxes.read_text())]
    objects, segmenter = from_file(boxes, photos, None), amodal.load()
    done = list(segment_photos(photos, objects, segmenter))
    write_scenes([one.scene for one in done if isinstance(one, Done)], out)
    print("ready", flush=True)
    for line in sys.stdin:
        started, worked, place = time.perf_counter(), 0, 0
        while (seconds := time.perf_counter() - started) < float(line):
            some = [photos[(place + k) % len(photos)] for k in range(PHOTOS_AT_ONCE)]
            for one in segment_photos(some, objects, segmenter):
                if isinstance(one, Done):
                    plain(scenes_to_json([one.scene]))
                    worked += 1
            place += PHOTOS_AT_ONCE
        print(worked / seconds, flush=True)


if __name__ == "__main__":
    main()
