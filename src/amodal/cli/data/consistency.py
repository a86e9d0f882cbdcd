"""`amodal data consistency`: annotators of the same photos compared, and their majority vote."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from amodal.cli.exits import DONE
from amodal.cli.progress import progress_on_stderr, say
from amodal.data.results import write_scenes
from amodal.data.truth import read_truth
from amodal.data.write import write_text_atomically
from amodal.errors import InputError
from amodal.scene import Instance
from amodal.survey.report import agreement_json, agreement_text
from amodal.survey.voting import Key, agreement, annotations_of, scenes_of_votes, voted


@dataclass(frozen=True)
class Consistency:
    """Compare annotators of the same photos: mean IoU of whole masks between every two, and with the majority vote.

    One file an annotator; photos are matched by name, objects by id, or by overlap where the ids do not fit. An object
    of the same id drawn elsewhere counts with IoU 0; one that somebody did not draw is named and in no mean. With
    --again the same annotators' second pass is compared with the first, as in Table 3 of the paper of KINS.

    Example: amodal data consistency ann.json ben.json eva.json --again ann2.json ben2.json eva2.json --vote votes.json
    """

    files: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
    """One annotated file for each annotator."""
    again: Annotated[tuple[Path, ...], tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = ()
    """The files of a second pass."""
    vote: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write the majority vote of the first pass here, as scenes.json."""
    doubtful_below: Annotated[float, tyro.conf.arg(metavar="IOU")] = 0.5
    """List objects on which annotators agree less than this: they should be drawn again."""
    out: Annotated[Path | None, tyro.conf.arg(metavar="JSON", help_behavior_hint="")] = None
    """Write the numbers here as JSON."""
    json: Annotated[bool, tyro.conf.arg(help_behavior_hint="")] = False
    """Print the numbers as JSON on stdout."""

    def run(self) -> int:
        """Do it; returns the exit code."""
        if len(self.files) + len(self.again) < 2:
            raise InputError("consistency", "files", "found fewer than two", "expected one for each annotator")
        files = (*self.files, *self.again)
        if len(set(files)) < len(files):
            raise InputError("consistency", "files", "one is given twice", "expected one for each annotator")
        truths = {path: read_truth(path) for path in files}
        names = _names(files)
        drawn: dict[Path, dict[Key, Instance]] = {}
        known: dict[Key, Instance] = {}
        for path in files:  # what the first did not draw is known from the next who did
            drawn[path] = annotations_of(truths[path], known)
            known = {**drawn[path], **known}
        first = {names[path]: drawn[path] for path in self.files}
        second = {names[path]: drawn[path] for path in self.again} or None
        with progress_on_stderr() as progress:
            found = agreement(first, second, doubtful_below=self.doubtful_below, progress=progress)
        content = json.dumps(agreement_json(found), indent=1, allow_nan=False)
        if self.out is not None:
            write_text_atomically(self.out, content + "\n")
        if self.vote is not None:
            votes = voted(first)
            write_scenes(scenes_of_votes(votes, truths[self.files[0]]), self.vote)
            say(f"{self.vote}: {len(votes)} objects by majority vote")
        print(content if self.json else agreement_text(found))
        return DONE


def _names(files: Sequence[Path]) -> dict[Path, str]:
    """Annotators are called as their files, with folders as far as that tells them apart."""
    names: dict[Path, str] = {}
    for path in files:
        parts = path.with_suffix("").parts
        for count in range(1, len(parts) + 1):
            names[path] = "/".join(parts[-count:])
            if sum(other.with_suffix("").parts[-count:] == parts[-count:] for other in files) == 1:
                break
    return names
