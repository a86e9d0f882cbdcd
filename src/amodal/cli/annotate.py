"""`amodal annotate`: the annotation app on this machine, for one person or for a team."""

from __future__ import annotations

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.serving import CONNECTIONS, Manners, bind, serve
from amodal.errors import InputError
from amodal.imports import starting

if TYPE_CHECKING:
    from fastapi import FastAPI

    from amodal.annotate.api.place import Place


@dataclass(frozen=True)
class Annotate:
    """Draw whole objects and their order, alone or as a team, in a page of the browser.

    Alone nobody logs in, and only this machine is answered. With --team people have accounts and roles; the first
    start asks for a manager, who makes the others on the page.

    Example: amodal annotate my-project --images photos/
    """

    project: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="PROJECT")]
    """The project's folder, made where missing: database, uploaded photos."""
    images: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER", help_behavior_hint="")] = None
    """The photos, which stay where they are; without it they are uploaded on the page."""
    port: Annotated[int, tyro.conf.arg(metavar="INT")] = 8000
    """0 takes any that is free."""
    host: Annotated[str, tyro.conf.arg(metavar="NAME")] = "127.0.0.1"
    """With --team another address of this machine, as 0.0.0.0 for all."""
    database: Annotated[str | None, tyro.conf.arg(metavar="URL", help_behavior_hint="")] = None
    """postgresql://user:password@host/name in place of the SQLite file in the project."""
    team: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Accounts with passwords, for several people."""
    manager: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="")] = None
    """Name of the first manager; the password is asked for, or read as a line from stdin."""
    from_solo: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """With --team: make a project of one person a team's without being asked; there is no way back."""
    method: Annotated[str | None, tyro.conf.arg(metavar="NAME", help_behavior_hint="(default: the model's best)")] = (
        None
    )
    """Whose proposals help; see amodal predict."""
    model: Annotated[str, tyro.conf.arg(metavar="NAME|FILE")] = "default"
    """The model of the proposals."""
    certificate: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Serve https with this certificate (PEM), its key in the same file or in --key."""
    key: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """The certificate's key."""
    backup: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Write everything into this file and end; the server may be running meanwhile."""
    restore: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """Make PROJECT of such a file and end; PROJECT must be new."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        self._check()
        if self.restore is not None:
            return self._restored(self.restore)
        if self.backup is not None:
            return self._backed_up(self.backup)
        with bind(self.host, self.port) as address:
            with starting():
                from amodal.annotate.api.place import BODY_SECONDS

                app = self._app()
            patience = BODY_SECONDS + 5  # the answer 408 goes first
            manners = Manners(patience_seconds=patience, most_connections=CONNECTIONS)
            serve(app, address, self.host, certificate=self.certificate, key=self.key, manners=manners)
        return DONE

    def _app(self) -> FastAPI:
        from amodal.annotate.api.app import create_app
        from amodal.annotate.api.opening import open_place
        from amodal.annotate.api.proposer import Proposer
        from amodal.annotate.help.propose import check_names

        check_names(self.model, self.method, "annotate", "--")
        proposer = Proposer(self.model, self.method)
        place = open_place(self.project, images=self.images, database=self.database, team=self.team, proposer=proposer)
        if self.team:
            self._first_manager(place)
        return create_app(place)

    def _check(self) -> None:
        if self.backup is not None and self.restore is not None:
            raise InputError("annotate", "--backup, --restore", "found both", "expected one of them")
        if self.from_solo and not self.team:
            raise InputError("annotate", "--from-solo", "found without --team", "expected both, or neither")
        if not self.team and self.host not in ("127.0.0.1", "localhost"):
            expected = "expected 127.0.0.1, or --team: without log-in only this machine is answered"
            raise InputError("annotate", "--host", f"found {self.host!r}", expected)

    def _restored(self, archive: Path) -> int:
        from amodal.annotate.store.backup import photos_outside, restore_backup

        photos = restore_backup(archive, self.project, self.database)
        print(f"{self.project}: restored, {photos} photos listed")
        outside = photos_outside(archive)
        if outside:
            print(f"{outside} photos were not in the backup: start with --images and the folder they are in")
        return DONE

    def _backed_up(self, archive: Path) -> int:
        """Nobody needs to be somebody for that; but there must be a project."""
        from amodal.annotate.store.backup import back_up, photos_outside

        photos = back_up(self.project, self.database, archive)
        print(f"{archive}: {photos} photos listed")
        outside = photos_outside(archive)
        if outside:
            print(f"the files of {outside} photos are not in it, for they lie in the folder of --images: keep that too")
        return DONE

    def _first_manager(self, place: Place) -> None:
        """Where nobody could manage, ask who shall."""
        from amodal.annotate.store.people import add_person, people

        with place.database.read() as session:
            listed = people(session)
            if any("manager" in one.roles and one.password_hash for one in listed):
                return
            solo = any(one.every_role for one in listed)
        if solo and not self.from_solo:
            self._ask_to_leave_solo()
        print(f"{self.project}: no manager yet", file=sys.stderr)
        name = self.manager or _asked("name of the manager: ")
        password = getpass.getpass(f"password of {name}: ") if sys.stdin.isatty() else _asked("")
        with place.database.write() as session:
            alone = next((one for one in people(session) if one.every_role), None)
            add_person(session, alone, name=name, role="manager", password=password)
        if solo:
            print(f"{self.project}: is a team's now; {name} makes the other accounts on the page", file=sys.stderr)

    def _ask_to_leave_solo(self) -> None:
        """A letter too much on the command line must not lock somebody out of working alone."""
        found = f"{self.project} is a project of one person"
        what = "as a team's it opens with --team only, everybody logs in, and there is no way back"
        if not sys.stdin.isatty():
            raise InputError("annotate", "--team", f"{found}; {what}", "expected --from-solo too, if that is meant")
        print(f"{found}; {what}.", file=sys.stderr)
        if _asked("make it a team's? [y/N] ").strip().lower() not in ("y", "yes"):
            raise InputError("annotate", "--team", "nothing was changed", "expected yes, or a start without --team")


def _asked(prompt: str) -> str:
    try:
        return input(prompt)
    except EOFError:
        found = "nobody to ask on this terminal"
        raise InputError("annotate", "--team", found, "expected --manager NAME and a password on stdin") from None
