"""What models read of a text."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from filters.normalisation import normalise_for_models, prose, without_formulas


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Let $x$ be real.", "let [EQUATION] be real ."),
        ("sum\nof\tsquares", "sum of squares"),
        ("$$\na = b\n$$\nholds", "[EQUATION] holds"),
        (r"it costs \$5 or \$6.50", "it costs $ 0 or $ 0"),
        ("use `x = 1` here", "use [CODE] here"),
        ("before\n```python\nprint('$x$')\n```\nafter", "before [CODE] after"),
        ("see https://a.example/b?c=d, or www.e.example", "see [LINK] or [LINK]"),
        ("Poincaré's naïve “proof”", 'poincare\'s naive " proof "'),
        ("on p. 1,234.5 and 17", "on p . 0 and 0"),
        (r"we \emph{really} mean it", "we really mean it"),
        (r"by \(a\) and \[b\] we get", "by [EQUATION] and [EQUATION] we get"),
        (r"so \begin{align*} x &= $y$ \end{align*} holds", "so [EQUATION] holds"),
        ("well-known Cauchy-Schwarz", "well-known cauchy-schwarz"),
        ("", ""),
        (" \n\t ", ""),
    ],
)
def test_ours(text: str, expected: str) -> None:
    assert normalise_for_models(text, "ours") == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Let $x$ be real.", "let [EQUATION] be real."),
        # Defect 14: control characters are deleted, words on both sides of them fuse.
        ("sum\nof\tsquares", "sumofsquares"),
        ("  Ünïcode 2024 ", "unicode 0000"),
        ("use `x` and «y»", 'use [CODE] and "y"'),
        ("an <s>end</s>", "an end"),
        ("$a$ and $$b$$", "[EQUATION] and [EQUATION]"),
    ],
)
def test_published(text: str, expected: str) -> None:
    assert normalise_for_models(text, "published") == expected


def test_one_stray_dollar_sign_does_not_swallow_the_page() -> None:
    text = "It costs $5.\n\nA ring is a set.\n\nHence $x$ is zero."
    assert normalise_for_models(text, "ours") == (
        "it costs $ 0 . a ring is a set . hence [EQUATION] is zero ."
    )


def test_a_formula_may_hold_an_escaped_dollar_sign() -> None:
    assert normalise_for_models(r"so $x = \$5$ then", "ours") == "so [EQUATION] then"


def test_without_formulas() -> None:
    line = normalise_for_models("Let $x$ be `y`", "ours")
    assert without_formulas(line).split() == ["let", "be", "[CODE]"]


def test_prose_keeps_case_accents_and_punctuation() -> None:
    text = "Soit $f$ une fonction dérivée.\nVoir `code` et https://a.example : \\emph{oui}, \\$3."
    assert prose(text) == "Soit une fonction dérivée. Voir et : oui, $3."


_PIECES = st.sampled_from(
    ["$", "$$", "\\", "`", "```\n", "\n", "\n\n", " ", "a", "é", "5", "\\(", "\\]", "\\begin{align}",
     "\\end{align}", "[EQUATION]", "https://", "\u2028", "\x00", "<s>", "word", "{", "}", "\r"]
)  # fmt: skip


@given(st.lists(_PIECES, max_size=60).map("".join))
def test_always_one_line(text: str) -> None:
    assert "\n" not in normalise_for_models(text, "published")
    line = normalise_for_models(text, "ours")
    assert line == " ".join(line.split())
    assert "\n" not in prose(text)


@pytest.mark.parametrize(
    "hostile",
    ["$" * 60_000, "$a" * 60_000, "`" * 60_000, "\\(" * 60_000, "\\[" * 60_000, "```\n" * 30_000,
     "\\begin{align}" * 8_000, "$a\n" * 40_000, "`a" * 60_000, "$$a" * 40_000, "~~~\n" * 30_000],
    ids=lambda text: repr(text[:6]),
)  # fmt: skip
def test_hostile_text_takes_linear_time(hostile: str) -> None:
    started = time.process_time()
    normalise_for_models(hostile, "ours")
    assert time.process_time() - started < 3
