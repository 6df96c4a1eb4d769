"""Which texts count as equal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.exact_duplicates import KEY_BYTES, ExactDuplicates

key = ExactDuplicates().key


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Let x be.", "let  X\n\nbe."),
        ("ﬁnite", "finite"),
        ("a\u00a0b", "a b"),
        ("Straße", "STRASSE"),
    ],
)
def test_case_spaces_and_compatibility_forms_do_not_count(first: str, second: str) -> None:
    assert key(first) == key(second)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Solve $x^2 - 5x + 6 = 0$.", "Solve $x^2 - 7x + 6 = 0$."),
        ("Solve $x + 1$.", "Solve $x - 1$."),
        ("ab c", "a bc"),
    ],
)
def test_digits_signs_and_word_bounds_count(first: str, second: str) -> None:
    assert key(first) != key(second)


@given(st.text())
def test_a_key_has_its_length_and_depends_on_the_text_alone(text: str) -> None:
    assert len(key(text)) == KEY_BYTES
    assert key(text) == key(f"  {text} ")
