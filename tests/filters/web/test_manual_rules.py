"""The original's manual filter, at its thresholds."""

from __future__ import annotations

from filters.web.manual_rules import AccentedCharacters, LibreTextsFormulas, TextLength
from schemas import Document

LIBRETEXTS = "https://chem.libretexts.org/page"


def test_texts_shorter_than_the_minimum_are_dropped() -> None:
    assert not TextLength().judge(Document("0", text="x" * 99)).keeps
    assert TextLength().judge(Document("0", text="x" * 100)).keeps


def test_accented_letters_count_by_share() -> None:
    assert AccentedCharacters().judge(Document("0", text="é" * 15 + "x" * 985)).keeps
    assert not AccentedCharacters().judge(Document("0", text="É" * 16 + "x" * 984)).keeps
    assert AccentedCharacters().judge(Document("0")).keeps


def test_libretexts_pages_need_a_formula_outside_the_mathematical_libraries() -> None:
    rule = LibreTextsFormulas()
    numbered = "Figure $\\PageIndex{1}$ shows $$\\PageIndex{2}$$ a cell."
    assert not rule.judge(Document("0", url=LIBRETEXTS, text=numbered)).keeps
    adjacent = "Figure $\\PageIndex{1}$$x$"
    assert rule.judge(Document("0", url=LIBRETEXTS, text=adjacent)).score == 1
    assert rule.judge(Document("0", url=LIBRETEXTS, text=numbered + " $x$")).keeps
    assert rule.judge(Document("0", url="https://math.libretexts.org/p", text="none")).keeps
    assert rule.judge(Document("0", url="https://other.example/p", text="none")).keeps
