"""What the errors of libraries say, and what they came from."""

from __future__ import annotations

import pytest

from conf.error_words import causes, first_line


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (ValueError("one line"), "one line"),
        (ValueError("\n  the first that says something \nand more"), "the first that says something"),
        (ValueError(), "ValueError"),
        (OSError(" \n "), "OSError"),
    ],
)
def test_an_error_is_told_in_its_first_line_that_says_something_or_by_its_kind(error: Exception, told: str) -> None:
    assert first_line(error) == told


def test_causes_come_from_the_outermost_inwards_and_a_named_cause_before_what_was_handled() -> None:
    inner, outer, handled = ValueError("inner"), RuntimeError("outer"), KeyError("handled")
    outer.__cause__, outer.__context__, inner.__context__ = inner, handled, OSError("first")
    assert [str(cause) for cause in causes(outer)] == ["outer", "inner", "first"]


def test_causes_that_form_a_circle_are_each_told_once() -> None:
    one, other = ValueError("one"), ValueError("other")
    one.__cause__, other.__cause__ = other, one
    assert list(causes(one)) == [one, other]
