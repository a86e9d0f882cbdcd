"""The program `amodal`: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Sequence
from typing import TextIO

from amodal.cli.exits import DONE, INTERRUPTED, READER_GONE
from amodal.cli.menu import Menu, fail
from amodal.errors import AmodalError

# Name -> ("module:class", what it does); a new command is one file and one line here.
COMMANDS: dict[str, tuple[str, str]] = {
    "predict": ("amodal.cli.predict:Predict", "photos and boxes in, masks, order and pictures out"),
    "learn": ("amodal.cli.learn:Learn", "boxes in, a model out"),
    "challenge": ("amodal.cli.challenge:Challenge", "cut-outs and backgrounds in, scenes with exact truth out"),
    "compare": ("amodal.cli.compare:Compare", "several methods over the same photos: tables, pictures, a page"),
    "train": ("amodal.cli.train:Train", "a network to compare with, trained from masks or boxes"),
    "calibrate": ("amodal.cli.calibrate:Calibrate", "an amodal network's word on occlusion, made to mean what it says"),
    "export": ("amodal.cli.export:Export", "a model as ONNX or OpenVINO graphs, which run without torch"),
    "reason": ("amodal.cli.reason:Reason", "masks of any network in, order and one owner per pixel out"),
    "evaluate": ("amodal.cli.evaluate:Evaluate", "truth and predictions in, every score that the two allow out"),
    "data": ("amodal.cli.data:MENU", "annotated files: check, convert, measure, vote, order"),
    "annotate": (
        "amodal.cli.annotate:Annotate",
        "photos in, whole objects and order drawn by people out, in the browser",
    ),
    "view": ("amodal.cli.view:View", "what predict, compare or challenge wrote, in the browser"),
    "bench": ("amodal.cli.bench:Bench", "how fast this machine is, step by step, and how far from its limit"),
    "serve": ("amodal.cli.serve:Serve", "a method as an HTTP service: photos in, scenes out"),
    "demo": ("amodal.cli.demo:Demo", "shipped photos, shipped model: a page to look at, in under a minute"),
}

MENU = Menu(
    program="amodal",
    about="Whole objects, hidden parts included, and who stands in front of whom.",
    commands=COMMANDS,
    ending=(
        "  amodal --version",
        "",
        "example: amodal predict street.jpg --boxes boxes.json --out out",
        "exit codes: 0 done, 1 done except what refused.json lists, 2 wrong use or nothing was done",
    ),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; `arguments` are those of the process unless given. Returns the exit code."""
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        sys.stdout.flush()
    except BrokenPipeError:
        if not _silenced():
            raise
        return READER_GONE
    return code


def _run(asked: list[str]) -> int:
    try:
        if asked[:1] == ["--version"]:
            from amodal import __version__

            print(f"amodal {__version__}")
            return DONE
        return MENU.run(asked)
    except AmodalError as error:
        return fail(str(error))
    except KeyboardInterrupt as stop:
        kept = str(stop) or "nothing was written"
        print(f"amodal: interrupted: {kept}", file=sys.stderr)
        return INTERRUPTED


def _silenced() -> bool:
    """Whether the reader of our output has gone, as `head` does; what is left to print then goes nowhere."""
    gone = [stream.fileno() for stream in (sys.stdout, sys.stderr) if _has_no_reader(stream)]
    for number in gone:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, number)
        os.close(nowhere)
    return bool(gone)


def _has_no_reader(stream: TextIO) -> bool:
    try:
        number = stream.fileno()
    except OSError:  # a stream of no file, as tests have
        return False
    asked = select.poll()
    asked.register(number, select.POLLOUT)
    return any(event & select.POLLERR for _, event in asked.poll(0))
