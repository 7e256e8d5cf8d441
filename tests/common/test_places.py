"""Where an error came from, without what it says."""

from common.places import INNERMOST_FRAMES, places


def fail(depth: int) -> None:
    if depth:
        fail(depth - 1)
    raise ValueError("canary-4711")


def caught(depth: int) -> ValueError:
    try:
        fail(depth)
    except ValueError as error:
        return error
    raise AssertionError


def test_names_files_lines_and_functions_innermost_last() -> None:
    text = places(caught(0))

    assert text.startswith("test_places.py:")
    assert text.endswith(" fail")
    assert "canary" not in text


def test_keeps_to_the_innermost_frames() -> None:
    assert places(caught(50)).count(" > ") == INNERMOST_FRAMES - 1


def test_an_error_that_was_never_raised_has_no_place() -> None:
    assert places(ValueError("canary-4711")) == ""
