"""What a check notes down: problems with their places, and how to mend what can be mended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from amodal.data.fields import Field

Severity = Literal["broken", "doubtful"]
Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong.

    Attributes:
        severity: `broken`: readers refuse it or read something else; `doubtful`: it is read, but can hardly be meant.
        kind: a few words, the same for all problems of a kind.
        photo: file name of the photo, where it is known.
        annotation: id of the annotation (or "12, region 3"), where the problem is one's.
        field: where in the file, as in `annotations[16].i_segm[0]`.
        found: what is there.
        advice: what to do.
        mended: what `--repair` does about it; empty where it can do nothing.
    """

    severity: Severity
    kind: str
    photo: str
    annotation: int | str | None
    field: str
    found: str
    advice: str
    mended: str

    def text(self) -> str:
        """One line."""
        about = "" if self.annotation is None else f"annotation {self.annotation}: "
        photo = f" [{self.photo}]" if self.photo else ""
        return f"{self.severity}: {about}{self.field}: {self.found}; {self.advice}{photo}"


@dataclass(frozen=True)
class Findings:
    """All problems of a file in its own sequence, and what is in the repaired copy.

    Attributes:
        file: what was checked.
        layout: which format it was taken for.
        photos, annotations: how many it has.
        problems: all of them.
        changes: path -> new value.
        removals: paths of list entries that cannot stay.
    """

    file: str
    layout: str
    photos: int
    annotations: int
    problems: tuple[Problem, ...]
    changes: Mapping[Path, Any] = field(default_factory=dict)
    removals: frozenset[Path] = frozenset()

    @property
    def broken(self) -> int:
        """How many problems are more than doubtful."""
        return sum(problem.severity == "broken" for problem in self.problems)

    @property
    def kinds(self) -> dict[str, int]:
        """Kind -> how often, the most frequent first."""
        return dict(Counter(problem.kind for problem in self.problems).most_common())


class Notes:
    """Collects problems and mends while a file is walked through."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.changes: dict[Path, Any] = {}
        self.removals: set[Path] = set()
        self.photo = ""
        self.annotation: int | str | None = None

    def note(
        self,
        place: Field,
        kind: str,
        found: str,
        advice: str,
        *,
        mended: str = "",
        severity: Severity = "broken",
        about: int | str | None = None,
    ) -> None:
        """Write a problem down, of the photo and annotation at hand (or of the annotation `about`)."""
        who = self.annotation if about is None else about
        self.problems.append(Problem(severity, kind, self.photo, who, place.name, found, advice, mended))

    def remedy(self, mended: str) -> None:
        """Say what the repaired copy does about the problem noted last."""
        self.problems[-1] = replace(self.problems[-1], mended=mended)

    def worsen(self, since: int) -> None:
        """What was only doubtful of the problems from number `since` on is broken: nothing else is left."""
        self.problems[since:] = [replace(problem, severity="broken") for problem in self.problems[since:]]

    def change(self, place: Field, value: Any) -> None:
        """The repaired copy has `value` there; a later change of the same place wins."""
        self.changes[path_of(place)] = value

    def remove(self, place: Field) -> None:
        """The repaired copy does without this entry of a list; it is kept apart in the copy."""
        self.removals.add(path_of(place))


def path_of(place: Field) -> Path:
    """The keys from the root to a field."""
    keys: list[str | int] = []
    while place.parent is not None:
        keys.append(place.key)
        place = place.parent
    return tuple(reversed(keys))


def child(place: Field, key: str | int) -> Field:
    """An entry of an object or list, whatever it is; None where it is not there."""
    if isinstance(key, int):
        return Field(place.file, place, key, place.value[key])
    return Field(place.file, place, key, place.value.get(key) if isinstance(place.value, dict) else None)


def missing_or(shown: Callable[[object], str], value: object) -> str:
    """What to say of a value that cannot be used."""
    return "is missing" if value is None else f"is {shown(value)}"
