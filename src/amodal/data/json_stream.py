"""JSON larger than the memory it may take: the entries of its long lists, one after the other.

Python's own decoder parses one entry at a time from a window of the file. The window is text of one character a byte,
so that places in it are places in the file; what holds other characters than ASCII is decoded again as UTF-8.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from amodal.data.fields import Field
from amodal.errors import InputError, size_in_words

WINDOW = 2**22
MAX_ENTRY = 2**28  # one photo's entry; more is no annotation
LONGEST_CUT = 2  # "1e+" is a whole 1 to who cannot see the digits that follow
WORTH_A_WORD = 2**25  # what is read faster needs no progress
EXPECTED = "expected JSON: an object with lists of images and annotations"

Entries = Callable[[Field, int, int], None]  # an entry, its first byte, the byte after its last


def walk(
    path: Path, lists: Mapping[str, Entries], progress: Callable[[str, int, int], None] | None = None
) -> dict[str, Any]:
    """Walk the object in the file once: hand on each entry of `lists`, return all else, which is held whole.

    Texts handed on may hold UTF-8 as single bytes; numbers are as they are. The key "" of what is returned holds the
    names of the lists that were found.

    Raises:
        InputError: no such file, or not JSON: with the byte from which on it is not.
    """
    try:
        with path.open("rb") as stream:
            return _Walker(path, stream, progress).walk(lists)
    except (FileNotFoundError, IsADirectoryError, ValueError) as error:  # ValueError: a NUL in the name
        raise InputError(str(path), "file", "does not exist", EXPECTED) from error
    except OSError as error:
        raise InputError(str(path), "file", f"cannot be read ({error.strerror})", EXPECTED) from error


class _Walker:
    """A window on the file, and the place in it that is read next."""

    def __init__(self, path: Path, stream: BinaryIO, progress: Callable[[str, int, int], None] | None) -> None:
        self._path, self._stream, self._progress = path, stream, progress
        self._size = os.fstat(stream.fileno()).st_size
        self._decode = json.JSONDecoder().raw_decode
        self._text, self._place, self._start, self._at_end = "", 0, 0, False
        self._more()
        if self._text.startswith("\xef\xbb\xbf"):  # a byte order mark
            self._place = 3

    def walk(self, lists: Mapping[str, Entries]) -> dict[str, Any]:
        head: dict[str, Any] = {}
        found: list[str] = []
        self._expect("{")
        if self._next() == "}":
            self._place += 1
        else:
            while True:
                key = self._value()
                if not isinstance(key, str):
                    raise self._error("a name was expected")
                self._expect(":")
                if key in lists and self._next() == "[":
                    if key in found:
                        raise InputError(str(self._path), key, "stands in the file twice", "expected one list")
                    found.append(key)
                    self._entries(key, lists[key])
                else:
                    head[key] = self._value()
                if self._expect(",}") == "}":
                    break
        if self._next():
            raise self._error("something follows the end")
        self._say(self._size)
        return {**head, "": tuple(found)}

    def _entries(self, name: str, take: Entries) -> None:
        root = Field(str(self._path), None, name, None)
        self._expect("[")
        if self._next() == "]":
            self._place += 1
            return
        number = 0
        while True:
            self._next()
            begin = self._start + self._place
            value = self._parsed()
            take(Field(str(self._path), root, number, value), begin, self._start + self._place)
            number += 1
            if self._expect(",]") == "]":
                return

    def _value(self) -> Any:
        """The value that stands next, in proper UTF-8."""
        self._next()
        begin = self._start + self._place
        value = self._parsed()
        text = self._text[begin - self._start : self._place]
        if text.isascii():
            return value
        try:
            return json.loads(text.encode("latin-1").decode("utf-8"))
        except ValueError as error:
            found = f"is not JSON from byte {begin} on ({error})"
            raise InputError(str(self._path), "file", found, EXPECTED) from error

    def _parsed(self) -> Any:
        """Parse what stands next; if the window ends within it, widen the window and try again."""
        while True:
            try:
                value, end = self._decode(self._text, self._place)
            except RecursionError as error:
                raise self._error("nested too deeply") from error
            except json.JSONDecodeError as error:
                # An unfinished text is reported where it begins, everything else where the window ends.
                cut = error.msg.startswith("Unterminated") or error.pos > len(self._text) - 16
                if self._at_end or not cut:
                    self._place = min(error.pos, len(self._text))
                    raise self._error(error.msg) from error
            except ValueError as error:  # a whole number of more than 4,300 digits
                raise self._error(str(error)) from error
            else:
                if self._at_end or end + LONGEST_CUT < len(self._text):
                    self._place = end
                    return value
            self._more()

    def _next(self) -> str:
        """The next character that is no space; "" at the end."""
        while True:
            while self._place < len(self._text):
                if self._text[self._place] not in " \t\r\n":
                    return self._text[self._place]
                self._place += 1
            if self._at_end:
                return ""
            self._more()

    def _expect(self, characters: str) -> str:
        found = self._next()
        if not found or found not in characters:
            raise self._error(f"{' or '.join(characters)} was expected")
        self._place += 1
        return found

    def _more(self) -> None:
        """Drop what was read and add to the window as much as it holds, at least a window full."""
        kept = self._text[self._place :]
        if len(kept) > MAX_ENTRY:
            raise self._error(f"one value of more than {size_in_words(MAX_ENTRY)}")
        self._start += self._place
        added = self._stream.read(max(WINDOW, len(kept)))
        self._text, self._place, self._at_end = kept + added.decode("latin-1"), 0, not added
        if added:
            self._say(self._start + len(kept))

    def _say(self, done: int) -> None:
        if self._progress is not None and self._size >= WORTH_A_WORD:
            self._progress(f"reading {self._path.name}, MB", done // 10**6, self._size // 10**6)

    def _error(self, why: str) -> InputError:
        return InputError(
            str(self._path), "file", f"is not JSON from byte {self._start + self._place} on ({why})", EXPECTED
        )
