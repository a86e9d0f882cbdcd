"""The program `amodal`: finds the command, runs it, and turns errors into one line and an exit code."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Protocol, cast

from amodal.cli.exits import DONE, INTERRUPTED, NOTHING_DONE
from amodal.errors import AmodalError

# Name -> ("module:class", what it does). Its module is imported only when the command is asked for, so that
# help comes at once; a new command is one file and one line here.
COMMANDS: dict[str, tuple[str, str]] = {
    "predict": ("amodal.cli.predict:Predict", "photos and boxes in, masks, order and pictures out"),
    "learn": ("amodal.cli.learn:Learn", "boxes in, a model out"),
    "challenge": ("amodal.cli.challenge:Challenge", "cut-outs and backgrounds in, scenes with exact truth out"),
    "compare": ("amodal.cli.compare:Compare", "several methods over the same photos: tables, pictures, a page"),
    "train": ("amodal.cli.train:Train", "a network to compare with, trained from masks or boxes"),
    "evaluate": ("amodal.cli.evaluate:Evaluate", "truth and predictions in, every score that the two allow out"),
    "demo": ("amodal.cli.demo:Demo", "shipped photos, shipped model: a page to look at, in under a minute"),
}


class Command(Protocol):
    """What a command is: a dataclass of arguments that can be run."""

    def run(self) -> int:
        """Do the work and return the exit code."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; `arguments` are those of the process unless given. Returns the exit code."""
    try:
        return _run(list(sys.argv[1:] if arguments is None else arguments))
    except AmodalError as error:
        return _fail(str(error))
    except KeyboardInterrupt as stop:
        kept = str(stop) or "nothing was written"
        print(f"amodal: interrupted: {kept}", file=sys.stderr)
        return INTERRUPTED


def _run(arguments: list[str]) -> int:
    if not arguments:
        print(_help(), file=sys.stderr)
        return NOTHING_DONE
    name, *rest = arguments
    if name in ("-h", "--help", "help"):
        print(_help())
        return DONE
    if name == "--version":
        from amodal import __version__

        print(f"amodal {__version__}")
        return DONE
    if name not in COMMANDS:
        return _fail(f"found command {name!r}, expected one of {', '.join(COMMANDS)}; see amodal --help")
    try:
        command = _parse(name, rest)
    except SystemExit as stop:  # tyro has printed help (0) or what is wrong (2)
        return DONE if stop.code in (0, None) else NOTHING_DONE
    return command.run()


def _parse(name: str, arguments: Sequence[str]) -> Command:
    import tyro

    module, _, cls = COMMANDS[name][0].partition(":")
    command = getattr(import_module(module), cls)
    # FlagCreatePairsOff: a flag that is on by default is offered as --no-flag only, any other as --flag.
    config = (tyro.conf.FlagCreatePairsOff, tyro.conf.HelptextFromCommentsOff)
    return cast(Command, tyro.cli(command, prog=f"amodal {name}", args=arguments, config=config))


def _help() -> str:
    width = max(map(len, COMMANDS))
    commands = [f"  amodal {name:<{width}}   {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: amodal COMMAND ...",
            "",
            "Whole objects, hidden parts included, and who stands in front of whom.",
            "",
            *commands,
            "",
            "  amodal COMMAND --help   arguments and an example",
            "  amodal --version",
            "",
            "example: amodal predict street.jpg --boxes boxes.json --out out",
            "exit codes: 0 done, 1 done except what refused.json lists, 2 wrong use or nothing was done",
        ]
    )


def _fail(message: str) -> int:
    line = " ".join(message.split())  # one line, whatever a file name or a library's message holds
    print(f"amodal: error: {line}", file=sys.stderr)
    return NOTHING_DONE
