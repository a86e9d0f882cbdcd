"""What this library raises when it cannot go on; both kinds end in exit code 2 on the command line."""

from __future__ import annotations


class AmodalError(Exception):
    """Anything that went wrong in a way the user can understand and mend."""


class InputError(AmodalError):
    """Something handed to us is not what it should be.

    The message reads `<where>: <field>: <what was found>, <what was expected>`; empty parts are left out.

    >>> str(InputError("kins.json", "annotation 17: i_segm", "3 coordinates", "a polygon needs at least 6"))
    'kins.json: annotation 17: i_segm: 3 coordinates, a polygon needs at least 6'
    """

    def __init__(self, where: str, field: str = "", found: str = "", expected: str = "") -> None:
        self.where, self.field, self.found, self.expected = where, field, found, expected
        said = ", ".join(part for part in (found, expected) if part)
        super().__init__(": ".join(part for part in (where, field, said) if part))

    def __reduce__(self) -> tuple[type[InputError], tuple[str, str, str, str]]:
        # Exception's own reduce would hand only the message back, and workers send errors between processes.
        return type(self), (self.where, self.field, self.found, self.expected)


def size_in_words(bytes: float) -> str:
    """A size as messages say it.

    >>> size_in_words(2**31), size_in_words(5 * 2**20), size_in_words(5000)
    ('2 GB', '5 MB', '5,000 bytes')
    """
    for unit, size in (("GB", 2**30), ("MB", 2**20)):
        if bytes >= size:
            return f"{bytes / size:.4g} {unit}"
    return f"{bytes:,} bytes"


class NoSplits(InputError):
    """A split is asked for of a file or folder that has none."""
