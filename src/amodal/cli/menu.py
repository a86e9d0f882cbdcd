"""A menu of commands: finds the one asked for, parses its arguments, runs it. A command may be a menu itself."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from amodal.cli.exits import DONE, NOTHING_DONE
from amodal.imports import imported


class Command(Protocol):
    """What a command is: a dataclass of arguments that can be run."""

    def run(self) -> int:
        """Do the work and return the exit code."""


@dataclass(frozen=True)
class Menu:
    """Commands by name, and what to say about them all.

    `commands`: name -> ("module:class", what it does). A module is imported only when its command is asked for, so
    that help comes at once. The class may also be a `Menu`: then the next word names a command of that.
    """

    program: str
    about: str
    commands: Mapping[str, tuple[str, str]]
    ending: tuple[str, ...] = ()

    def run(self, arguments: Sequence[str]) -> int:
        """Run the command that `arguments` begin with; returns the exit code."""
        if not arguments:
            print(self.help(), file=sys.stderr)
            return NOTHING_DONE
        name, *rest = arguments
        if name in ("-h", "--help", "help"):
            print(self.help())
            return DONE
        if name not in self.commands:
            found = f"found command {name!r}, expected one of {', '.join(self.commands)}; see {self.program} --help"
            return fail(found)
        target = imported(self.commands[name][0])
        if isinstance(target, Menu):
            return target.run(rest)
        try:
            command = self.parsed(arguments)
        except SystemExit as stop:  # tyro has printed help (0) or what is wrong (2)
            return DONE if stop.code in (0, None) else NOTHING_DONE
        return command.run()

    def parsed(self, arguments: Sequence[str]) -> Command:
        """The command of `arguments`, ready to run; tyro ends with SystemExit where they are wrong or ask for help."""
        import tyro

        name, *rest = arguments
        target = imported(self.commands[name][0])
        if isinstance(target, Menu):
            return target.parsed(rest)
        # FlagCreatePairsOff: a flag that is on by default is offered as --no-flag only, any other as --flag.
        config = (tyro.conf.FlagCreatePairsOff, tyro.conf.HelptextFromCommentsOff)
        return cast(Command, tyro.cli(target, prog=f"{self.program} {name}", args=rest, config=config))

    def help(self) -> str:
        """What `--help` prints."""
        width = max(map(len, self.commands))
        lines = [f"  {self.program} {name:<{width}}   {summary}" for name, (_, summary) in self.commands.items()]
        last = f"  {self.program} COMMAND --help   arguments and an example"
        return "\n".join([f"usage: {self.program} COMMAND ...", "", self.about, "", *lines, "", last, *self.ending])


def fail(message: str) -> int:
    """Print the error and return its exit code."""
    line = " ".join(message.split())  # one line, whatever a file name or a library's message holds
    print(f"amodal: error: {line}", file=sys.stderr)
    return NOTHING_DONE
