"""Send photos to `amodal serve` and write the answer of each beside the others; needs httpx alone.

    amodal serve --port 8080
    python examples/client.py photos/*.jpg --boxes boxes.json --out answers

Several requests are under way at once, so that the server always has a batch to make. Where it says that its queue is
full (429), the photo is sent again when Retry-After says; connections that fail are tried again too. `boxes.json` is
the list that `amodal predict --boxes` reads; photos that it does not name, or all without it, are left to the server's
detector. The token, if the server asks for one, is read from the environment variable AMODAL_TOKEN.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx

TRIES = 20
LONGEST_WAIT = 60.0


def main() -> int:
    """Returns 0 if every photo got its scene, else 1."""
    asked = _arguments()
    boxes_of = {} if asked.boxes is None else {e["file"]: e["boxes"] for e in json.loads(asked.boxes.read_text())}
    asked.out.mkdir(parents=True, exist_ok=True)
    token = os.environ.get("AMODAL_TOKEN")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with (
        httpx.Client(base_url=asked.server, headers=headers, timeout=httpx.Timeout(10, read=120)) as server,
        ThreadPoolExecutor(asked.at_once) as threads,
    ):
        failed = sum(threads.map(lambda photo: _kept(server, photo, boxes_of, asked.out), asked.photos))
    return 1 if failed else 0


def segment(server: httpx.Client, photo: Path, boxes: Sequence[Mapping[str, Any]] | None) -> dict[str, Any]:
    """The scene of a photo as COCO JSON; tried again while the server is busy or cannot be reached.

    Raises:
        RuntimeError: what the server has against this photo, in its own words.
    """
    form = {} if boxes is None else {"boxes": json.dumps(boxes)}
    for tried in range(TRIES):
        wait = min(LONGEST_WAIT, 0.5 * 2**tried)
        try:
            answer = server.post("/v1/segment", data=form, files={"photo": (photo.name, photo.read_bytes())})
        except httpx.TransportError as error:  # it is being started, or stopped
            reason = str(error)
        else:
            if answer.status_code == 200:
                return dict(answer.json())
            reason = _said(answer)
            if answer.status_code not in (429, 503):
                raise RuntimeError(reason)
            wait = float(answer.headers.get("Retry-After", wait))
        time.sleep(wait * random.uniform(1, 1.25))  # or all who were refused together come back together
    raise RuntimeError(f"given up after {TRIES} tries: {reason}")


def _kept(server: httpx.Client, photo: Path, boxes_of: Mapping[str, Any], out: Path) -> bool:
    """Write the answer; whether there was none."""
    try:
        scene = segment(server, photo, boxes_of.get(photo.name))
    except RuntimeError as error:
        print(f"{photo}: {error}", file=sys.stderr)
        return True
    place = out / f"{photo.stem}.json"
    place.write_text(json.dumps(scene))
    hidden = sum(one["occlusion"] > 0.01 for one in scene["annotations"])
    print(f"{place}: {len(scene['annotations'])} objects, {hidden} of them partly hidden", flush=True)
    return False


def _said(answer: httpx.Response) -> str:
    try:
        return str(answer.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):  # a proxy's answer, perhaps
        return f"{answer.status_code} {answer.reason_phrase}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Send photos to amodal serve.")
    parser.add_argument("photos", type=Path, nargs="+")
    parser.add_argument("--server", default="http://127.0.0.1:8080")
    parser.add_argument("--boxes", type=Path, help="JSON: [{file, boxes: [{box: [x0, y0, x1, y1], class}]}]")
    parser.add_argument("--out", type=Path, default=Path("answers"))
    parser.add_argument("--at-once", type=int, default=8)
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
