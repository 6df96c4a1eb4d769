"""Repeated paragraphs: what is left is what was there, without them."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from filters.repeated_paragraphs import RepeatedParagraphs

TEXTS = st.lists(st.text("ab \n\u00a0", max_size=12), max_size=8).map("\n\n".join)


@given(TEXTS, st.sampled_from(["paragraph", "line"]))
def test_nothing_repeated_nothing_changed(text: str, unit: str) -> None:
    stage = RepeatedParagraphs(unit=unit, minimum_chars=1)  # type: ignore[arg-type]
    assert stage.without(text, np.empty(0, np.uint64)).text == text


@given(TEXTS, st.sampled_from(["paragraph", "line"]))
def test_what_is_repeated_is_gone(text: str, unit: str) -> None:
    stage = RepeatedParagraphs(unit=unit, minimum_chars=1)  # type: ignore[arg-type]
    hashes = stage.hashes(text)
    left = stage.without(text, hashes)
    assert not left.text.strip("\n\u00a0 ") or not set(stage.hashes(left.text)) & set(hashes)
    assert set(left.removed) == set(hashes.tolist())


def test_formulas_in_other_letters_are_other_paragraphs_and_short_ones_stay() -> None:
    stage = RepeatedParagraphs(minimum_chars=10)
    text = "Hence.\n\nLet $x = 1$ be it.\n\nLet $x = 2$ be it.\n\nHence."
    (gone,) = stage.hashes("let  $X = 1$\nbe it.")
    left = stage.without(text, np.array([gone]))
    assert left.text == "Hence.\n\nLet $x = 2$ be it.\n\nHence."
    assert left.characters == len("Let $x = 1$ be it.")
