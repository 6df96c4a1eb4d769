"""Positions between bytes, code points, UTF-16 units and Isabelle's symbols."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.formal.positions import PositionError, SourceText

_TEXTS = st.text(alphabet="aλ∀𝔸\n\r⊢ é\\<", max_size=60)


@given(_TEXTS)
def test_every_character_is_found_again_from_its_line_and_column(text: str) -> None:
    source = SourceText(text)
    byte = 0
    for character in text:
        place = source.place(byte)
        assert source.byte(*place) == byte
        byte += len(character.encode())


@given(_TEXTS)
def test_utf16_columns_of_the_language_server_give_the_same_bytes(text: str) -> None:
    source = SourceText(text)
    byte = line = units = 0
    for character in text:
        assert source.byte_of_utf16(line, units) == byte
        byte += len(character.encode())
        units += len(character.encode("utf-16-le")) // 2
        if character == "\n":
            line, units = line + 1, 0


def test_a_byte_offset_is_not_an_index_of_a_string() -> None:
    """The mistake of ntptutorial: on any text with ∀ the two differ."""
    text = "theorem α_le (h : ∀ x, x ≤ α) : β := by\n  exact h β"
    source = SourceText(text)
    start = text.encode().index(b"exact")
    assert source.slice(start, start + len("exact h β".encode())) == "exact h β"
    assert text[start : start + 10] != "exact h β"


def test_isabelle_counts_symbols_from_one() -> None:
    source = SourceText('lemma "p \\<and> q \\<Longrightarrow> q"\n  by simp')
    # l e m m a space quote p space \<and>: the tenth symbol is one, though it has six bytes.
    assert source.byte_of_symbol(10) == 9
    assert source.byte_of_symbol(11) == 15


def test_positions_outside_the_text_are_refused() -> None:
    source = SourceText("é\n")
    for place in ((0, 0), (3, 0), (1, 9)):
        with pytest.raises(PositionError):
            source.byte(*place)
    with pytest.raises(PositionError):
        source.slice(0, 1)
    with pytest.raises(PositionError):
        source.byte_of_symbol(0)


def test_only_a_line_feed_ends_a_line() -> None:
    source = SourceText("a\u2028b\r\nc")
    assert source.place(source.text.encode().index(b"c")) == (2, 0)
