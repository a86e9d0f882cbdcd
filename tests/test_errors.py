from __future__ import annotations

import pickle

from amodal.errors import AmodalError, InputError


def test_the_message_says_where_what_was_found_and_what_was_expected():
    error = InputError("kins.json", "annotation 17: i_segm", "3 coordinates", "a polygon needs at least 6")
    assert str(error) == "kins.json: annotation 17: i_segm: 3 coordinates, a polygon needs at least 6"
    assert isinstance(error, AmodalError)


def test_parts_that_are_empty_leave_no_trace():
    assert str(InputError("photo.jpg", found="truncated")) == "photo.jpg: truncated"
    assert str(InputError("no such file")) == "no such file"


def test_an_error_survives_the_way_between_processes():
    error = InputError("a", "b", "c", "d")
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.field) == (str(error), "b")
